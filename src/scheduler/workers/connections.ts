/**
 * Each job that waits or runs is a connection, and each connection a file descriptor. A process that
 * has none left opens nothing: no journal, no lock, no script.
 */

/** For all else that a scheduler has open: files, commands, people. */
const reserved = 256;

/** How many descriptors the system gives this process; Node has raised the soft limit to the hard one. */
export function descriptorLimit(): number {
  Object.assign(process.report, { excludeNetwork: true }); // else newer Nodes look up names
  const report = process.report.getReport() as { userLimits?: { open_files?: { soft?: unknown } } };
  const soft = report.userLimits?.open_files?.soft;
  return typeof soft === "number" ? soft : Infinity;
}

/** So many jobs may be there at a time; of a small limit half. */
export function maxConnections(limit: number): number {
  return Math.max(1, limit - reserved, Math.floor(limit / 2));
}

/** What a person should know where fewer jobs than they wish may be there. */
export function remarkOnConnections(maxJobs: number, limit: number): string | null {
  const most = maxConnections(limit);
  if (maxJobs <= most) return null;
  const why = `each keeps a connection to the scheduler, which this machine lets have ${limit} files open`;
  return `At most ${most} jobs are there at a time, not ${maxJobs}: ${why}. For more, start the scheduler where "ulimit -Hn" says at least ${maxJobs + reserved}.`;
}

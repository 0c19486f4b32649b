/** How a job is known to be one of a run, and with which submission it came. */

/** What a job is submitted with, or listed with. */
export interface Carriers {
  comment: string;
  name: string;
  /** Where it was submitted to work. */
  folder: string;
}

/** Of a run; told apart from all others by its id. */
export interface Marked {
  runId: string;
  /** For people who look at the queue. */
  name: string;
  /** Of the run's jobs, absolute. */
  folder: string;
}

/** What a submission of a run writes on its jobs. Sites rewrite comments, and names: each of them says it. */
export function markOf({ runId, name, folder }: Marked, submission: number): Carriers {
  return {
    comment: `adaptive:${runId}:${submission}`,
    name: `${name.replaceAll(/[^\w.-]/g, "_").slice(0, 60)}-${submission}${nameEnd(runId)}`,
    folder,
  };
}

/**
 * What the marks say that are left of those that a job was submitted with.
 *
 * @returns whether it is the run's: `yes` with the number of its submission, null where that was rewritten;
 *   `no` when it is another's; null when nothing says so
 */
export function readMark(
  { comment, name, folder }: Carriers,
  run: Marked,
): { isOurs: true; submission: number | null } | { isOurs: false } | null {
  const tag = `adaptive:${run.runId}`;
  const at = comment.indexOf(tag);
  const end = nameEnd(run.runId);
  const [, told] = (at >= 0 && /^:(\d+)/.exec(comment.slice(at + tag.length))) || [];
  if (at < 0 && /^adaptive:.+:\d+$/s.test(comment)) return { isOurs: false };
  const [, named] = name.includes(end) ? (/-(\d+)$/.exec(name.slice(0, name.indexOf(end))) ?? []) : [];
  const submission = told ?? named;
  if (submission !== undefined) return { isOurs: true, submission: Number(submission) };
  return at >= 0 || folder === run.folder ? { isOurs: true, submission: null } : null;
}

const nameEnd = (runId: string): string => `.${runId.slice(0, 8).replaceAll(/\W/g, "_")}`;

import type { Model } from "../state/model";

const maxLostJobs = 3;

/** Nodes that so many jobs were lost on that no more should be sent there. */
export function lossyNodes(model: Model): string[] {
  const lost = new Map<string, number>();
  for (const { ending, host } of model.jobs.values()) {
    if (host !== null && (ending === "lost" || ending === "node failure")) lost.set(host, (lost.get(host) ?? 0) + 1);
  }
  return [...lost].flatMap(([host, count]) => (count >= maxLostJobs ? [host] : []));
}

import type { FoundRun } from "./runSession";

/**
 * Which run to show: one that has just appeared, since somebody has just started it; else the one
 * shown, while it exists; else the one that a person chose to see last; else the newest.
 */
export function chooseActive(now: {
  active: string | null;
  remembered: string | null;
  seen: ReadonlySet<string>;
  runs: readonly FoundRun[];
}): string | null {
  const { active, remembered, seen, runs } = now;
  const isShown = runs.some((run) => run.directory === active);
  const appeared = runs.filter((run) => !seen.has(run.directory));
  if (isShown && (appeared.length === 0 || appeared.some((run) => run.directory === active))) return active;
  // At first all have just appeared, and none of them says more than the others.
  const isNews = appeared.length > 0 && appeared.length < runs.length;
  if (!isNews && runs.some((run) => run.directory === remembered)) return remembered;
  const candidates = appeared.length > 0 ? appeared : runs;
  return [...candidates].sort((a, b) => b.created.localeCompare(a.created))[0]?.directory ?? null;
}

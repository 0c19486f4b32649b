/** What the results of a learner depend on, besides its own code. */
const named = { python: "Python", adaptive: "adaptive", numpy: "numpy" } as const;

/**
 * Says which versions of a job differ from those that the learners file was read with; null when none
 * does, or it is not known.
 */
export function describeOtherVersions(
  ours: Readonly<Record<string, string>>,
  theirs: Readonly<Record<string, string>>,
): string | null {
  const differing = Object.entries(named).filter(
    ([name]) => ours[name] !== undefined && theirs[name] !== undefined && ours[name] !== theirs[name],
  );
  if (differing.length === 0) return null;
  const list = (versions: typeof ours) => differing.map(([name, words]) => `${words} ${versions[name]}`).join(", ");
  return `Jobs run with ${list(theirs)}, but the run was made with ${list(ours)}: data of both may get mixed. If that is not meant, have the jobs use the Python of before (settings python and prelude).`;
}

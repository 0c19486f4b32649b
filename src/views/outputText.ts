import type { LearnerId } from "../scheduler/state/rows";

/** What jobs print when they begin with a learner. */
const beginning = /^\d\d:\d\d:\d\d learner (\d+) .*: started$/;

/**
 * What is shown of a job's output: of a learner that it ran its own part, the last time; of all that was printed
 * where that part, or no learner, is known. Of a line that was drawn over, as progress bars are, the last state.
 */
export function outputText(
  { text, truncated }: { text: string; truncated: boolean },
  learner: LearnerId | null,
): string {
  const lines = text.split(/\r?\n/).map((line) => line.slice(line.lastIndexOf("\r", line.length - 2) + 1));
  const learnerOf = (line: string): number | null => {
    const [, id] = beginning.exec(line) ?? [];
    return id === undefined ? null : Number(id);
  };
  const first = learner === null ? -1 : lines.findLastIndex((line) => learnerOf(line) === learner);
  const next = lines.findIndex((line, i) => i > first && learnerOf(line) !== null);
  const own = first < 0 ? lines : lines.slice(first, next < 0 ? undefined : next);
  if (own.join("").trim() === "") return "This job has printed nothing yet.\n";
  return [...(truncated && first < 0 ? ["… (only the end is shown)"] : []), ...own].join("\n");
}

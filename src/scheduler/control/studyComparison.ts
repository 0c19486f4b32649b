import * as v from "valibot";

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

/** How many learners of the file are new, gone, back again, described differently, or merely elsewhere in it. */
const countsSchema = v.object({
  added: count,
  missing: count,
  returned: count,
  changed: count,
  moved: count,
  unchanged: count,
});
export type ComparisonCounts = v.InferOutput<typeof countsSchema>;

/** What an update of a run to its edited study would do. */
export const studyComparisonSchema = v.object({
  revision: v.string(),
  counts: countsSchema,
  /** Whether learners would go or become others, so that a person should agree. */
  needsConsent: v.boolean(),
});
export type StudyComparison = v.InferOutput<typeof studyComparisonSchema>;

/** What of a study differs from what its run has: the files that jobs get, and the settings of `adaptive.json`. */
export const editedPartsSchema = v.object({ code: v.boolean(), settings: v.boolean() });
export type EditedParts = v.InferOutput<typeof editedPartsSchema>;

/** In words: `3 new, 12 gone (their data stays), 2 changed`. */
export function describeComparison({ added, missing, returned, changed }: ComparisonCounts): string {
  const parts = [
    added > 0 && `${added} new`,
    returned > 0 && `${returned} back again`,
    missing > 0 && `${missing} gone (their data stays)`,
    changed > 0 && `${changed} changed`,
  ].filter((part) => part !== false);
  return parts.length > 0 ? parts.join(", ") : "the same learners, with other code";
}

/** That an update was made, and what that means for jobs that run. */
export function updatedLine({ counts }: Pick<StudyComparison, "counts">, runningJobs: number): string {
  const updated = `Updated: ${describeComparison(counts)}.`;
  return runningJobs > 0 ? `${updated} Running jobs keep their code.` : updated;
}

/** Whether so many learners would go that it may be a mistake. */
export function removesMany({ missing, changed, moved, unchanged }: ComparisonCounts): boolean {
  return missing > (missing + changed + moved + unchanged) / 10;
}

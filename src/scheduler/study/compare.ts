import type { ComparisonCounts } from "../control/studyComparison";
import type { DescribedLearner, NewChange, NewLearner } from "../state/changes";
import { asLearnerId, type LearnerId, type LearnerRow } from "../state/rows";

/** A learner as the learners file has it now; its file name is its identity. */
export type ListedLearner = Omit<NewLearner, "id">;

/** What has become of a run's learners in an edited learners file. */
export interface Comparison {
  added: readonly ListedLearner[];
  /** Not in the file any more. */
  missing: readonly LearnerId[];
  /** In the file again. */
  returned: readonly DescribedLearner[];
  /** The same, at another place, in another class, or with a domain that was not known before. */
  moved: readonly DescribedLearner[];
  /** With other parameters, of another type, or over another domain, under the same file name. */
  changed: readonly DescribedLearner[];
  unchanged: number;
}

/** Compares by file name. */
export function compareLearners(rows: Iterable<LearnerRow>, listed: readonly ListedLearner[]): Comparison {
  const known = new Map<string, LearnerRow>();
  for (const row of rows) known.set(row.fname, row);
  const added: ListedLearner[] = [];
  const returned: DescribedLearner[] = [];
  const moved: DescribedLearner[] = [];
  const changed: DescribedLearner[] = [];
  let unchanged = 0;
  for (const learner of listed) {
    const row = known.get(learner.fname);
    if (!row) {
      added.push(learner);
      continue;
    }
    known.delete(learner.fname);
    const { fname: _, ...description } = learner;
    const described = { id: row.id, ...description, bounds: learner.bounds ?? row.bounds };
    if (!row.isListed) returned.push(described);
    else if (isOther(row, described)) changed.push(described);
    else if (isElsewhere(row, described)) moved.push(described);
    else unchanged++;
  }
  const missing = [...known.values()].filter(({ isListed }) => isListed).map(({ id }) => id);
  return { added, missing, returned, moved, changed, unchanged };
}

/** Bounds that are not known, as with `make_learner`, differ from none. */
function isOther(row: LearnerRow, now: DescribedLearner): boolean {
  return row.combo !== now.combo || row.type !== now.type || (row.bounds !== null && row.bounds !== now.bounds);
}

function isElsewhere(row: LearnerRow, { position, bounds, resourceClass }: DescribedLearner): boolean {
  return row.position !== position || row.bounds !== bounds || row.resourceClass !== resourceClass;
}

/** Whether applying it takes something away or makes something else of it, so that a person should agree. */
export function needsConsent({ missing, changed }: Comparison): boolean {
  return missing.length > 0 || changed.length > 0;
}

/** The changes that bring a run in line with its file; `stop` are learners to take off their jobs. */
export function changesOf(
  { added, missing, returned, moved, changed }: Comparison,
  learners: ReadonlyMap<LearnerId, LearnerRow>,
): { changes: NewChange[]; stop: LearnerId[] } {
  const inState = (ids: readonly LearnerId[], state: (row: LearnerRow) => boolean) =>
    ids.filter((id) => {
      const row = learners.get(id);
      return row !== undefined && state(row);
    });
  const isRunning = ({ state }: LearnerRow) => state === "running";
  const ids = (described: readonly DescribedLearner[]) => described.map(({ id }) => id);
  const revised = [...moved, ...changed, ...returned];
  const stop = inState(missing, isRunning);
  const gone = inState(missing, (row) => !isRunning(row));
  const back = inState(ids(returned), ({ state }) => state === "removed");
  const reopened = inState(ids(changed), ({ state }) => state === "done");
  // A learner's id is also its place in the file of epochs: none is ever used again.
  const first = learners.size;
  const changes: NewChange[] = [
    revised.length > 0 && { kind: "learnersRevised" as const, learners: revised },
    missing.length > 0 && { kind: "learnersUnlisted" as const, learners: missing },
    stop.length > 0 && { kind: "learnersStopping" as const, learners: stop },
    gone.length > 0 && move(gone, "removed", "not in the learners file any more"),
    back.length > 0 && move(back, "waiting", "in the learners file again"),
    reopened.length > 0 &&
      move(reopened, "waiting", "to go on, because the learners file describes it differently now"),
    added.length > 0 && {
      kind: "learnersAdded" as const,
      learners: added.map((learner, i) => ({ ...learner, id: asLearnerId(first + i) })),
    },
  ].filter((change) => change !== false);
  return { changes, stop };
}

function move(learners: LearnerId[], state: "waiting" | "removed", reason: string): NewChange {
  return { kind: "learnersMoved", learners, state, reason };
}

export function countsOf({ added, missing, returned, moved, changed, unchanged }: Comparison): ComparisonCounts {
  return {
    added: added.length,
    missing: missing.length,
    returned: returned.length,
    moved: moved.length,
    changed: changed.length,
    unchanged,
  };
}

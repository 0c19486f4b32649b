import { basename } from "node:path";
import type { Overview } from "../remote/replica/queries";
import type { Failure } from "../scheduler/state/failure";
import type { LearnerRow } from "../scheduler/state/rows";
import { fileNames, learnerLabel, parametersOf } from "./format";
import type { ShownFailure, ShownLearner, ShownRunNumbers, ShownTrial } from "./messages";
import { inStudy, placeInStudy } from "./ownFiles";
import { freshTrial, trialLine } from "./trialModel";

const maxParameters = 16;
const longestFname = 300;

/** What the page needs of a learner's row. */
export function shownLearner(row: LearnerRow): ShownLearner {
  const { id, type, resourceClass, state, reason, error, failures, remark, npoints, loss, changedAt } = row;
  return {
    id,
    label: learnerLabel(row),
    parameters: parametersOf(row.combo)
      .slice(0, maxParameters)
      .map(([name, value]) => [name, value]),
    fname: fileNames(row.fname).slice(0, longestFname),
    type,
    resourceClass,
    state,
    reason,
    error,
    failures,
    remark,
    npoints,
    loss,
    job: row.jobId ?? row.lastJobId,
    changedAt,
  };
}

/**
 * What the page needs of the trial of a learner that is looked at; null when there is nothing new in it.
 * @param folder of the study on this computer; null when that is not known
 */
export function shownTrial(row: LearnerRow, folder: string | null): ShownTrial | null {
  const trial = freshTrial(row);
  if (trial === null) return null;
  const { at, error, traceback } = trial;
  const place = placeWords(traceback, folder);
  return {
    at,
    line: trialLine(trial),
    hasFailed: error !== null,
    traceback: traceback && shownTraceback(traceback, folder),
    place,
  };
}

/** What the page needs of how a learner failed. */
export function shownFailure(failure: Failure, folder: string | null): ShownFailure {
  const { job, at, output, earlier } = failure;
  const before = earlier && `Before that, in job ${earlier.job}: ${earlier.error}\n${earlier.traceback ?? ""}`;
  const traceback = failure.traceback ?? before ?? null;
  const place = placeWords(traceback, folder);
  return { job, at, traceback: traceback && shownTraceback(traceback, folder), output: inStudy(output, folder), place };
}

/** Lines are wrapped in the panel, where marks below them would point at something else. */
function shownTraceback(traceback: string, folder: string | null): string {
  return inStudy(traceback, folder).replace(/^ *[~^]+ *\n/gm, "");
}

function placeWords(traceback: string | null, folder: string | null): string | null {
  const place = placeInStudy(traceback, folder);
  return place && `line ${place.line} of ${basename(place.file)}`;
}

/** @param finishedAt when a run ended that has nothing left to do */
export function shownNumbers(
  { run, learners, jobs, npoints }: Overview,
  { finishedAt, isOnCluster }: { finishedAt: number | null; isOnCluster: boolean },
): ShownRunNumbers {
  const { name, cluster, activity, activityAt, remark } = run;
  // One that was stopped or paused since says by its time of now nothing of when it was started.
  const startedAt = activity === "active" && finishedAt !== null && activityAt < finishedAt ? activityAt : null;
  const finished = finishedAt === null ? null : { at: finishedAt, startedAt };
  return { name, cluster, activity, remark, learners, jobs, npoints, finished, isOnCluster };
}

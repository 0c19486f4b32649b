import { asJobId, tryClass, type JobId, type JobRow } from "../state/rows";
import type { Model } from "../state/model";
import { isMute, mostJobs, muteMs, willAsk } from "./capacity";
import type { Circumstances } from "./circumstances";

export interface Cancelling {
  jobs: JobId[];
  /** They did not end when they were asked to. */
  force: boolean;
}

/** What a job has to save its learner once its run is stopped, before it is told to end; and then before it is killed. */
const saveGraceMs = 30_000;
const endGraceMs = 15_000;

/** Which of the jobs that live should end. */
export function toCancel(model: Model, live: readonly JobRow[], circumstances: Circumstances): Cancelling | null {
  const { listing, now } = circumstances;
  const isDue = ({ cancelledAt }: JobRow) => cancelledAt !== null && now - cancelledAt > endGraceMs;
  // Only a listing shows that a job has not heeded us.
  const stubborn = listing ? live.filter(isDue) : [];
  if (stubborn.length > 0) return { jobs: idsOf(stubborn), force: true };
  const asked = live.filter(({ cancelledAt }) => cancelledAt === null);
  const jobs =
    model.run.activity === "stopped" ? stopped(model, asked, now) : useless(model, live, asked, circumstances);
  return jobs.length > 0 ? { jobs: idsOf(jobs), force: false } : null;
}

/** Once the run is stopped, jobs without a learner end at once; the others after they had time to save. */
function stopped({ run }: Model, live: readonly JobRow[], now: number): JobRow[] {
  const isOver = !run.stopsGently && now - run.activityAt > saveGraceMs;
  const isTriedSince = ({ resourceClass, submittedAt }: JobRow) =>
    resourceClass === tryClass && submittedAt >= run.activityAt;
  return live.filter((job) => (job.learnerId === null || isOver) && !isTriedSince(job));
}

/** Jobs that will never ask for a learner, and those in the queue for which no learner is left or no room. */
function useless(
  model: Model,
  live: readonly JobRow[],
  asked: readonly JobRow[],
  { listing, settings, sharedCores, now }: Circumstances,
): JobRow[] {
  const hopeless = new Set((listing ?? []).filter((job) => job.isHopeless).map(({ id }) => asJobId(id)));
  const patienceMs = model.run.activity === "active" ? 2 * muteMs : muteMs;
  const idle = asked.filter((job) => hopeless.has(job.jobId) || isMute(job, now, patienceMs));
  const queued = asked.filter((job) => job.state === "queued" && willAsk(job) && !idle.includes(job));
  const surplus = Math.max(
    live.filter(willAsk).length - idle.length - model.waiting.size,
    live.length - idle.length - mostJobs(settings, sharedCores),
  );
  return [...idle, ...(surplus > 0 ? queued.slice(-surplus) : [])];
}

const idsOf = (jobs: readonly JobRow[]): JobId[] => jobs.map(({ jobId }) => jobId);

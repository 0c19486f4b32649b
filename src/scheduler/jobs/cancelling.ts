import { asJobId, tryClass, type JobId, type JobRow } from "../state/rows";
import type { Model } from "../state/model";
import { classOf, isMute, muteMs, resourcesOfJob, roomBeside, willAsk } from "./capacity";
import type { Circumstances } from "./circumstances";

export interface Cancelling {
  jobs: JobId[];
  /** They did not end when they were asked to. */
  force: boolean;
}

/** What a job has to save its learner once its run is stopped, before it is told to end; and then before it is killed. */
const saveGraceMs = 30_000;
const endGraceMs = 15_000;
/** For so long a queue may list what has ended. */
const returnedMs = 60_000;

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
  jobs.push(...returned(model, circumstances));
  return jobs.length > 0 ? { jobs: idsOf(jobs), force: false } : null;
}

/** Jobs that were given up, and are in the queue all the same: nothing is left for them. */
function returned(model: Model, { listing, now }: Circumstances): JobRow[] {
  return (listing ?? []).flatMap(({ id, state }) => {
    const job = state === "ended" ? undefined : model.jobs.get(asJobId(id));
    return job?.state === "ended" && now - (job.endedAt ?? now) > returnedMs ? [job] : [];
  });
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
  circumstances: Circumstances,
): JobRow[] {
  const { listing, now } = circumstances;
  const hopeless = new Set((listing ?? []).filter((job) => job.isHopeless).map(({ id }) => asJobId(id)));
  const patienceMs = model.run.activity === "active" ? 2 * muteMs : muteMs;
  const idle = asked.filter((job) => hopeless.has(job.jobId) || isMute(job, now, patienceMs));
  const gone = new Set(idle);
  const free = live.filter((job) => willAsk(job) && !gone.has(job));
  const unneeded = new Map<string, number>();
  for (const { resourceClass } of free) {
    const jobs = unneeded.get(resourceClass) ?? -(model.waiting.get(resourceClass)?.size ?? 0);
    unneeded.set(resourceClass, jobs + 1);
  }
  const queued = free.filter(({ state }) => state === "queued").reverse();
  for (const job of queued) {
    const left = unneeded.get(job.resourceClass) ?? 0;
    if (left <= 0) continue;
    unneeded.set(job.resourceClass, left - 1);
    gone.add(job);
  }
  const kept = live.filter((job) => !gone.has(job)).map((job) => classOf(model, job));
  const room = roomBeside(kept, circumstances);
  for (const job of queued) {
    if (room.jobs >= 0 && room.cores >= 0) break;
    if (gone.has(job)) continue;
    room.jobs++;
    room.cores += resourcesOfJob(model, job, circumstances).cores;
    gone.add(job);
  }
  return live.filter((job) => gone.has(job));
}

const idsOf = (jobs: readonly JobRow[]): JobId[] => jobs.map(({ jobId }) => jobId);

import type { QueuedJob } from "../clusters/cluster";
import type { Answer, NewChange } from "../state/changes";
import { handful } from "../state/handful";
import type { Model } from "../state/model";
import { releaseOf } from "../state/release";
import { asJobId, tryClass, type JobId, type JobRow, type LearnerId } from "../state/rows";
import type { Settings } from "../state/settings";
import { trialOf, type Trial } from "../state/trial";

/** What should happen now. Changes come first, and are on disk before anything is submitted or cancelled. */
export interface Decision {
  changes: NewChange[];
  /** Jobs to submit as one array. */
  submit: Order | null;
  cancel: { jobs: JobId[]; force: boolean } | null;
}

/** Jobs to submit. */
export interface Order {
  resourceClass: string;
  count: number;
  /** Learners to try a point of, for the class `try`. */
  tries: readonly LearnerId[] | null;
}

export interface Circumstances {
  settings: Pick<Settings, "maxJobs" | "maxFailures" | "budget" | "resources">;
  /** All jobs of the run as the queue has just listed them; null when it could not be asked. */
  listing: readonly QueuedJob[] | null;
  /** Submissions that this process is making at the moment. */
  inFlight: ReadonlySet<number>;
  progress: (learner: LearnerId) => { npoints: number; loss: number | null };
  now: number;
}

/** What a job has to save its learner once its run is stopped, before it is told to end; and then before it is killed. */
const saveGraceMs = 30_000;
const endGraceMs = 15_000;

const resourceClass = "default";

/** Decides from what is true and what the queue says; does nothing itself. */
export function decide(model: Model, circumstances: Circumstances): Decision {
  const changes = circumstances.listing ? observe(model, circumstances.listing, circumstances) : [];
  const ending = new Set(changes.flatMap((change) => (change.kind === "jobEnded" ? [change.job] : [])));
  const isPausing = changes.some(({ kind }) => kind === "activityChanged");
  const live = [...model.liveJobs].filter((id) => !ending.has(id)).map((id) => model.job(id));
  return {
    changes,
    submit: isPausing ? null : shortfall(model, live, changes, circumstances),
    cancel: toCancel(model, live, circumstances.now),
  };
}

/** The changes that bring the model in line with the queue. */
function observe(model: Model, listing: readonly QueuedJob[], circumstances: Circumstances): NewChange[] {
  const changes: NewChange[] = resolveSubmissions(model, listing, circumstances);
  const listed = new Map(listing.map((job) => [asJobId(job.id), job]));
  let deaths = model.run.deathsBeforeStart;
  for (const id of model.liveJobs) {
    const job = model.job(id);
    const now = listed.get(id);
    if (now && now.state !== "ended") {
      if (now.state !== job.state) changes.push({ kind: "jobObserved", job: id, state: now.state, host: now.host });
      continue;
    }
    const exitCode = now?.end?.exitCode ?? null;
    if (job.resourceClass === tryClass) changes.push(...untold(model, job, exitCode, circumstances.now));
    else if (!job.hasAsked && job.cancelledAt === null) deaths++;
    changes.push(...endOf(model, job, exitCode, deaths, circumstances));
  }
  if (deaths >= handful && model.run.activity === "active") {
    const reason = `The last ${deaths} jobs ended before they asked for a learner; nothing more is submitted.`;
    changes.push({ kind: "activityChanged", activity: "paused", stopsGently: 0, reason });
  }
  return changes;
}

/** Submissions of which nobody knows whether they happened, because a scheduler died or a command hung. */
function resolveSubmissions(model: Model, listing: readonly QueuedJob[], { inFlight }: Circumstances): NewChange[] {
  return [...model.submissions.values()]
    .filter(({ submission, state }) => state === "submitting" && !inFlight.has(submission))
    .map(({ submission, resourceClass }): NewChange => {
      const jobs = listing
        .filter((job) => job.submission === submission)
        .map(({ id, name }) => ({ id: asJobId(id), name }));
      return jobs.length > 0
        ? { kind: "jobsSubmitted", submission, resourceClass, jobs }
        : { kind: "submissionRefused", submission, reason: "it never reached the queue" };
    });
}

function endOf(
  model: Model,
  job: JobRow,
  exitCode: number | null,
  deathsBeforeStart: number,
  { settings, progress }: Circumstances,
): NewChange[] {
  const reason = describeEnd(job, exitCode);
  const end: NewChange = { kind: "jobEnded", job: job.jobId, exitCode, reason, deathsBeforeStart };
  if (job.learnerId === null) return [end];
  const learner = model.learner(job.learnerId);
  const how = job.cancelledAt !== null ? "given back" : exitCode === null ? "cut short" : "failed";
  const why = `its job ${job.jobId} ${reason}`;
  return [releaseOf(learner, job.jobId, null, how, why, progress(learner.id), settings.maxFailures), end];
}

/** A job that was to try points and ended without a word about some of them. */
function untold(model: Model, job: JobRow, exitCode: number | null, now: number): NewChange[] {
  const { tries, submittedAt } = model.submissions.get(job.submission) ?? {};
  const untold = (JSON.parse(tries ?? "[]") as LearnerId[]).filter((id) => {
    const trial = trialOf(model.learner(id));
    return trial === null || trial.at < (submittedAt ?? 0);
  });
  if (untold.length === 0) return [];
  const error = `its job ${describeEnd(job, exitCode)} before it could tell`;
  const nothing = { point: "", value: null, seconds: 0, megabytes: 0, traceback: null };
  const trial: Trial = { at: now, job: job.jobId, ...nothing, error };
  return [{ kind: "pointsTried", learners: untold, trials: untold.map(() => JSON.stringify(trial)) }];
}

function describeEnd(job: JobRow, exitCode: number | null): string {
  if (job.cancelledAt !== null) return "was cancelled";
  if (exitCode === null) return "was killed, or its machine went down";
  // A launcher of MPI gives the bare number of the signal that ended a rank.
  if (exitCode === 9 || exitCode === 137) return "was killed by signal 9: most often it had used up the memory";
  if (exitCode > 128) return `was killed by signal ${exitCode - 128}`;
  return exitCode === 0 ? "ended" : `ended with exit code ${exitCode}`;
}

/** As many jobs as there is work for, within the limits. */
function shortfall(
  model: Model,
  live: readonly JobRow[],
  changes: readonly NewChange[],
  { settings }: Circumstances,
): Decision["submit"] {
  if (model.run.activity !== "active") return null;
  const unresolved = [...model.submissions.values()].filter(({ state }) => state === "submitting");
  if (unresolved.length > 0) return null;
  const givenBack = changes.filter((change) => change.kind === "learnerReleased" && change.state === "waiting").length;
  const free = live.filter(willAsk).length;
  const room = Math.min(settings.maxJobs, Math.floor(settings.budget / settings.resources.cores)) - live.length;
  const count = Math.min(model.waiting.size + givenBack - free, room, risk(model, live, changes));
  return count > 0 ? { resourceClass, count, tries: null } : null;
}

/**
 * How many more jobs may turn out to die at once: a handful in all, until one that lives has asked for
 * a learner. Where jobs wait in the queue, so would the others, and are not held back for that.
 */
function risk(model: Model, live: readonly JobRow[], changes: readonly NewChange[]): number {
  const runners = live.filter(({ resourceClass }) => resourceClass !== tryClass);
  if (runners.some(({ hasAsked, state }) => hasAsked === 1 || state === "queued")) return Infinity;
  const ends = changes.flatMap((change) => (change.kind === "jobEnded" ? [change.deathsBeforeStart] : []));
  return handful - (ends.at(-1) ?? model.run.deathsBeforeStart) - runners.length;
}

/** Whether a job without a learner is about to ask for one: it has just been submitted, or has just finished one. */
function willAsk({ learnerId, answer, resourceClass }: JobRow): boolean {
  return (
    resourceClass !== tryClass &&
    learnerId === null &&
    (answer === null || (JSON.parse(answer) as Answer).type === "ok")
  );
}

/** Once the run is stopped, jobs without a learner end at once; the others after they had time to save. */
function toCancel(model: Model, live: readonly JobRow[], now: number): Decision["cancel"] {
  if (model.run.activity !== "stopped") return null;
  const isOver = !model.run.stopsGently && now - model.run.activityAt > saveGraceMs;
  const toKill = live.filter(({ cancelledAt }) => cancelledAt !== null && now - cancelledAt > endGraceMs);
  if (toKill.length > 0) return { jobs: toKill.map(({ jobId }) => jobId), force: true };
  const isTriedSince = ({ resourceClass, submittedAt }: JobRow) =>
    resourceClass === tryClass && submittedAt >= model.run.activityAt;
  const toEnd = live.filter(
    (job) => job.cancelledAt === null && (job.learnerId === null || isOver) && !isTriedSince(job),
  );
  return toEnd.length > 0 ? { jobs: toEnd.map(({ jobId }) => jobId), force: false } : null;
}

import type { NewChange } from "../state/changes";
import { resourcesOf } from "../state/classes";
import { handful } from "../state/handful";
import { lossOf, reasonWithLoss, remarkOnLosses, withoutLoss } from "../state/lostPoints";
import type { Model } from "../state/model";
import { releaseOf } from "../state/release";
import { asJobId, tryClass, type JobId, type JobRow, type LearnerId } from "../state/rows";
import { walltimeSeconds } from "../state/settings";
import { triedBy, type Trial } from "../state/trial";
import type { Circumstances } from "./circumstances";
import { toCancel, type Cancelling } from "./cancelling";
import { allot, type Claim } from "./allotment";
import { classOf, isMute, resourcesOfJob, roomBeside, serves, triesOf, willAsk } from "./capacity";
import { deathsInARow } from "./deaths";
import { howItEnded, type Verdict } from "./evidence";
import { plural } from "../state/counts";

/** What should happen now. Changes come first, and are on disk before anything is submitted or cancelled. */
export interface Decision {
  changes: NewChange[];
  submit: Order[];
  cancel: Cancelling | null;
}

/** Jobs to submit. */
export interface Order {
  resourceClass: string;
  count: number;
  /** Learners to try a point of, for the class `try`. */
  tries: readonly LearnerId[] | null;
}

/** A job that holds a learner and says nothing for so long is stalled. */
const stalledMs = 1_800_000;

/** Decides from what is true and what the queue says; does nothing itself. */
export function decide(model: Model, circumstances: Circumstances): Decision {
  const changes = [...appearances(model, circumstances), ...ends(model, circumstances), ...news(model, circumstances)];
  const pause = pauseFor(model, changes, circumstances);
  if (pause) changes.push(pause);
  const remark = remarkOnLosses(model.run, changes, circumstances.settings.saveEverySeconds);
  if (remark) changes.push(remark);
  const live = [...model.liveJobs].filter((id) => !circumstances.gone.has(id)).map((id) => model.job(id));
  return {
    changes,
    submit: pause ? [] : shortfall(model, live, changes, circumstances),
    cancel: toCancel(model, live, circumstances),
  };
}

/** What becomes of submissions that nobody confirmed, because a scheduler died or a command hung. */
function appearances(model: Model, { listing, lost, inFlight }: Circumstances): NewChange[] {
  const unknown = new Map<number, { id: JobId; name: string }[]>();
  for (const { id, name, submission: told } of listing ?? []) {
    if (model.jobs.has(asJobId(id))) continue;
    const submission = told ?? unconfirmed(model, inFlight);
    if (submission === null || inFlight.has(submission) || !model.submissions.has(submission)) continue;
    unknown.set(submission, [...(unknown.get(submission) ?? []), { id: asJobId(id), name }]);
  }
  const found = [...unknown].map(([submission, jobs]): NewChange => {
    const { resourceClass = "" } = model.submissions.get(submission) ?? {};
    return { kind: "jobsSubmitted", submission, resourceClass, jobs };
  });
  const refused = lost
    .filter((submission) => !unknown.has(submission))
    .map((submission): NewChange => ({ kind: "submissionRefused", submission, reason: "it never reached the queue" }));
  return [...found, ...refused];
}

/** Where a job comes from that does not tell, if that can be told: the newest submission that has no jobs. */
function unconfirmed({ submissions }: Model, inFlight: ReadonlySet<number>): number | null {
  if (inFlight.size > 0) return null;
  return [...submissions.values()].findLast(({ state }) => state !== "submitted")?.submission ?? null;
}

/** The ends of jobs, each after what follows from it for a learner that it held. */
function ends(model: Model, circumstances: Circumstances): NewChange[] {
  let deaths = model.run.deathsBeforeStart;
  return [...circumstances.gone].flatMap(([id, evidence]): NewChange[] => {
    const job = model.job(id);
    const { now, allowedSeconds } = circumstances;
    const { walltime } = resourcesOfJob(model, job, circumstances);
    const asked = walltime === null ? null : walltimeSeconds(walltime);
    const verdict = howItEnded(job, { ...evidence, walltimeSeconds: allowedSeconds(id) ?? asked, now });
    if (job.resourceClass !== tryClass && !job.hasAsked && job.cancelledAt === null) deaths++;
    const { exitCode, ending, words: reason } = verdict;
    return [
      ...(job.resourceClass === tryClass ? untold(model, job, verdict, now) : []),
      ...released(model, job, verdict.how, reason, circumstances),
      { kind: "jobEnded", job: id, exitCode, ending, reason, deathsBeforeStart: deaths },
    ];
  });
}

/** Takes the learner off a job, if it holds one. */
function released(
  model: Model,
  job: JobRow,
  how: Verdict["how"],
  words: string,
  { progress, settings }: Circumstances,
): NewChange[] {
  const learner = model.heldBy(job);
  if (!learner) return [];
  const known = progress(learner.id);
  const loss = lossOf(learner, known);
  const reason = reasonWithLoss(`its job ${job.jobId} ${words}`, loss);
  const left = withoutLoss(known, loss);
  const release = releaseOf(learner, job.jobId, null, how, reason, left, settings.maxFailures);
  return loss ? [loss, release] : [release];
}

/** A job that was to try points and ended without a word about some of them. */
function untold(model: Model, job: JobRow, { words }: Verdict, now: number): NewChange[] {
  const { tries = null } = model.submissions.get(job.submission) ?? {};
  const untold = triesOf({ tries }).filter((id) => triedBy(model, model.learner(id)) < job.submission);
  if (untold.length === 0) return [];
  const error = `its job ${words} before it could tell`;
  const nothing = { point: "", value: null, seconds: 0, megabytes: 0, traceback: null };
  const trial: Trial = { at: now, job: job.jobId, ...nothing, error };
  return [{ kind: "pointsTried", learners: untold, trials: untold.map(() => JSON.stringify(trial)) }];
}

/** What the queue says of jobs that live. */
function news(model: Model, circumstances: Circumstances): NewChange[] {
  const { listing, gone } = circumstances;
  return (listing ?? []).flatMap((listed): NewChange[] => {
    const job = model.jobs.get(asJobId(listed.id));
    if (!job || job.state === "ended" || listed.state === "ended" || gone.has(job.jobId)) return [];
    if (listed.restart > job.restart) {
      const reason = "was started anew by the queue";
      const requeued: NewChange = { kind: "jobRequeued", job: job.jobId, restart: listed.restart, reason };
      return [...released(model, job, "cut short", reason, circumstances), requeued];
    }
    const { state, host } = listed;
    const startedAt = state === "running" ? (job.startedAt ?? circumstances.now) : job.startedAt;
    const reason = state === "queued" ? listed.waitsFor : oddness({ ...job, startedAt }, circumstances);
    const isNews = state !== job.state || host !== job.host || reason !== job.reason;
    return isNews ? [{ kind: "jobObserved", job: job.jobId, state, host, startedAt, reason }] : [];
  });
}

/** What is odd about a running job. */
function oddness(job: JobRow, { heardAt, now }: Circumstances): string | null {
  if (isMute(job, now)) return "has never asked for a learner";
  if (job.learnerId !== null && now - heardAt(job.jobId) > stalledMs) return "has not been heard of for half an hour";
  return null;
}

/** What makes more submissions pointless until a person has seen to it. */
function pauseFor(
  model: Model,
  changes: readonly NewChange[],
  { settings, listing, gone, now }: Circumstances,
): NewChange | null {
  if (model.run.activity !== "active") return null;
  const reason = [
    () => {
      const deaths = Math.max(
        0,
        ...changes.map((change) => (change.kind === "jobEnded" ? change.deathsBeforeStart : 0)),
      );
      return deaths >= handful
        ? `The last ${plural(deaths, "job")} ended before they asked for a learner; nothing more is submitted.`
        : null;
    },
    () => {
      // Others that do well say nothing of these.
      const classes = settings.classes.length > 0 ? [...model.waiting.keys()] : [];
      const name = classes.find((name) => deathsInARow(model, name, gone) >= handful);
      return name === undefined
        ? null
        : `The last ${plural(handful, "job")} of the class ${name} ended before they asked for a learner; nothing more is submitted.`;
    },
    () => {
      const hopeless = listing?.find((job) => job.isHopeless && model.jobs.get(asJobId(job.id))?.cancelledAt === null);
      return hopeless
        ? `Job ${hopeless.id} can never start: ${hopeless.waitsFor ?? "the queue does not say why"}.`
        : null;
    },
    () => {
      if (listing === null) return null;
      const jobs = [...model.jobs.values()].filter(
        ({ jobId, cancelledAt }) => !gone.has(jobId) && cancelledAt === null,
      );
      const mute = jobs.filter((job) => job.state === "running" && isMute(job, now)).length;
      return mute >= handful && jobs.every(({ hasAsked }) => !hasAsked)
        ? `${plural(mute, "job")} run for ten minutes and have not asked for a learner: most often compute nodes cannot reach the scheduler.`
        : null;
    },
  ].reduce<string | null>((found, look) => found ?? look(), null);
  return reason === null ? null : { kind: "activityChanged", activity: "paused", stopsGently: 0, reason };
}

/** As many jobs of each class as there is work for in it, within the limits. */
function shortfall(
  model: Model,
  live: readonly JobRow[],
  changes: readonly NewChange[],
  circumstances: Circumstances,
): Order[] {
  if (model.run.activity !== "active") return [];
  const resolved = new Set(changes.flatMap((change) => ("submission" in change ? [change.submission] : [])));
  const lastOf = new Map<string, number>();
  for (const { submission, resourceClass, state } of model.submissions.values()) {
    if (state === "submitting" && !resolved.has(submission)) return [];
    lastOf.set(resourceClass, submission);
  }
  const appeared = changes.flatMap((change) =>
    change.kind === "jobsSubmitted" ? change.jobs.map(() => classOf(model, change)) : [],
  );
  const givenBack = changes.flatMap((change) =>
    change.kind === "learnerReleased" && change.state === "waiting"
      ? [model.learner(change.learner).resourceClass]
      : [],
  );
  const anew = new Set(changes.map((change) => (change.kind === "jobRequeued" ? change.job : null)));
  const isFree = (job: JobRow) => willAsk(job) || anew.has(job.jobId);
  const serving = live.filter((job) => serves(job) || isFree(job));
  const claimOf = (resourceClass: string): Claim => {
    const isOurs = (job: JobRow) => job.resourceClass === resourceClass;
    const countOf = (classes: readonly string[]) => classes.filter((name) => name === resourceClass).length;
    const waiting = (model.waiting.get(resourceClass)?.size ?? 0) + countOf(givenBack);
    const wanted = waiting - serving.filter(isFree).filter(isOurs).length - countOf(appeared);
    return {
      resourceClass,
      short: Math.min(wanted, risk(model, live.filter(isOurs), fruitlessOf(resourceClass), changes)),
      has: serving.filter(isOurs).length + countOf(appeared),
      cores: resourcesOf(circumstances.settings, resourceClass).cores,
    };
  };
  const ends = changes.flatMap((change) => (change.kind === "jobEnded" ? [change.deathsBeforeStart] : []));
  const fruitless = ends.at(-1) ?? model.run.deathsBeforeStart;
  const hasClasses = circumstances.settings.classes.length > 0;
  const fruitlessOf = (name: string) => (hasClasses ? deathsInARow(model, name, circumstances.gone) : fruitless);
  const sinceLast = (one: string, other: string) => (lastOf.get(one) ?? 0) - (lastOf.get(other) ?? 0);
  const claims = [...new Set([...model.waiting.keys(), ...givenBack])].sort(sinceLast).map(claimOf);
  const room = roomBeside([...live.map((job) => classOf(model, job)), ...appeared], circumstances);
  const runners = live.filter(({ resourceClass }) => resourceClass !== tryClass);
  const jobs = Math.min(room.jobs, risk(model, runners, fruitless, changes));
  return [...allot(claims, { ...room, jobs })].map(([resourceClass, count]) => ({ resourceClass, count, tries: null }));
}

/**
 * How many more jobs may turn out to come to nothing: a handful of all and of each class, until one that
 * lives has asked for a learner that it has. Where jobs wait in the queue, so would the others, and are not held back for that.
 */
function risk(model: Model, runners: readonly JobRow[], deaths: number, changes: readonly NewChange[]): number {
  const { mismatches } = model.run;
  const isTrusted = runners.some(({ hasAsked, state }) => hasAsked === 1 || state === "queued");
  const waits = changes.some((change) => change.kind === "jobObserved" && change.state === "queued");
  if (mismatches === 0 && (isTrusted || waits)) return Infinity;
  return handful - Math.max(deaths, mismatches) - runners.filter(({ learnerId }) => learnerId === null).length;
}

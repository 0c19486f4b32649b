import type { JobEnd } from "../clusters/cluster";
import { isNothing } from "../state/changes";
import { AdaptiveError, toAdaptiveError } from "../state/errors";
import { asJobId, tryClass, type JobId, type JobRow, type LearnerId } from "../state/rows";
import { remarkOf, withRemark } from "../state/runRemarks";
import { settingsOf } from "../state/settings";
import { Attendance, type Listing } from "./attendance";
import type { Cancelling } from "./cancelling";
import type { Circumstances } from "./circumstances";
import { explainPause } from "./deaths";
import { checkRoomToTry, limitsOf } from "./capacity";
import { decide } from "./decide";
import type { OwnEnd } from "./evidence";
import type { JobFiles } from "./jobFiles";
import { emptyOutbox } from "./outbox";
import { closeLookAt, pollDelayMs } from "./pace";
import { Submitter, type SubmitterOptions } from "./submitter";

export interface LoopOptions extends SubmitterOptions {
  files: JobFiles;
  progress: Circumstances["progress"];
  heardAt: Circumstances["heardAt"];
  /** Without a word for so long, a worker has missed several of its reports. */
  silenceMs: () => number;
  /** False when it is not understood. */
  takeInMessage: (message: object) => Promise<boolean>;
  /** Something a person should know of the run. */
  onRemark: (remark: string) => void;
  /** How many jobs the scheduler can be connected with. */
  maxConnections: number;
  /** From 0 to 1. */
  random: () => number;
}

/** Between two rounds that messages asked for: what comes in together is decided together. */
const pokeDelayMs = 200;
/** How often to look whether jobs that were told that nothing is left for them have written down their end. */
const lookEveryMs = 2000;
/** And whether the first jobs of a run have. */
const lookAtFirstEveryMs = 10_000;

/**
 * Keeps jobs in the queue: asks the queue once per interval, decides, records, and only then acts.
 * One round at a time; those that messages ask for in between do not ask the queue.
 */
export class JobLoop {
  queueCalls = 0;

  private readonly submitter: Submitter;
  private readonly attendance: Attendance;
  private cancelTimer: (() => void) | null = null;
  private current: Promise<void> | null = null;
  private isAwaited = false;
  private isClosed = false;
  private lastPollAt = 0;
  private usualPollAt = 0;
  private failedPolls = 0;
  /** When jobs that are short may be submitted. */
  private nextFillAt: number | null = null;
  /** When to look for the ends of jobs that have taken leave. */
  private nextLookAt = Infinity;
  private hasAccounts = true;
  /** Jobs that try points and are being submitted. */
  private startingTrials = 0;
  /** What the queue allows the jobs that it has listed. */
  private readonly allowedSeconds = new Map<string, number>();
  /** Walltimes that were asked for and not given, in seconds. */
  private readonly shortenings = new Set<number>();

  constructor(private readonly options: LoopOptions) {
    this.attendance = new Attendance(options.cluster.isExact);
    this.submitter = new Submitter(options);
  }

  get submissions(): number {
    return this.submitter.submissions;
  }

  /** Begins, with what jobs left while nobody served them: before one of them asks for its next learner. */
  open(): Promise<void> {
    this.current = this.emptyOutbox().then(() => {
      this.current = null;
      this.poke();
    });
    return this.current;
  }

  /** Asks for a round soon. */
  poke(): void {
    if (this.isClosed) return;
    if (this.current) this.isAwaited = true;
    else this.schedule(pokeDelayMs);
  }

  /** Returns when no round is under way. */
  async settled(): Promise<void> {
    await this.current;
  }

  /** Returns when no round is under way, and none will begin. */
  async close(): Promise<void> {
    this.isClosed = true;
    this.cancelTimer?.();
    await this.current;
  }

  private schedule(delayMs: number): void {
    const { clock, onNotice } = this.options;
    this.cancelTimer?.();
    this.cancelTimer = clock.after(delayMs, () => {
      this.cancelTimer = null;
      this.current = this.round()
        .catch((error: unknown) => onNotice(toAdaptiveError(error)))
        .then(() => {
          this.current = null;
          if (this.isClosed) return;
          const next = Math.min(this.nextPollAt(), this.nextFillAt ?? Infinity, this.nextLookAt) - clock.now();
          this.schedule(this.isAwaited ? pokeDelayMs : Math.max(next, pokeDelayMs));
          this.isAwaited = false;
        });
    });
  }

  private async round(): Promise<void> {
    const { clock } = this.options;
    const isPoll = clock.now() >= this.nextPollAt();
    const listing = isPoll ? await this.list() : null;
    // Behind the listing: a job that it shows as ended has left its message by then. Not whenever a worker says
    // something: shared file systems suffer most of being looked at.
    if (isPoll) await this.emptyOutbox();
    await this.act(listing);
  }

  private emptyOutbox(): Promise<void> {
    const { store, takeInMessage, onRemark } = this.options;
    return emptyOutbox(store.directory, takeInMessage, (path) =>
      onRemark(`What a job left could not be understood, and is kept: ${path}`),
    );
  }

  /** When the queue is to be asked next. */
  private nextPollAt(): number {
    const newsAt = this.options.cluster.isExact || this.failedPolls > 0 ? null : this.firstNewsAt();
    return newsAt === null ? this.usualPollAt : Math.min(this.usualPollAt, closeLookAt(newsAt, this.lastPollAt));
  }

  /**
   * When something was last heard of the first jobs of a run: that they were submitted, or run. Null once one has
   * asked for a learner since the run was started last; then the others will.
   */
  private firstNewsAt(): number | null {
    const { model } = this.options.store;
    const live = [...model.liveJobs].map((id) => model.job(id));
    if (live.length === 0 || live.some(({ hasAsked }) => hasAsked)) return null;
    for (const { hasAsked, endedAt } of model.jobs.values()) {
      if (hasAsked && (endedAt ?? 0) >= model.run.activityAt) return null;
    }
    return Math.max(...live.map(({ startedAt, submittedAt }) => startedAt ?? submittedAt));
  }

  /** What the queue lists, or null when it did not answer or is not believed. */
  private async list(): Promise<Listing | null> {
    const { run, cluster, onNotice, clock, store, random } = this.options;
    const at = clock.now();
    try {
      if (!this.hasQuestions()) return null;
      this.queueCalls++;
      const listing = { jobs: await run(cluster.list(store.model.liveJobs)), at };
      if (this.failedPolls > 0) onNotice(null);
      this.failedPolls = 0;
      this.noteWalltimes(listing.jobs);
      return this.attendance.takeIn(listing, store.model) ? listing : null;
    } catch (error) {
      this.failedPolls++;
      const { message } = toAdaptiveError(error);
      onNotice(
        new AdaptiveError("queue-silent", `The queue did not answer: ${message}`, "Jobs go on; it is asked again."),
      );
      return null;
    } finally {
      const { pollSeconds } = settingsOf(store.model.run);
      this.lastPollAt = at;
      this.usualPollAt = at + pollDelayMs(pollSeconds, cluster.isExact, this.failedPolls, random());
    }
  }

  /** What the queue allows each job; said, where it is less than was asked for. */
  private noteWalltimes(jobs: Listing["jobs"]): void {
    const { store, onRemark } = this.options;
    const { model } = store;
    for (const { id, walltimeSeconds: allowed } of jobs) {
      if (allowed === null || !model.liveJobs.has(asJobId(id))) continue;
      this.allowedSeconds.set(id, allowed);
      const { submission = 0 } = model.jobs.get(asJobId(id)) ?? {};
      const asked = this.submitter.askedSeconds.get(submission) ?? null;
      if (asked === null || allowed >= asked || this.shortenings.has(asked)) continue;
      this.shortenings.add(asked);
      const remark = `The queue gives jobs ${allowed} s where ${asked} s were asked for (job ${id}): they save and give back their learners before that.`;
      store.record({ kind: "runRemarked", remark: withRemark(model.run.remark, "walltime", remark) });
      onRemark(remark);
    }
  }

  /** Whether there is anything of ours that the queue could tell of. */
  private hasQuestions(): boolean {
    const { liveJobs, submissions } = this.options.store.model;
    return liveJobs.size > 0 || [...submissions.values()].some(({ state }) => state === "submitting");
  }

  private async act(listing: Listing | null): Promise<void> {
    const { store, cluster, progress, heardAt, clock, files, onNotice, onRemark, maxConnections } = this.options;
    const gone = await this.gone(listing);
    const decision = decide(store.model, {
      ...limitsOf(settingsOf(store.model.run), cluster, maxConnections),
      listing: listing?.jobs ?? null,
      gone,
      lost: listing ? this.lostSubmissions() : [],
      inFlight: this.submitter.inFlight,
      progress,
      heardAt,
      allowedSeconds: (job) => this.allowedSeconds.get(job) ?? null,
      now: clock.now(),
    });
    for (const id of gone.keys()) this.allowedSeconds.delete(id);
    // Without a pause since it was decided: another message could make a change untrue.
    for (const change of decision.changes) store.record(change);
    await store.synced();
    for (const change of decision.changes) {
      if (change.kind === "runRemarked") onRemark(remarkOf(change.remark, "lost") ?? "");
    }
    await files.tidy([...gone.keys()].map((job) => store.model.job(job)));
    if (decision.cancel) await this.cancel(decision.cancel);
    this.nextFillAt = decision.submit.length > 0 ? await this.submitter.fill(decision.submit) : null;
    const pause = await explainPause(store.model, files);
    // A person may have started the jobs again while it was looked for.
    if (pause && store.model.run.activity === "paused") onNotice(pause);
  }

  /** The jobs that have ended, with what is known of how. */
  private async gone(listing: Listing | null): Promise<Map<JobId, { own: OwnEnd | null; told: JobEnd | null }>> {
    const { store, files, cluster, heardAt, silenceMs, clock } = this.options;
    const ended = new Map(listing?.jobs.filter(({ state }) => state === "ended").map((job) => [job.id, job]));
    const gone = new Map<JobId, { own: OwnEnd | null; told: JobEnd | null }>();
    const live = [...store.model.liveJobs].map((id) => store.model.job(id));
    const areFirst = !cluster.isExact && this.firstNewsAt() !== null;
    const leaving = cluster.isExact ? [] : live.filter(hasTakenLeave);
    const written = areFirst || leaving.length > 0 ? await files.written() : new Set<string>();
    for (const job of live) {
      const isMissing = listing !== null && this.attendance.isMissing(job.jobId);
      // One that holds a learner may have left a last word in the outbox since that was looked at.
      if (!isMissing && !(job.learnerId === null && written.has(job.jobId))) continue;
      const own = cluster.isExact ? null : await files.ownEnd(job);
      const told = ended.get(job.jobId);
      const isStated = told !== undefined && told.restart >= job.restart;
      const { jobId, submittedAt } = job;
      const isForgotten = hasTakenLeave(job) || this.attendance.isGone(jobId, submittedAt, heardAt(jobId), silenceMs());
      const isGone = isMissing && (isStated || isForgotten);
      if (own || isGone) gone.set(job.jobId, { own, told: told?.end ?? null });
    }
    const isLeft = leaving.some(({ jobId }) => !gone.has(jobId));
    this.nextLookAt = isLeft || areFirst ? clock.now() + (isLeft ? lookEveryMs : lookAtFirstEveryMs) : Infinity;
    const untold = [...gone].filter(([id, { told }]) => told === null && store.model.job(id).cancelledAt === null);
    const accounts = await this.accountsOf(untold.map(([id]) => id));
    for (const [id, { own }] of untold) gone.set(id, { own, told: accounts.get(id) ?? null });
    return gone;
  }

  /** What the queue's accounting, where there is one, says of jobs that are not listed any more. */
  private async accountsOf(jobs: readonly JobId[]): Promise<ReadonlyMap<string, JobEnd>> {
    const { cluster, run } = this.options;
    const command = this.hasAccounts && jobs.length > 0 ? cluster.account(jobs) : null;
    if (!command) return new Map();
    try {
      this.queueCalls++;
      return await run(command);
    } catch (error) {
      // The job's own words and its time have to do.
      if (toAdaptiveError(error).code === "no-accounts") this.hasAccounts = false;
      return new Map();
    }
  }

  private lostSubmissions(): number[] {
    const { store, silenceMs } = this.options;
    return [...store.model.submissions.values()]
      .filter(({ submission, state }) => state === "submitting" && !this.submitter.inFlight.has(submission))
      .filter(({ submission, submittedAt }) => this.attendance.isGone(submission, submittedAt, -Infinity, silenceMs()))
      .map(({ submission }) => submission);
  }

  /**
   * Submits a job that evaluates a point of each of some learners.
   * @throws AdaptiveError `trials-full`, or when the queue refuses it
   */
  async try(tries: readonly LearnerId[]): Promise<void> {
    checkRoomToTry(this.options.store.model, this.startingTrials);
    this.startingTrials++;
    try {
      await this.submitter.submit({ resourceClass: tryClass, count: 1, tries });
    } finally {
      this.startingTrials--;
    }
    this.poke();
  }

  /** Asks jobs to end, or by force ends them. */
  async cancel({ jobs, force }: Cancelling): Promise<void> {
    const { store, cluster, run, onNotice } = this.options;
    for (const job of jobs) store.record({ kind: "jobCancelled", job });
    await store.synced();
    try {
      await run(cluster.cancel(jobs, force));
    } catch (error) {
      onNotice(toAdaptiveError(error));
    }
  }
}

/** Whether a job was told that there is nothing for it, after which it ends. */
function hasTakenLeave({ learnerId, answer }: JobRow): boolean {
  return learnerId === null && isNothing(answer);
}

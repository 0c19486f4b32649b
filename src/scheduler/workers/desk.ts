import * as v from "valibot";
import { okayAnswer, type Answer, type Release } from "../state/changes";
import { handful } from "../state/handful";
import { lossOf, reasonWithLoss, remarkOnLosses, withoutLoss } from "../state/lostPoints";
import type { Model } from "../state/model";
import { asJobId, asLearnerId, type JobId, type JobRow, type LearnerId, type LearnerRow, fnameOf } from "../state/rows";
import { hasRemark, remarkOf, remarkOnMpi, withRemark, type WithoutMpi } from "../state/runRemarks";
import { releaseOf } from "../state/release";
import { settingsOf } from "../state/settings";
import type { Store } from "../state/store";
import { triedBy, type Trial } from "../state/trial";
import {
  workerProtocol,
  workerRequestSchema,
  type Preview,
  type Wish,
  type WorkerReply,
  type WorkerRequest,
  type WorkerRequestOf,
} from "./messages";
import type { ProgressBoard } from "./progress";
import { describeOtherVersions } from "./versions";
import { plural } from "../state/counts";

/** Processes a job may have, one after the other, for one learner: a script that crashes and is restarted by its job. */
const maxInstances = 3;
/** All workers together send at most about this many reports a second. */
const reportsPerSecond = 100;
const minSilenceMs = 90_000;
const maxFieldLength = 80;

type LastWord = Extract<WorkerRequest, { type: "done" | "failed" | "released" }>;
type Reply = WorkerReply extends infer R ? (R extends WorkerReply ? Omit<R, "v" | "n"> : never) : never;

/** What the desk tells others, and asks them. */
export interface DeskEvents {
  /** Whether a job that asks for its next learner should end, so that another class gets a job. */
  givesWay(job: JobRow): boolean;
  /** A job came, or a learner left its job: there may be slots to fill. */
  onDidFree(): void;
  onDidPreview(learner: LearnerId, preview: Preview): void;
  /** Something a person should know of the run. */
  onDidRemark(remark: string): void;
  /** A learner's code raised; the change that says so is not on disk yet. */
  onDidFail(learner: LearnerId, traceback: string): void;
  /** A message was not understood. */
  onDidDrop?(why: string): void;
}

/**
 * Answers workers: hands out learners, takes in what they report. An answer that follows from a
 * change is given when the change is on disk.
 */
export class WorkerDesk {
  private watched: ReadonlySet<LearnerId> = new Set();
  private readonly lastHeardAt = new Map<JobId, number>();
  private readonly openedAt: number;

  constructor(
    private readonly store: Store,
    private readonly board: ProgressBoard,
    /** Of a clock that is not set while it goes. */
    private readonly now: () => number,
    private readonly events: DeskEvents,
  ) {
    this.openedAt = now();
  }

  /** When the worker of a job was last heard; who has not spoken yet to this scheduler may just not have had the time. */
  heardAt(job: JobId): number {
    return this.lastHeardAt.get(job) ?? this.openedAt;
  }

  /**
   * @param message anything at all
   * @returns the reply, or null for a message that deserves silence
   */
  async answer(message: object): Promise<WorkerReply | null> {
    // Of a thousand faults the first will do.
    const parsed = v.safeParse(workerRequestSchema, message, { abortEarly: true });
    if (!parsed.success) return this.refuse(message, v.getDotPath(parsed.issues[0]));
    const request = parsed.output;
    const reply = this.decide(request, false);
    // Reports change nothing that is recorded, and need not wait for others' syncs.
    if (request.type !== "report") await this.store.synced();
    return reply && { v: workerProtocol, n: request.n, ...reply };
  }

  /**
   * Takes in a message that its job left in the outbox, perhaps long ago; returns when it is on disk.
   * @returns whether it is one that this version understands
   */
  async takeIn(message: object): Promise<boolean> {
    const parsed = v.safeParse(workerRequestSchema, message, { abortEarly: true });
    if (parsed.success && parsed.output.type !== "start") this.decide(parsed.output, true);
    await this.store.synced();
    return parsed.success;
  }

  /** A worker that is silent for so long has missed several of its reports. */
  get silenceMs(): number {
    return Math.max(minSilenceMs, 3000 * this.reportEverySeconds);
  }

  /** Sets which learners somebody looks at; returns those whose wish changed. */
  watch(learners: ReadonlySet<LearnerId>): LearnerId[] {
    const before = this.watched;
    this.watched = learners;
    return [...new Set([...before, ...learners])].filter((id) => before.has(id) !== learners.has(id));
  }

  wishFor(learner: LearnerId): Wish {
    const { run, learners } = this.store.model;
    const isTakenOff = learners.get(learner)?.isStopping === 1;
    const stopsAll = run.activity === "stopped";
    const isWatched = this.watched.has(learner);
    return {
      stop: isTakenOff || (stopsAll && !run.stopsGently) ? "now" : stopsAll ? "gently" : null,
      preview: isWatched,
      reportEverySeconds: isWatched ? 1 : this.reportEverySeconds,
    };
  }

  private get reportEverySeconds(): number {
    return Math.max(1, Math.ceil(this.store.model.learnerCounts.running / reportsPerSecond));
  }

  private decide(request: WorkerRequest, isLate: boolean): Reply | null {
    const { model } = this.store;
    const job = model.jobs.get(asJobId(request.job));
    if (!job) {
      // It may have started before its submission was told to us: silence makes it ask again.
      const isAwaited = [...model.submissions.values()].some(({ state }) => state === "submitting");
      return isAwaited ? null : unknownJob(request.job);
    }
    if (!isLate) this.lastHeardAt.set(job.jobId, this.now());
    if (request.type === "report") return this.report(request, job.jobId);
    if (request.type === "remark") return this.remark(request, job.jobId);
    if (request.type === "tried") return this.tried(request, job.jobId);
    if (job.instance === request.instance && !isLate) {
      if (request.n < job.requestNumber) return null;
      // What it was given last may have been ended since by a word from the outbox: then there is more to give.
      const isFree = request.type === "start" && job.answer === okayAnswer;
      if (request.n === job.requestNumber && !isFree) return this.repeated(job);
    }
    return request.type === "start" ? this.start(request, job) : this.finish(request, job);
  }

  private start(request: WorkerRequestOf<"start">, job: JobRow): Reply {
    const { model } = this.store;
    // A process of a job that the queue has started anew since, on a node that was given up.
    if (job.state === "ended" || request.restart < job.restart) return unknownJob(request.job);
    const held = model.heldBy(job);
    if (held && request.restart > job.restart) {
      this.release(held, job, null, "cut short", `its job ${job.jobId} was started anew by the queue`);
      const isOfItsClass = held.resourceClass === job.resourceClass;
      if (held.state === "waiting" && isOfItsClass)
        return this.assign(request, { ...job, learnerId: null, instances: 0 }, held, false);
    } else if (held) {
      const isSameProcess = job.instance === request.instance;
      if (isSameProcess || job.instances < maxInstances) return this.assign(request, job, held, isSameProcess);
      this.release(held, job, null, "failed", `its job ${job.jobId} restarted it ${plural(maxInstances, "time")}`);
    }
    if (request.revision !== model.run.revision) {
      return this.dismiss(request, job, "the study was edited; jobs started since run the new code");
    }
    if (model.run.activity === "stopped") return this.dismiss(request, job, "the jobs of this run are being stopped");
    if (job.cancelledAt !== null) return this.dismiss(request, job, "this job is being cancelled");
    if (request.versions) this.compareVersions(request.versions);
    this.noteMpi(request.withoutMpi);
    const next = model.waiting.get(job.resourceClass)?.first;
    if (next === undefined) return this.dismiss(request, job, this.nothingFor(job));
    if (this.events.givesWay(job)) return this.dismiss(request, job, "jobs of another class need its place");
    // Until the first of them asks, only a handful of jobs is submitted.
    if (!hasAnyAsked(model)) this.events.onDidFree();
    return this.assign(request, job, model.learner(next), false);
  }

  private nothingFor({ resourceClass }: JobRow): string {
    const { model } = this.store;
    return model.learnerCounts.waiting > 0
      ? `no learner of the class ${resourceClass} is waiting`
      : "no learner is waiting";
  }

  private assign(request: WorkerRequestOf<"start">, job: JobRow, learner: LearnerRow, isSameProcess: boolean): Reply {
    // The process of the job that had it until now has died.
    if (learner.jobId !== null && !isSameProcess) this.lose(lossOf(learner, this.board.of(learner)));
    const epoch = isSameProcess ? learner.epoch : learner.epoch + 1;
    const instances = job.learnerId === learner.id && !isSameProcess ? job.instances + 1 : Math.max(1, job.instances);
    this.store.record({
      kind: "learnerAssigned",
      learner: learner.id,
      epoch,
      revision: request.revision,
      job: job.jobId,
      restart: request.restart,
      instance: request.instance,
      instances,
      requestNumber: request.n,
      host: request.host,
      npointsBefore: isSameProcess ? learner.npointsBefore : learner.npoints,
    });
    return this.assignment(learner.id, epoch);
  }

  private dismiss(request: WorkerRequestOf<"start">, job: JobRow, why: string): Reply {
    this.store.record({
      kind: "jobDismissed",
      job: job.jobId,
      restart: request.restart,
      instance: request.instance,
      requestNumber: request.n,
      host: request.host,
      why,
    });
    return { type: "nothing", why };
  }

  private report(request: WorkerRequestOf<"report">, job: JobId): Reply {
    const learner = this.held(request, job);
    if (!learner) return fenced(request.learner);
    // What a job has loaded of a learner whose last job was lost while nobody served the run, or of data that was taken away.
    const isLoaded = request.saved !== undefined && this.board.of(learner).saved === undefined;
    this.board.note(learner, request);
    if (isLoaded) this.lose(lossOf(learner, { npoints: learner.npointsBefore, loss: null, saved: request.saved }));
    if (request.preview) this.events.onDidPreview(learner.id, request.preview);
    return { type: "ok", wish: this.wishFor(learner.id) };
  }

  private remark(request: WorkerRequestOf<"remark">, job: JobId): Reply {
    const learner = this.held(request, job);
    if (!learner) return fenced(request.learner);
    if (learner.remark !== request.text) {
      this.store.record({ kind: "learnerRemarked", learner: learner.id, remark: request.text });
    }
    return { type: "ok", wish: this.wishFor(learner.id) };
  }

  private tried({ trials }: WorkerRequestOf<"tried">, job: JobId): Reply {
    const { model } = this.store;
    const { submission } = model.job(job);
    // Not what comes late, through the outbox, of a learner that a later job has tried.
    const news = trials.filter(({ learner }) => {
      const row = model.learners.get(asLearnerId(learner));
      return row && triedBy(model, row) <= submission;
    });
    if (news.length > 0) {
      this.store.record({
        kind: "pointsTried",
        learners: news.map(({ learner }) => asLearnerId(learner)),
        trials: news.map(({ learner: _, ...trial }) =>
          JSON.stringify({ at: this.store.now(), job, ...trial } satisfies Trial),
        ),
      });
    }
    return okay;
  }

  /** The learner that a job speaks of, if it holds it. */
  private held(request: { learner: number; epoch: number }, job: JobId): LearnerRow | null {
    const learner = this.store.model.learners.get(asLearnerId(request.learner));
    return learner?.jobId === job && learner.epoch === request.epoch ? learner : null;
  }

  /**
   * Also what comes late, through the outbox of a job that found no scheduler: the epoch decides. A
   * learner that was given back may still be done, but fails or is released only once, however often
   * its message is taken in.
   */
  private finish(request: LastWord, job: JobRow): Reply {
    const learner = this.store.model.learners.get(asLearnerId(request.learner));
    const isEntitled =
      learner?.epoch === request.epoch &&
      (learner.jobId === job.jobId ||
        (request.type === "done" && learner.jobId === null && learner.lastJobId === job.jobId && !learner.isDone));
    if (!isEntitled) return fenced(request.learner);
    const isMismatch = request.type === "released" && request.why === "learners-changed";
    // Nothing was loaded, so nothing is known of its points.
    if (!isMismatch) this.board.note(learner, request);
    // A job may have been given the learner again before its last word on it, from the outbox, was taken in.
    const requestNumber = job.learnerId === learner.id ? Math.max(request.n, job.requestNumber) : null;
    switch (request.type) {
      case "done":
        this.store.record({
          kind: "learnerDone",
          learner: learner.id,
          job: job.jobId,
          requestNumber,
          npoints: request.npoints,
          loss: request.loss,
        });
        if (!learner.isListed) {
          const reason = "done, and not in the learners file any more";
          this.store.record({ kind: "learnersMoved", learners: [learner.id], state: "removed", reason });
        }
        if (request.preview) this.events.onDidPreview(learner.id, request.preview);
        break;
      case "failed":
        this.release(learner, job, requestNumber, "failed", request.error);
        this.events.onDidFail(learner.id, request.traceback);
        break;
      case "released": {
        const isOurDoing = request.why === "terminated" && job.cancelledAt !== null;
        const { how, reason } = isOurDoing ? cancelled : releases[request.why];
        // Before the release, which ends a row of them.
        const { mismatches } = this.store.model.run;
        this.release(learner, job, requestNumber, how, reason);
        if (isMismatch) this.mismatch(job, mismatches + 1, request.detail);
        break;
      }
    }
    this.events.onDidFree();
    return { type: "ok", wish: this.wishFor(learner.id) };
  }

  private mismatch(job: JobRow, mismatches: number, detail = "see what they printed"): void {
    this.store.record({ kind: "studyMismatched", job: job.jobId, mismatches });
    if (mismatches < handful || this.store.model.run.activity !== "active") return;
    const reason = `The last ${plural(mismatches, "job")} found other learners than the run has, so no more are submitted: ${detail}.`;
    this.store.record({ kind: "activityChanged", activity: "paused", stopsGently: 0, reason });
  }

  /** Once for a run. */
  private compareVersions(theirs: Readonly<Record<string, string>>): void {
    const { run } = this.store.model;
    if (hasRemark(run.remark, "versions")) return;
    const remark = describeOtherVersions(JSON.parse(run.versions) as Record<string, string>, theirs);
    if (remark === null) return;
    this.store.record({ kind: "runRemarked", remark: withRemark(run.remark, "versions", remark) });
    this.events.onDidRemark(remark);
  }

  /** The newest job tells what they all go by. */
  private noteMpi(withoutMpi: WithoutMpi | undefined): void {
    const { run } = this.store.model;
    const remark = withoutMpi ? remarkOnMpi(withoutMpi) : null;
    const remarks = withRemark(run.remark, "withoutMpi", remark);
    if (remarks === run.remark) return;
    this.store.record({ kind: "runRemarked", remark: remarks });
    if (remark !== null) this.events.onDidRemark(remark);
  }

  private release(learner: LearnerRow, job: JobRow, requestNumber: number | null, how: Release, reason: string): void {
    const { maxFailures } = settingsOf(this.store.model.run);
    const known = this.board.of(learner);
    const loss = lossOf(learner, known);
    this.lose(loss);
    const [words, left] = [reasonWithLoss(reason, loss), withoutLoss(known, loss)];
    this.store.record(releaseOf(learner, job.jobId, requestNumber, how, words, left, maxFailures));
  }

  private lose(loss: ReturnType<typeof lossOf>): void {
    if (!loss) return;
    this.store.record(loss);
    const { run } = this.store.model;
    const remarked = remarkOnLosses(run, [loss], settingsOf(run).saveEverySeconds);
    if (!remarked) return;
    this.store.record(remarked);
    this.events.onDidRemark(remarkOf(remarked.remark, "lost") ?? "");
  }

  private repeated(job: JobRow): Reply | null {
    if (job.answer === null) return null;
    const answer = JSON.parse(job.answer) as Answer;
    switch (answer.type) {
      case "assign":
        return this.assignment(answer.learner, answer.epoch);
      case "nothing":
        return answer;
      case "ok":
        return okay;
    }
  }

  /** An error for a worker of another version or with a faulty message; silence for what cannot be answered. */
  private refuse(message: object, field: string | null): WorkerReply | null {
    // Of a dictionary it would be a name that somebody else chose.
    const where = field === null ? "" : `: ${field.slice(0, maxFieldLength)}`;
    this.events.onDidDrop?.(`not understood${where}`);
    if (!("n" in message) || typeof message.n !== "number") return null;
    const envelope = { v: workerProtocol, n: message.n, type: "error" } as const;
    if ("v" in message && message.v !== workerProtocol) {
      return { ...envelope, code: "wrong-version", message: `This scheduler speaks version ${workerProtocol}.` };
    }
    return { ...envelope, code: "bad-message", message: `Not understood${where}.` };
  }

  private assignment(id: LearnerId, epoch: number): Reply {
    const learner = this.store.model.learner(id);
    const { goal, retries, saveEverySeconds, dataframe } = settingsOf(this.store.model.run);
    const { npoints, loss } = this.board.of(learner);
    return {
      type: "assign",
      learner: id,
      epoch,
      index: learner.position,
      fname: fnameOf(learner),
      goal,
      retries,
      saveEverySeconds,
      npoints,
      loss,
      dataframe,
      wish: this.wishFor(id),
    };
  }
}

const releases = {
  stopped: { how: "given back", reason: "stopped by a person" },
  terminated: { how: "cut short", reason: "its job was told to end" },
  deadline: { how: "cut short", reason: "the walltime of its job was over" },
  "learners-changed": { how: "given back", reason: "the learners file of its job has another learner at its place" },
} as const satisfies Record<WorkerRequestOf<"released">["why"], { how: Release; reason: string }>;
const cancelled = { how: "given back", reason: "its job was cancelled" } as const;

/** Of thousands of jobs the first one mostly has: no copy is made of them for each request. */
function hasAnyAsked({ liveJobs, jobs }: Model): boolean {
  for (const id of liveJobs) if (jobs.get(id)?.hasAsked) return true;
  return false;
}

const okay: Reply = { type: "ok", wish: { stop: null, preview: false, reportEverySeconds: 1 } };

function fenced(learner: number): Reply {
  return { type: "fenced", why: `learner ${learner} is not this job's, or not any more` };
}

function unknownJob(job: string): Reply {
  return { type: "error", code: "unknown-job", message: `This scheduler has no running job ${job}.` };
}

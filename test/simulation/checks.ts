import { effects, type Change } from "../../src/scheduler/state/changes";
import { decodeLine } from "../../src/scheduler/state/journal";
import { Model } from "../../src/scheduler/state/model";
import { asJobId, asLearnerId, tryClass, type JobId } from "../../src/scheduler/state/rows";
import { settingsOf } from "../../src/scheduler/state/settings";
import { triedBy } from "../../src/scheduler/state/trial";
import type { WorkerReply } from "../../src/scheduler/workers/messages";
import type { SimulatedJob } from "./cluster";
import type { SimulatedScheduler } from "./scheduler";
import type { SimulatedProcess } from "./timeline";
import type { World } from "./world";

export interface SavedData {
  epoch: number;
  instance: string;
  npoints: number;
}

/** A promise of the design that was broken. */
export class Violation extends Error {}

/** What a scheduler has seen of the queue and heard of jobs. */
interface Seen {
  polledAt: number;
  listings: { at: number; ids: ReadonlySet<string> }[];
  heardAt: Map<string, number>;
  /** Learners with the epoch of a job that has reported on them. */
  told: Set<string>;
}

/** Changes that are compared with the journals after a start. */
const rememberedChanges = 100_000;
const absenceMs = 60_000;
const firstPollsMs = 5000;
/** What was heard while a decision was on its way cannot change it any more. */
const decisionMs = 45_000;
const silenceMs = 90_000;

/** Watches everything that leaves a process, and compares it with what is durable and what is true. */
export class Checks {
  count = 0;
  /** What has been published, as a client that was there all the time would have it. */
  private readonly replica = new Model();
  private readonly published = new Map<number, Change>();
  private lastPublished = 0;
  /** Facts in synced journals, by the incarnation that wrote them. */
  private readonly durable = new Map<string, { incarnation: number; seq: number }>();
  private readonly durableSeq = new Map<number, number>();
  private readonly written = new Map<number, Change>();
  private readonly readBytes = new WeakMap<object, number>();
  private newestIncarnation = 0;
  private readonly epochs = new Map<number, number>();
  private readonly holders = new Map<string, string>();
  private readonly seen = new Map<SimulatedProcess, Seen>();
  private readonly done = new Set<number>();
  /** Jobs and submissions that a scheduler had reason to believe over; the queue may have them all the same. */
  private readonly forgotten = new Set<string>();
  private readonly refused = new Set<number>();
  /** How many jobs were wanted at most. */
  private readonly limits: { since: number; maxJobs: number }[] = [];

  constructor(private readonly world: World) {}

  require(isSo: boolean, what: () => string): void {
    this.count++;
    if (!isSo) throw this.world.fail(new Violation(what()));
  }

  /** What the run is made of, in its first snapshot. */
  begin(changes: readonly Change[]): void {
    for (const change of changes) this.take(change);
  }

  /** A file was synced: facts of a journal are durable from now on. */
  onSync(path: string, file: { content: Buffer }): void {
    const name = /journal-(\d+)-\d+\.jsonl$/.exec(path);
    if (!name) return;
    const incarnation = Number(name[1]);
    if (incarnation < this.newestIncarnation) return;
    const { content } = file;
    const start = this.readBytes.get(file) ?? 0;
    const end = content.lastIndexOf(0x0a) + 1;
    this.readBytes.set(file, end);
    for (const line of content.toString("utf8", start, end).split("\n")) {
      const change = line === "" ? null : decodeLine(line);
      if (!change) continue;
      if (change.kind === "schedulerStarted") this.onDurableStart(change.incarnation, change.seq);
      this.durable.set(factOf(change), { incarnation, seq: change.seq });
      this.durableSeq.set(incarnation, change.seq);
      this.written.set(change.seq, change);
      this.written.delete(change.seq - rememberedChanges);
    }
  }

  /** What older incarnations wrote of these numbers is void. */
  private onDurableStart(incarnation: number, seq: number): void {
    this.newestIncarnation = incarnation;
    for (const [fact, known] of this.durable) if (known.seq >= seq) this.durable.delete(fact);
    for (const known of this.written.keys()) if (known >= seq) this.written.delete(known);
  }

  /** A scheduler has recovered the run. */
  onOpened({ store, process }: SimulatedScheduler): void {
    const { model, position } = store;
    const { losses } = this.world;
    this.seen.set(process, { polledAt: -Infinity, listings: [], heardAt: new Map(), told: new Set() });
    this.require(position.seq > this.lastPublished, () => `change ${this.lastPublished} was published, and is lost`);
    const journal = this.world.readJournals(position.seq);
    for (const [seq, before] of this.published) {
      const change = journal.get(seq);
      const isSame = !change || JSON.stringify(change) === JSON.stringify(before);
      this.require(isSame, () => `change ${seq} was published otherwise`);
    }
    for (let seq = this.lastPublished + 1; seq <= position.seq; seq++) {
      // What was lost is in the snapshot that was written for it.
      const change = journal.get(seq) ?? (losses.haveHappened ? this.written.get(seq) : undefined);
      this.require(change !== undefined, () => `change ${seq} is in no journal`);
      if (change) this.take(change);
    }
    this.require(isSameModel(this.replica, model), () => "what was recovered is not what was published");
  }

  /** A scheduler streams changes to people. */
  onPublished(changes: readonly Change[], { store, process }: SimulatedScheduler): void {
    const { incarnation } = store.position;
    const durable = this.durableSeq.get(incarnation) ?? 0;
    for (const change of changes) {
      this.require(change.seq <= durable, () => `change ${change.seq} was published before it was durable`);
      // One that was frozen between its sync and its answer says late what its heir has read and goes on from.
      if (JSON.stringify(this.published.get(change.seq)) === JSON.stringify(change)) continue;
      this.require(
        change.seq === this.lastPublished + 1,
        () => `change ${change.seq} was published twice or too early`,
      );
      this.take(change);
      if (change.kind === "jobEnded") this.onJobEnded(change.job, process);
      if (change.kind === "learnerReleased") this.onReleased(change, process);
      if (change.kind === "submissionRefused") this.onRefused(change, process);
    }
  }

  private take(change: Change): void {
    this.lastPublished = change.seq;
    this.published.set(change.seq, change);
    this.published.delete(change.seq - rememberedChanges);
    this.world.trace(change);
    if (change.kind === "learnerAssigned") {
      this.require(!this.done.has(change.learner), () => `learner ${change.learner} was done, and is handed out again`);
      const [learner, job] = [this.replica.learner(change.learner), this.replica.job(change.job)];
      this.require(
        learner.resourceClass === job.resourceClass || learner.jobId === job.jobId,
        () => `job ${job.jobId} of ${job.resourceClass} has learner ${learner.id} of ${learner.resourceClass}`,
      );
      this.require(job.resourceClass !== tryClass, () => `${job.jobId} is to try points, and has a learner`);
    }
    if (change.kind === "learnersMoved") for (const learner of change.learners) this.done.delete(learner);
    if (change.kind === "learnerDone") {
      const saved = this.world.data.get(change.learner)?.npoints ?? 0;
      this.done.add(change.learner);
      this.require(saved >= change.npoints, () => `learner ${change.learner} is done with ${saved} points saved`);
    }
    if (change.kind === "runConfigured") {
      const { maxJobs } = settingsOf(change);
      this.limits.push({ since: this.world.timeline.now, maxJobs });
    }
    this.forget(change);
    this.replica.apply(effects(change));
  }

  /** Also what nobody said before a scheduler died: its successor goes by it. */
  private forget(change: Change): void {
    if (change.kind === "submissionRefused" && isOfNever(change)) this.refused.add(change.submission);
    if (change.kind !== "jobEnded") return;
    const job = this.world.cluster.jobs.get(change.job);
    if (job && job.state !== "ended") this.forgotten.add(change.job);
  }

  /** A scheduler answers a worker. */
  onReply(request: object, reply: WorkerReply, owner: SimulatedProcess): void {
    const { type, job, instance, n, learner, epoch } = request as Record<string, string | number>;
    const fact =
      reply.type === "assign"
        ? `assign ${reply.learner} ${reply.epoch} ${job} ${instance} ${n}`
        : reply.type === "nothing"
          ? `nothing ${job} ${instance} ${n}`
          : reply.type === "ok" && type !== "report" && type !== "tried"
            ? `finish ${learner} ${job}`
            : null;
    if (reply.type === "ok" && type === "tried") this.onTriedReply(request as { job: string; trials: object[] });
    if (fact === null) return;
    this.require(
      this.durable.has(fact),
      () => `${owner.name} answered "${fact}" (epoch ${epoch ?? "-"}) before it was durable`,
    );
  }

  /** A job is told that its trials are known. */
  private onTriedReply({ job, trials }: { job: string; trials: readonly object[] }): void {
    const { submission } = this.replica.job(asJobId(job));
    for (const { learner } of trials as { learner: number }[]) {
      const by = triedBy(this.replica, this.replica.learner(asLearnerId(learner)));
      this.require(by >= submission, () => `the trial of ${learner} by ${job} was answered before it was durable`);
    }
  }

  onRequest(request: object, owner: SimulatedProcess): void {
    const { type, job, learner, epoch } = request as { type: string; job: string; learner: number; epoch: number };
    this.seen.get(owner)?.heardAt.set(job, this.world.timeline.now);
    if (type === "report") this.seen.get(owner)?.told.add(`${learner} ${epoch}`);
  }

  /** A worker has taken an assignment. */
  onAssigned({ learner, epoch }: { learner: number; epoch: number }, { instance }: { instance: string }): void {
    const key = `${learner} ${epoch}`;
    const holder = this.holders.get(key) ?? instance;
    this.holders.set(key, instance);
    this.require(holder === instance, () => `epoch ${epoch} of learner ${learner} is ${holder}'s and ${instance}'s`);
    this.epochs.set(learner, Math.max(epoch, this.epochs.get(learner) ?? 0));
  }

  /** Whoever read the run now would read all that anybody was told. */
  requirePublished(seq: number, words: () => string): void {
    this.require(seq >= this.lastPublished, words);
  }

  /** The file of epochs has those that jobs were given. */
  requireEpochs(words: () => string): void {
    const bytes = this.world.disk.peek(this.world.directory.epochs);
    for (const [learner, epoch] of this.epochs) {
      const isThere = bytes !== null && bytes.length >= 8 * learner + 8;
      this.require(isThere && Number(bytes.readBigUInt64LE(8 * learner)) >= epoch, words);
    }
  }

  onEpochRead(learner: number, epoch: number): void {
    // Unreadable as long as it is lost: then nobody saves.
    if (epoch < 0 && this.world.losses.isLost(this.world.directory.epochs)) return;
    const newest = this.epochs.get(learner) ?? 0;
    this.require(epoch >= newest, () => `epochs says ${epoch} of learner ${learner}, whose job has ${newest}`);
  }

  onSaved(learner: number, file: string, before: SavedData | undefined, now: SavedData): void {
    const { disk, directory } = this.world;
    this.require(
      !file.startsWith(`${directory.own}/`),
      () => `the data of learner ${learner} lies in the state folder`,
    );
    if (!before) return;
    this.require(
      disk.peek(file)?.toString() === JSON.stringify(before),
      () => `the data of learner ${learner} was deleted or changed by another than its job`,
    );
    const words = () => `learner ${learner}: ${JSON.stringify(now)} was saved over ${JSON.stringify(before)}`;
    this.require(now.epoch >= before.epoch, words);
    this.require(now.epoch > before.epoch || now.instance === before.instance, words);
    this.require(now.npoints >= before.npoints, words);
  }

  /** A scheduler runs a command of the queue. */
  onCommand(verb: string, args: readonly string[], owner: SimulatedProcess): void {
    const { timeline, cluster } = this.world;
    const scheduler = this.world.schedulerOf(owner);
    const { model } = scheduler.store;
    const settings = settingsOf(model.run);
    if (verb === "list") {
      const seen = this.seenBy(owner);
      const sinceMs = timeline.now - seen.polledAt;
      seen.polledAt = timeline.now;
      const leastMs = areFirstJobs(model) ? firstPollsMs : settings.pollSeconds * 1000;
      this.require(sinceMs >= leastMs - 1, () => `the queue was asked again after ${sinceMs} ms`);
    }
    if (verb === "cancel") {
      for (const job of args.slice(1)) {
        this.require(this.durable.has(`cancel ${job}`), () => `${job} was cancelled before that was durable`);
      }
    }
    if (verb === "submit") {
      const [number = "", count = ""] = args;
      this.require(
        this.durable.has(`submitting ${number}`),
        () => `submission ${number} was made before it was durable`,
      );
      // A person who has points tried waits for nothing.
      if (model.submissions.get(Number(number))?.resourceClass === tryClass) return;
      const open = [...model.submissions.values()].filter(
        ({ state, resourceClass }) => state === "submitting" && resourceClass !== tryClass,
      );
      this.require(open.length === 1, () => `submission ${number} was made while another is not resolved`);
      const isKnown = ({ id, submission, tries }: SimulatedJob) =>
        tries === null && !this.forgotten.has(id) && !this.refused.has(submission);
      const live = [...cluster.liveJobs].filter(isKnown).length;
      const most = this.mostJobs();
      this.require(
        live + Number(count) <= most,
        () => `${count} more jobs beside ${live}: at most ${most} were wanted`,
      );
    }
  }

  /** As they were wanted when a submission of now may have been decided. */
  private mostJobs(): number {
    const before = this.limits.findLastIndex(({ since }) => since <= this.world.timeline.now - decisionMs);
    return Math.max(...this.limits.slice(Math.max(before, 0)).map(({ maxJobs }) => maxJobs));
  }

  /** A person was told that it is done: what was recorded up to here for it. */
  onAcknowledged(seq: number, { store, process }: SimulatedScheduler): void {
    const words = () => `${process.name} acknowledged change ${seq} before it was durable`;
    this.require(store.position.seq >= seq, words);
  }

  /** A person was told what trying points of some learners gave. */
  onTried(learners: readonly number[], told: number): void {
    const tried = [...new Set(learners)].filter((id) => this.replica.learner(asLearnerId(id)).trial !== null);
    this.require(tried.length === told, () => `of ${tried.length} trials ${told} were told`);
  }

  onListing(ids: ReadonlySet<string>, owner: SimulatedProcess): void {
    this.seenBy(owner).listings.push({ at: this.world.timeline.now, ids });
  }

  /** A scheduler has given up a job: it must have had good reason if the job lives. */
  private onJobEnded(id: JobId, owner: SimulatedProcess): void {
    const job = this.world.cluster.jobs.get(id);
    if (!job || job.state === "ended") return;
    // One that has said its end, or was told that nothing is left for it, may be listed a while longer.
    if (job.worker === null ? this.world.hasLeftEnd(id) : !job.worker.isAlive || job.worker.learner === null) return;
    this.requireAbsence(id, (ids) => ids.has(id), owner);
    if (job.worker === null) return;
    const heardAt = this.seenBy(owner).heardAt.get(id) ?? -Infinity;
    const silentMs = this.world.timeline.now - heardAt;
    this.require(
      silentMs >= silenceMs - decisionMs,
      () => `job ${id} lives and spoke ${silentMs} ms ago, and was given up`,
    );
  }

  /** What a learner has that nobody computes on is in its data: as far as its job has told this scheduler, or any. */
  private onReleased({ learner, npoints }: { learner: number; npoints: number }, owner: SimulatedProcess): void {
    if (!this.seenBy(owner).told.has(`${learner} ${this.replica.learner(asLearnerId(learner)).epoch}`)) return;
    const saved = this.world.data.get(learner)?.npoints ?? 0;
    this.require(
      npoints <= saved,
      () => `learner ${learner} is given back with ${npoints} points, and its data has ${saved}`,
    );
  }

  private onRefused(change: { submission: number; reason: string }, owner: SimulatedProcess): void {
    if (!isOfNever(change)) return;
    const { submission } = change;
    const prefix = `${submission}_`;
    // Jobs that a site took all marks from are the run's, but not known to be of this submission.
    const isUnknown = (id: string) => id.startsWith(prefix) && !this.replica.jobs.has(asJobId(id));
    this.requireAbsence(prefix, (ids) => [...ids].some(isUnknown), owner);
  }

  private requireAbsence(what: string, isIn: (ids: ReadonlySet<string>) => boolean, owner: SimulatedProcess): void {
    const { listings } = this.seenBy(owner);
    const last = listings.findLastIndex(({ ids }) => isIn(ids));
    const without = listings.slice(last + 1);
    const spanMs = (without.at(-1)?.at ?? 0) - (without[0]?.at ?? 0);
    this.require(
      spanMs >= absenceMs - 1500,
      () => `${what} was given up after ${without.length} listings without it in ${spanMs} ms`,
    );
  }

  /** A person has stopped the run, and all is over that it knows of. */
  onStopped(): void {
    const isExcused = ({ id, submission }: SimulatedJob) => this.forgotten.has(id) || this.refused.has(submission);
    const left = [...this.world.cluster.liveJobs].filter((job) => !isExcused(job)).map(({ id }) => id);
    this.require(left.length === 0, () => `the run is stopped, and the queue has ${left.join(", ")}`);
  }

  private seenBy(owner: SimulatedProcess): Seen {
    const seen = this.seen.get(owner);
    if (!seen) throw new Error(`${owner.name} has not opened.`);
    return seen;
  }

  /** Everything is calm: is everything done? */
  onEnd(model: Model): void {
    for (const { id, state, npoints, reason } of model.learners.values()) {
      const saved = this.world.data.get(id)?.npoints ?? 0;
      const file = this.world.disk.peek(`${this.world.rules.dataFolder}/${id}.pickle`);
      const isThere = file?.toString() === JSON.stringify(this.world.data.get(id));
      this.require(isThere, () => `the data of learner ${id} was deleted or changed by another than its job`);
      const isOver = state === "done" || state === "failed" || state === "stopped";
      this.require(isOver, () => `learner ${id} is ${state} (${reason ?? "no reason"}), with ${npoints} points`);
      this.require(state !== "done" || saved >= this.world.goal, () => `learner ${id} is done with ${saved} points`);
    }
    for (const { submission, state, tries } of model.submissions.values()) {
      for (const learner of state === "submitted" ? (JSON.parse(tries ?? "[]") as number[]) : []) {
        const by = triedBy(model, model.learner(asLearnerId(learner)));
        this.require(
          by >= submission,
          () => `submission ${submission} tried learner ${learner}, and nothing came of it`,
        );
      }
    }
  }
}

/** Whether a submission is believed not to have happened. */
function isOfNever({ reason }: { reason: string }): boolean {
  return reason.includes("never reached");
}

/** Whether no job has asked for a learner since the run was started last. */
function areFirstJobs({ jobs, run }: Model): boolean {
  return [...jobs.values()].every(
    ({ hasAsked, endedAt }) => !hasAsked || (endedAt !== null && endedAt < run.activityAt),
  );
}

/** What of a change somebody may be told. */
function factOf(change: Change): string {
  switch (change.kind) {
    case "learnerAssigned":
      return `assign ${change.learner} ${change.epoch} ${change.job} ${change.instance} ${change.requestNumber}`;
    case "jobDismissed":
      return `nothing ${change.job} ${change.instance} ${change.requestNumber}`;
    case "learnerDone":
    case "learnerReleased":
      return `finish ${change.learner} ${change.job}`;
    case "jobsSubmitting":
      return `submitting ${change.submission}`;
    case "jobCancelled":
      return `cancel ${change.job}`;
    default:
      return `change ${change.seq}`;
  }
}

function isSameModel(one: Model, other: Model): boolean {
  return (
    isSameRow(one.run, other.run) &&
    isSameTable(one.learners, other.learners) &&
    isSameTable(one.jobs, other.jobs) &&
    isSameTable(one.submissions, other.submissions)
  );
}

/** Row by row, without a copy: there may be a hundred thousand. */
function isSameTable<K>(one: ReadonlyMap<K, object>, other: ReadonlyMap<K, object>): boolean {
  if (one.size !== other.size) return false;
  for (const [key, row] of one) if (!isSameRow(row, other.get(key))) return false;
  return true;
}

function isSameRow(one: object, other: object | undefined): boolean {
  if (!other) return false;
  for (const name in one) if (one[name as never] !== other[name as never]) return false;
  return Object.keys(one).length === Object.keys(other).length;
}

import type { Event } from "vscode";
import { inRequests, type LearnerVerb } from "../scheduler/control/learnerVerbs";
import { controlProtocol, type Notifications, type Params, type Position } from "../scheduler/control/protocol";
import type { EditedParts, StudyComparison } from "../scheduler/control/studyComparison";
import { AdaptiveError, toAdaptiveError } from "../scheduler/state/errors";
import type { Failure } from "../scheduler/state/failure";
import type { JobId, LearnerId } from "../scheduler/state/rows";
import type { Preview } from "../scheduler/workers/messages";
import { atHost } from "./atHost";
import { nextAttempt, reconnectDelayMs } from "./backoff";
import { pause, untilAborted, within } from "./clock";
import type { Clock } from "../scheduler/state/clock";
import { Coalescer } from "./coalescer";
import { type AnswerOf, type AskedMethod, ControlConnection } from "./controlConnection";
import { Emitter } from "./event";
import { Feed } from "./feed";
import type { Need } from "./deploy/clusterHost";
import { attachCommand } from "./launch";
import { afterFailure, hasEnded, type Link, transition } from "./link";
import { Previews } from "./previews";
import type { QueryName, ReplicaQueries } from "./replica/queries";
import type { Replica } from "./replica/replica";
import type { Reached } from "./reached";
import type { RunSession } from "./runSession";
import type { CommandTransport } from "./transport";

const pingEveryMs = 10_000;
const pingDeadlineMs = 15_000;
/** Requests and the first query wait as long for the link. */
const waitDeadlineMs = 60_000;
/** Covers starting a scheduler that recovers a large run, or that watches for a minute whether another one is dead. */
const attachDeadlineMs = 120_000;
/** Importing the learners file may build a hundred thousand learners. */
const inspectionDeadlineMs = 900_000;
const changeIntervalMs = 100;
const maxWatched = 16;
/** A point may take as long. */
const tryDeadlineMs = 24 * 3_600_000;

export interface SessionWorld {
  /** The way to the run, which may have to be made first. */
  reach: (need: Need) => Promise<Reached>;
  /** The computer woke up, or a person came back: what was true of the network may not be any more. */
  readonly onDidAwake?: Event<unknown>;
  /** Somebody has made the way to the run. */
  readonly onDidOpenWay?: Event<unknown>;
  replica: Replica;
  clock: Clock;
  /** From 0 to 1. */
  random: () => number;
  log: (line: string) => void;
}

/** Keeps one run connected and mirrored until it is disposed. */
export class Session implements RunSession {
  private readonly linkChanged = new Emitter<Link>();
  private readonly changed = new Emitter<void>();
  private readonly previewed = new Emitter<{ learner: LearnerId; preview: Preview }>();
  private readonly foundNothing = new Emitter<{ learner: LearnerId; why: string | null }>();
  readonly onDidChangeLink = this.linkChanged.event;
  readonly onDidChange = this.changed.event;
  readonly onDidPreview = this.previewed.event;
  readonly onDidFindNothing = this.foundNothing.event;

  private currentLink: Link;
  private currentNotice: Notifications["notice"] = null;
  private connection: ControlConnection | null = null;
  /** Where the run is, once it was reached. */
  private machine: Pick<CommandTransport, "host"> = {};
  /** How far the replica has come; null when it must be filled from a snapshot. */
  private position: Position | null = null;
  private hasData = false;
  /** Not after a scheduler has ended in peace: the next one is started by a person. */
  private mayStart = true;
  /** Whether a person has come to wait for a connection, and may be asked for what it takes. */
  private isAsked = false;
  /** Failures in a row. */
  private attempt = 0;
  private lastFailure: AdaptiveError | null = null;
  /** When the scheduler was heard last. */
  private lastWordAt: number | null = null;
  private watched: readonly LearnerId[] = [];
  private readonly previews = new Previews();
  private readonly changes: Coalescer;
  private readonly disposing = new AbortController();
  private wake: () => void = () => undefined;
  private readonly registrations: { dispose(): unknown }[];

  constructor(
    readonly directory: string,
    private readonly world: SessionWorld,
  ) {
    const { clock } = world;
    this.changes = new Coalescer(clock, changeIntervalMs, () => this.changed.fire());
    this.currentLink = { at: "offline", since: new Date(clock.now()), why: "not connected yet" };
    const woken = [world.onDidAwake?.(() => this.probe()), world.onDidOpenWay?.(() => this.wake())];
    this.registrations = woken.filter((registration) => registration !== undefined);
    void this.keepConnected();
  }

  get link(): Link {
    return this.currentLink;
  }

  get notice(): Notifications["notice"] {
    return this.currentNotice;
  }

  async query<Q extends QueryName>(name: Q, params: ReplicaQueries[Q]["params"]): Promise<ReplicaQueries[Q]["result"]> {
    await this.until(() => this.hasData);
    return this.world.replica.query(name, params);
  }

  watch(learners: readonly LearnerId[]): void {
    this.watched = learners.slice(0, maxWatched);
    for (const learner of this.watched) {
      const preview = this.previews.get(learner);
      if (preview !== undefined) this.previewed.fire({ learner, preview });
    }
    // While there is no connection nothing is lost: the next one begins with this.
    this.connection?.request("watch", { learners: [...this.watched] }).catch((error: unknown) => {
      this.world.log(`watch: ${toAdaptiveError(error).message}`);
    });
  }

  async reconnect(): Promise<void> {
    if (this.connection !== null || (this.link.at === "offline" && !hasEnded(this.link))) return;
    this.mayStart = true;
    this.isAsked = true;
    const settled = new Promise<Link>((resolve) => {
      const listening = this.onDidChangeLink((link) => {
        if (link.at === "connecting") return;
        listening.dispose();
        resolve(link);
      });
    });
    this.wake();
    const { at } = await settled;
    if ((at === "needsUser" || at === "retrying") && this.lastFailure !== null) throw this.lastFailure;
  }

  async startJobs(): Promise<void> {
    await this.ask("startJobs", {});
  }

  async stopJobs(): Promise<void> {
    await this.ask("stopJobs", { gently: false });
  }

  async changeLearners(verb: LearnerVerb, learners: readonly LearnerId[]): Promise<number> {
    let moved = 0;
    for (const some of inRequests(learners)) moved += (await this.ask(`${verb}Learners`, { learners: some })).moved;
    return moved;
  }

  missedGoals(): Promise<AnswerOf<"missedGoals">> {
    return this.ask("missedGoals", {});
  }

  studyEdits(): Promise<EditedParts> {
    return this.ask("studyEdits", {});
  }

  compareStudy(): Promise<StudyComparison | null> {
    return this.ask("compareStudy", {}, inspectionDeadlineMs);
  }

  async updateStudy(revision: string): Promise<void> {
    await this.ask("updateStudy", { revision });
  }

  failure(learner: LearnerId): Promise<Failure | null> {
    return this.ask("failure", { learner });
  }

  tryLearners(learners: readonly LearnerId[]): Promise<AnswerOf<"tryLearners">> {
    return this.ask("tryLearners", { learners: [...learners] }, tryDeadlineMs);
  }

  async cancelJobs(jobs: readonly JobId[]): Promise<void> {
    await this.ask("cancelJobs", { jobs: [...jobs] });
  }

  jobShell(job: JobId): Promise<AnswerOf<"jobShell">> {
    return this.ask("jobShell", { job });
  }

  async jobOutput(job: JobId): Promise<{ text: string; truncated: boolean }> {
    return this.ask("jobOutput", { job, maxBytes: 64 * 1024 });
  }

  dispose(): void {
    this.disposing.abort();
    for (const registration of this.registrations) registration.dispose();
    this.changes.dispose();
    this.world.replica.dispose();
    const since = new Date(this.world.clock.now());
    if (this.currentLink.at !== "offline") this.move({ at: "offline", since, why: "closed" });
    for (const emitter of [this.linkChanged, this.changed, this.previewed, this.foundNothing]) emitter.dispose();
  }

  /** Sends a request over the next connection there is; somebody waits, so a pause between attempts ends at once. */
  private async ask<M extends AskedMethod>(method: M, params: Params<M>, deadlineMs?: number): Promise<AnswerOf<M>> {
    this.mayStart = true;
    // What a person is asked takes as long as it takes.
    if (this.link.at === "needsUser") await this.reconnect();
    if (this.connection === null) this.isAsked = true;
    this.wake();
    await this.until(() => this.connection !== null);
    if (this.connection === null) throw new AdaptiveError("offline", "The scheduler is not connected");
    try {
      return await this.connection.request(method, params, deadlineMs);
    } catch (error) {
      throw atHost(this.machine, error);
    }
  }

  private async until(isSo: () => boolean): Promise<void> {
    if (isSo()) return;
    const refusal = (): AdaptiveError | null => {
      const { link } = this;
      if (link.at === "offline" && link.isCopied) return new AdaptiveError("copied-run", link.why);
      return link.at === "needsUser" ? this.lastFailure : null;
    };
    let stop = (): unknown => undefined;
    const so = new Promise<void>((resolve, reject) => {
      const look = (): void => {
        const refused = refusal();
        if (isSo()) resolve();
        else if (refused !== null) reject(refused);
      };
      stop = this.onDidChangeLink(look).dispose;
      look();
    });
    try {
      await this.bounded(so, "The scheduler");
    } catch (error) {
      const { link } = this;
      throw link.at === "retrying" ? new AdaptiveError("offline", link.why, "", { cause: error }) : error;
    } finally {
      stop();
    }
  }

  private bounded<T>(promise: Promise<T>, what: string): Promise<T> {
    return within(this.world.clock, promise, { deadlineMs: waitDeadlineMs, signal: this.disposing.signal, what });
  }

  private async keepConnected(): Promise<void> {
    const { clock, random } = this.world;
    const { signal } = this.disposing;
    while (!signal.aborted) {
      let onlineSince: number | null = null;
      try {
        await this.connect(() => (onlineSince = clock.now()));
      } catch (error) {
        if (signal.aborted) return;
        this.lastFailure = toAdaptiveError(error);
        this.attempt = nextAttempt(this.attempt, onlineSince === null ? 0 : clock.now() - onlineSince);
        // A person who has come since can be asked.
        if (this.isAsked) continue;
        const { attempt, mayStart, lastWordAt } = this;
        const nextInMs = reconnectDelayMs(attempt, random());
        const now = new Date(clock.now());
        const to = afterFailure(this.lastFailure, { attempt, nextInMs, mayStart, now, lastWordAt });
        this.settle(to);
        await this.rest(to.at === "needsUser" ? null : nextInMs, signal);
      }
    }
  }

  /** Waits so long, or without an end, unless what comes next has become worth trying. */
  private async rest(delayMs: number | null, signal: AbortSignal): Promise<void> {
    const woken = new AbortController();
    this.wake = () => woken.abort();
    const either = AbortSignal.any([signal, woken.signal]);
    if (delayMs === null) await untilAborted(either);
    else await pause(this.world.clock, delayMs, either).catch(() => undefined);
  }

  /** Asks now what would be asked or tried in a while; but what needs a person still does. */
  private probe(): void {
    if (this.link.at === "needsUser") return;
    this.attempt = 0;
    this.wake();
  }

  /** One connection from its beginning to its end, which is always an error. */
  private async connect(onOnline: () => void): Promise<never> {
    const { replica, clock } = this.world;
    const closing = new AbortController();
    const signal = AbortSignal.any([this.disposing.signal, closing.signal]);
    const feed = new Feed(replica, (seq) => {
      if (seq !== null && this.position !== null && !signal.aborted) this.position = { ...this.position, seq };
      this.changes.request();
    });
    const { mayStart, isAsked } = this;
    this.isAsked = false;
    // Looking again and again whether somebody has started one is nothing to show.
    const isShown = mayStart || this.link.at === "needsUser";
    const onStep = (step: string): void => {
      if (isShown) this.move({ at: "connecting", step });
    };
    onStep("Starting");
    try {
      const { transport, program, path } = await this.world.reach({ isAsked, onStep, signal });
      this.machine = transport;
      const attach = attachCommand(program, path, mayStart);
      const process = await this.bounded(transport.exec(attach.argv, { env: attach.env, signal }), "The machine");
      const handlers = {
        changes: (sent: Notifications["changes"]) => feed.changes(sent),
        progress: (sent: Notifications["progress"]) => feed.progress(sent),
        preview: (sent: Notifications["preview"]) => this.show(sent.learner as LearnerId, sent.preview),
        noPreview: ({ learner, why }: Notifications["noPreview"]) =>
          this.foundNothing.fire({ learner: learner as LearnerId, why }),
        notice: (sent: Notifications["notice"]) => this.note(sent),
        closing: () => (this.mayStart = false),
      };
      const connection = new ControlConnection(process, attach, handlers, clock, signal);
      signal.addEventListener("abort", () => connection.dispose(), { once: true });
      await this.catchUp(connection, feed);
      this.connection = connection;
      this.mayStart = true;
      this.isAsked = false;
      await connection.request("watch", { learners: [...this.watched] });
      onOnline();
      this.move({ at: "online" });
      return await Promise.race([connection.ended, feed.failed, this.keepAlive(connection, signal)]);
    } catch (error) {
      // After a gap, or a message this version does not know, only a snapshot makes the replica right again.
      if (mustStartOver(toAdaptiveError(error))) this.position = null;
      throw atHost(this.machine, error);
    } finally {
      this.lastWordAt = this.connection?.heardAt ?? this.lastWordAt;
      this.connection = null;
      closing.abort();
    }
  }

  /** Brings the replica to where the scheduler is, from its own position or from a snapshot. */
  private async catchUp(connection: ControlConnection, feed: Feed): Promise<void> {
    // One that still holds is sent again; the end of one may have come while nobody listened.
    this.currentNotice = null;
    const params = { protocol: controlProtocol, position: this.position } as const;
    const { position, snapshot } = await connection.request("attach", params, attachDeadlineMs);
    if (snapshot !== null) {
      this.move({ at: "connecting", step: "Reading" });
      const bytes = await readSnapshot(connection, snapshot.bytes);
      // What the replica holds while it is being replaced is nothing to continue from.
      this.position = null;
      const seq = await this.bounded(this.world.replica.load(bytes), "The run's database");
      this.position = { ...position, seq };
      this.hasData = true;
    } else if (this.position === null) {
      throw new AdaptiveError(
        "unknown-message",
        "The scheduler sent no snapshot, but there is nothing to continue from",
      );
    }
    feed.open(position.incarnation);
    this.changes.request();
  }

  /** Pings until one is not answered. */
  private async keepAlive(connection: ControlConnection, signal: AbortSignal): Promise<never> {
    for (;;) {
      await this.rest(pingEveryMs, signal);
      signal.throwIfAborted();
      await connection.request("ping", {}, pingDeadlineMs);
    }
  }

  private show(learner: LearnerId, preview: Preview): void {
    // What nobody looks at is not kept.
    if (!this.watched.includes(learner)) return;
    this.previews.set(learner, preview);
    this.previewed.fire({ learner, preview });
  }

  private note(notice: Notifications["notice"]): void {
    this.currentNotice = notice && { ...notice, code: notice.code ?? "" };
    this.changes.request();
  }

  private settle(to: ReturnType<typeof afterFailure>): void {
    const { link } = this;
    const isCopied = to.at === "offline" && to.isCopied === true;
    // No scheduler will serve a copy before a person has said what it is: nothing is started, until one does.
    if (isCopied) this.mayStart = false;
    const wasSo = to.at === "offline" && link.at === "offline" && (link.isCopied === true) === isCopied;
    if (!wasSo) this.move(to);
  }

  private move(to: Link): void {
    this.currentLink = transition(this.currentLink, to, this.world.log);
    this.linkChanged.fire(this.currentLink);
  }
}

const startOverCodes: ReadonlySet<string> = new Set([
  "gap",
  "unknown-message",
  "replica-ended",
  "no-data",
  "unexpected",
]);

function mustStartOver(error: AdaptiveError): boolean {
  return startOverCodes.has(error.code);
}

/** Else a snapshot could be read for ever. */
const minPieceBytes = 4096;

async function readSnapshot(connection: ControlConnection, bytes: number): Promise<Uint8Array> {
  const snapshot = new Uint8Array(bytes);
  let offset = 0;
  while (offset < bytes) {
    const { base64 } = await connection.request("snapshot/read", { offset });
    const piece = Buffer.from(base64, "base64");
    if (piece.length < Math.min(minPieceBytes, bytes - offset) || offset + piece.length > bytes) {
      throw new AdaptiveError("unknown-message", `A piece of ${piece.length} bytes at ${offset} of ${bytes} came`);
    }
    snapshot.set(piece, offset);
    offset += piece.length;
  }
  return snapshot;
}

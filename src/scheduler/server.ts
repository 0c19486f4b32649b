import { hostname } from "node:os";
import type { Assets } from "./assets";
import { localCluster } from "./clusters/local";
import { runCommand } from "./clusters/runCommand";
import { Clients, type Commands } from "./control/clients";
import type { Sample, Status } from "./control/protocol";
import { Series } from "./control/series";
import { JobFiles } from "./jobs/jobFiles";
import { jobScript } from "./jobs/jobScript";
import { JobLoop } from "./jobs/loop";
import type { Log } from "./log";
import { Previews } from "./previews";
import { AdaptiveError } from "./state/errors";
import { RunLock } from "./state/lock";
import { asLearnerId, type Activity, type LearnerId } from "./state/rows";
import type { RunDirectory } from "./state/runDirectory";
import { settingsOf, type Configuration } from "./state/settings";
import { Store, systemWorld } from "./state/store";
import { copyClient } from "./study/code";
import { WorkerDesk } from "./workers/desk";
import { Door, type Peer } from "./workers/door";
import { workerProtocol, type WishMessage } from "./workers/messages";
import { removeEndpoint, writeEndpoint } from "./workers/endpoint";
import { ProgressBoard } from "./workers/progress";
import { version } from "./version";

export interface ServeOptions {
  directory: RunDirectory;
  assets: Assets;
  log: Log;
  /** The port to listen at; null for any free one. */
  port: number | null;
  /** Called once, when the scheduler has closed because a client asked for it or nothing was left to do. */
  onDidEnd: () => void;
  /** Told when the process must end unanswered. */
  onFatal: (error: unknown) => never;
  /** Conditions that a person should know of; null when the last one is over. */
  onNotice?: (notice: AdaptiveError | null) => void;
}

const tickMs = 1000;
/** With nothing left to do and nobody looking, the scheduler ends after this. */
const idleMs = 600_000;
const rollUpMs = 300_000;

/** A scheduler that serves a run: the rooms put together, and the clock that drives them. */
export class Scheduler {
  private readonly startedAt = Date.now();
  private readonly workers = new Map<LearnerId, Peer>();
  private readonly timer: NodeJS.Timeout;
  private notice: AdaptiveError | null = null;
  private busyAt = Date.now();
  private rolledUpAt = Date.now();
  private closing: Promise<void> | null = null;

  private constructor(
    private readonly options: ServeOptions,
    private readonly lock: RunLock,
    readonly store: Store,
    private readonly door: Door,
    readonly board: ProgressBoard,
    private readonly desk: WorkerDesk,
    private readonly loop: JobLoop,
    private readonly clients: Clients,
    private readonly previews: Previews,
    private readonly series: Series,
  ) {
    this.timer = setInterval(() => this.tick(), tickMs);
  }

  /**
   * Takes the run's lock, recovers its state, and opens its doors.
   *
   * @throws AdaptiveError `already-served`, `no-run`, and those of recovery
   */
  static async serve(options: ServeOptions): Promise<Scheduler> {
    const { directory, log } = options;
    await directory.readRunFile();
    try {
      const lock = await RunLock.acquire(directory.lock, (message) => log.write(message));
      try {
        return await Scheduler.openWith(lock, options);
      } catch (error) {
        await lock.release();
        throw error;
      }
    } catch (error) {
      throw directory.explain(error);
    }
  }

  private static async openWith(lock: RunLock, options: ServeOptions): Promise<Scheduler> {
    const { directory, assets, port } = options;
    let scheduler: Scheduler | null = null;
    const ready = (): Scheduler => {
      if (!scheduler) throw new Error("The scheduler is not complete yet.");
      return scheduler;
    };
    const onDiskFull = (message: string | null) => {
      ready().show(
        message
          ? new AdaptiveError("disk-full", message, "Make room: it goes on by itself, and nothing is lost.")
          : null,
      );
    };
    const world = { ...systemWorld, confirmOwnership: () => lock.confirm(), onDiskFull, onFatal: options.onFatal };
    const store = await Store.open(
      directory,
      await assets.wasm(),
      { host: hostname(), pid: process.pid, version },
      world,
    );
    const client = await copyClient(assets.folder, directory);
    const board = new ProgressBoard(store.model);
    const previews = new Previews(store, client, (learner, preview) =>
      ready().clients.notifyWatchers(learner, "preview", { learner, preview }),
    );
    const desk = new WorkerDesk(store, board, {
      onDidFree: () => ready().loop.poke(),
      onDidPreview: (learner, preview) => previews.put(learner, preview),
    });
    const files = new JobFiles(directory.jobs, store.model);
    const progress = (learner: LearnerId) => board.of(learner, store.model.learner(learner));
    const loop = new JobLoop({
      store,
      cluster: localCluster(directory.jobs, store.model.run.name),
      run: runCommand,
      files,
      script: (resourceClass) => {
        const { revision, learnersFile } = store.model.run;
        const code = directory.code(revision);
        const settings = settingsOf(store.model.run);
        return jobScript({
          runDirectory: directory.path,
          client,
          code,
          revision,
          learnersFile,
          resourceClass,
          settings,
        });
      },
      progress,
      takeInMessage: (message) => desk.takeIn(message),
      onNotice: (notice) => ready().show(notice),
      now: Date.now,
    });
    const door = await Door.open(`tcp://127.0.0.1:${port ?? "*"}`);
    const clients = new Clients({
      store,
      commands: {
        status: () => ready().status(),
        configure: (configuration) => ready().configure(configuration),
        startJobs: () => ready().setActivity("active", null),
        stopJobs: ({ gently }) => ready().setActivity("stopped", "stopped by a person", gently),
        pauseJobs: () => ready().setActivity("paused", "paused by a person"),
        retryLearners: ({ learners }) => ready().retry(learners.map(asLearnerId)),
        shutDown: () => {
          // After the answer has gone out.
          setTimeout(() => void ready().close(), 100);
          return null;
        },
        jobOutput: ({ job, maxBytes }) => files.tail(job, maxBytes),
      } satisfies Commands,
      send: (client, message) => door.send(Buffer.from(client, "hex"), message),
      onDidWatch: (watched) => ready().watch(watched),
      now: Date.now,
    });
    scheduler = new Scheduler(
      options,
      lock,
      store,
      door,
      board,
      desk,
      loop,
      clients,
      previews,
      new Series(store.database),
    );
    await scheduler.open();
    return scheduler;
  }

  /** Jobs go on; the next scheduler of the run takes over from what is on disk. */
  close(): Promise<void> {
    this.closing ??= this.shutDown();
    return this.closing;
  }

  async setActivity(activity: Activity, reason: string | null, gently = false): Promise<null> {
    const { run } = this.store.model;
    if (run.activity !== activity || run.stopsGently !== Number(gently)) {
      this.store.record({ kind: "activityChanged", activity, stopsGently: gently ? 1 : 0, reason });
      await this.store.synced();
      this.options.log.write(`jobs are ${activity}${reason ? `: ${reason}` : ""}`);
      if (activity === "active") this.show(null);
      this.wishAll();
    }
    this.loop.poke();
    return null;
  }

  /** @throws when the settings are not complete */
  async configure(configuration: Configuration): Promise<null> {
    settingsOf(configuration);
    if (configuration.settings !== this.store.model.run.settings) {
      this.store.record({ kind: "runConfigured", ...configuration });
      await this.store.synced();
    }
    return null;
  }

  /** Everything that a status line or report shows. */
  async status(): Promise<Status> {
    await this.store.synced();
    const { model, directory } = this.store;
    const jobs: Record<string, number> = {};
    for (const id of model.liveJobs) {
      const { state } = model.job(id);
      jobs[state] = (jobs[state] ?? 0) + 1;
    }
    return {
      run: model.run,
      directory: directory.path,
      host: hostname(),
      pid: process.pid,
      startedAt: this.startedAt,
      version,
      learners: { ...model.learnerCounts },
      jobs,
      npoints: this.board.npoints,
      queueCalls: this.loop.queueCalls,
      submissions: this.loop.submissions,
      residentBytes: process.memoryUsage().rss,
      connectedClients: this.clients.size,
    };
  }

  private async open(): Promise<void> {
    const { directory, log } = this.options;
    const { incarnation } = this.store.model.run;
    const { door } = this;
    void door.serve((peer, message) => this.receive(peer, message));
    await writeEndpoint(directory.endpoint, {
      version: 1,
      incarnation,
      host: hostname(),
      pid: process.pid,
      urls: [`tcp://127.0.0.1:${door.port}`],
      ...door.keys,
    });
    log.write(`serving ${directory.path} as incarnation ${incarnation} at port ${door.port}`);
    this.loop.poke();
  }

  private async shutDown(): Promise<void> {
    clearInterval(this.timer);
    await this.loop.close();
    this.rollUp();
    await this.store.close();
    this.clients.dispose();
    await this.door.close();
    await removeEndpoint(this.options.directory.endpoint);
    this.options.log.write("ended; jobs go on");
    await this.options.log.flushed();
    await this.lock.release();
    this.options.onDidEnd();
  }

  private receive(peer: Peer, message: object): void {
    if (this.closing) return;
    if ("jsonrpc" in message) {
      this.clients.receive(peer.toString("hex"), message);
      return;
    }
    void this.desk.answer(message).then((reply) => {
      if (!reply) return;
      if (reply.type === "assign") this.workers.set(asLearnerId(reply.learner), peer);
      this.door.send(peer, reply);
    }, this.options.onFatal);
  }

  private watch(watched: ReadonlySet<LearnerId>): void {
    for (const learner of this.desk.watch(watched)) {
      this.wish(learner);
      if (watched.has(learner)) void this.previews.show(learner);
    }
  }

  private wishAll(): void {
    for (const learner of this.workers.keys()) this.wish(learner);
  }

  private wish(learner: LearnerId): void {
    const peer = this.workers.get(learner);
    if (!peer) return;
    if (this.store.model.learner(learner).state === "running") {
      const wish = this.desk.wishFor(learner);
      this.door.send(peer, { v: workerProtocol, type: "wish", learner, wish } satisfies WishMessage);
    } else this.workers.delete(learner);
  }

  private async retry(learners: readonly LearnerId[]): Promise<{ moved: number }> {
    const { model } = this.store;
    const again = learners.filter((id) => ["failed", "stopped"].includes(model.learners.get(id)?.state ?? ""));
    if (again.length > 0) {
      this.store.record({ kind: "learnersMoved", learners: again, state: "waiting", reason: "to be tried again" });
      await this.store.synced();
      this.loop.poke();
    }
    return { moved: again.length };
  }

  private show(notice: AdaptiveError | null): void {
    if (notice?.message === this.notice?.message) return;
    this.notice = notice;
    if (notice) this.options.log.write(`${notice.code}: ${notice.message}`);
    this.clients.notifyAttached("notice", notice && { message: notice.message, hint: notice.hint });
    this.options.onNotice?.(notice);
  }

  private tick(): void {
    const now = Date.now();
    const { model, database } = this.store;
    const sample = this.sample(now);
    const columns = this.board.takeUnsent();
    const isBusy = model.liveJobs.size > 0 || (model.run.activity === "active" && model.waiting.size > 0);
    if (isBusy || columns.learners.length > 0) {
      this.series.add(sample, database);
      this.clients.notifyAttached("progress", { time: now, ...columns, sample });
    }
    this.clients.forgetSilent();
    if (now - this.rolledUpAt > rollUpMs) this.rollUp();
    if (isBusy || this.clients.size > 0) this.busyAt = now;
    if (now - this.busyAt > idleMs) void this.close();
  }

  private sample(time: number): Sample {
    const { model } = this.store;
    let running = 0;
    for (const id of model.liveJobs) if (model.job(id).state === "running") running++;
    return {
      time,
      npoints: this.board.npoints,
      running,
      queued: model.liveJobs.size - running,
      done: model.learnerCounts.done,
    };
  }

  private rollUp(): void {
    this.rolledUpAt = Date.now();
    const columns = this.board.takeUnrecorded();
    if (columns.learners.length > 0) this.store.record({ kind: "progressNoted", ...columns });
  }
}

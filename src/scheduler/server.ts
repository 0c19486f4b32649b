import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import { join } from "node:path";
import type { Assets } from "./assets";
import type { Cluster } from "./clusters/cluster";
import { clusterOfQueue } from "./clusters/ofQueue";
import { runCommand } from "./clusters/runCommand";
import { ignoredWishes } from "./clusters/slurmVariables";
import { Clients, type Commands } from "./control/clients";
import { reach } from "./control/dealer";
import type { Status } from "./control/protocol";
import { sampleOf, Series } from "./control/series";
import { Failures } from "./jobs/failures";
import { JobFiles } from "./jobs/jobFiles";
import { givesWay } from "./jobs/allotment";
import { classTried, limitsOf } from "./jobs/capacity";
import { jobScript } from "./jobs/jobScript";
import { JobLoop } from "./jobs/loop";
import { jobShell, knownJob } from "./jobShell";
import type { Log } from "./log";
import { Previews } from "./previews";
import { remarksOnClasses, resourcesOf } from "./state/classes";
import { steadyClock } from "./state/clock";
import { AdaptiveError, toAdaptiveError } from "./state/errors";
import { readWhole } from "./state/files";
import { RunLock } from "./state/lock";
import { fnameOf, type LearnerId, type LearnerRow, type RunRow, tryClass } from "./state/rows";
import { type RemarkKind, remarkOf, withRemark } from "./state/runRemarks";
import { checkFolderName, type RunDirectory } from "./state/runDirectory";
import { settingsOf, type Configuration } from "./state/settings";
import { Store, systemWorld } from "./state/store";
import { DroppedInputs } from "./droppedInputs";
import { copyClient } from "./study/code";
import { noteDown, settle, type CopyWish } from "./study/place";
import { checkDataframe, checkPython, checkScript } from "./study/inspect";
import { checkNoDataframeIsData } from "./study/overlap";
import { checkClasses } from "./study/settings";
import { settleData } from "./study/dataPlaces";
import { remarkOnData } from "./study/missingData";
import { StudyUpdates } from "./study/updates";
import { WorkerDesk } from "./workers/desk";
import { Door, type Peer } from "./workers/door";
import { descriptorLimit, maxConnections, remarkOnConnections } from "./workers/connections";
import { ownAddresses, readEndpoint, removeEndpoint, writeEndpoint } from "./workers/endpoint";
import { ProgressBoard } from "./workers/progress";
import { WorkerPeers } from "./workers/workerPeers";
import { tryLearners } from "./trials";
import { makeFolders, Upkeep } from "./upkeep";
import { Verbs } from "./verbs";
import { version } from "./version";

export interface ServeOptions {
  directory: RunDirectory;
  assets: Assets;
  log: Log;
  /** The port to listen at; null for any free one. */
  port: number | null;
  /** What to do when the run turns out to be a copy of another. */
  ifCopied: CopyWish;
  /** Called once, when the scheduler has closed because a client asked for it or nothing was left to do. */
  onDidEnd: () => void;
  /** Told when the process must end unanswered. */
  onFatal: (error: unknown) => never;
  /** Conditions that a person should know of; null when the last one is over. */
  onNotice?: (notice: AdaptiveError | null) => void;
}

const tickMs = 1000;
/** How often to look after what lies in the state folder. */
const upkeepMs = 5000;
/** Told to end, a scheduler ends: also when the disk is full or the queue does not answer. */
const endDeadlineMs = 10_000;
/** With nothing left to do and nobody looking, the scheduler ends after this. */
const idleMs = 600_000;
const rollUpMs = 300_000;
const keptRemarks = 20;

/** What a scheduler holds while it serves: a lock on the run, its state, its socket, the jobs' package. */
interface Holdings {
  lock: RunLock;
  /** The database engine. */
  wasm: Uint8Array;
  store: Store;
  door: Door;
  /** Folder in the run with the Python package that jobs import. */
  client: string;
}

/** A scheduler that serves a run: the rooms put together, and the clock that drives them. */
export class Scheduler {
  readonly store: Store;
  readonly board: ProgressBoard;
  readonly verbs: Verbs;
  private readonly desk: WorkerDesk;
  private readonly files: JobFiles;
  private readonly failures: Failures;
  readonly updates: StudyUpdates;
  private readonly cluster: Cluster;
  private readonly loop: JobLoop;
  private readonly clients: Clients;
  private readonly previews: Previews;
  private readonly series: Series;
  private readonly workers: WorkerPeers;
  private readonly dropped: DroppedInputs;
  readonly upkeep: Upkeep;
  private keptUpAt = Date.now();
  private readonly timer: NodeJS.Timeout;
  private readonly startedAt = Date.now();
  private readonly descriptors = descriptorLimit();
  private busyAt = Date.now();
  private wasBusy = false;
  private rolledUpAt = Date.now();
  /** Who started it needs it no more: it ends with the work that kept it. */
  private isSpare = false;
  /** The newest, for who follows the run from a terminal; and how many there have been. */
  private remarks: readonly string[] = [];
  private remarkCount = 0;
  private closing: Promise<void> | null = null;
  private lookingAtData: Promise<{ remark: string | null }> | null = null;

  private constructor(
    private readonly options: ServeOptions,
    private readonly holdings: Holdings,
  ) {
    const { wasm, store, door, client } = holdings;
    const { directory, model } = store;
    this.store = store;
    this.board = new ProgressBoard(model);
    this.dropped = new DroppedInputs((line) => options.log.write(line), steadyClock.now);
    this.series = new Series(store.database);
    this.previews = new Previews(
      store,
      client,
      (learner, preview) => this.clients.notifyWatchers(learner, "preview", { learner, preview }),
      (learner, why) => this.clients.notifyWatchers(learner, "noPreview", { learner, why }),
    );
    const cluster = (this.cluster = clusterOf(directory, model.run));
    this.desk = new WorkerDesk(store, this.board, steadyClock.now, {
      givesWay: (job) =>
        givesWay(job, model, limitsOf(settingsOf(model.run), cluster, maxConnections(this.descriptors))),
      onDidFree: () => this.loop.poke(),
      onDidPreview: (learner, preview) => this.previews.put(learner, preview),
      onDidRemark: (remark) => this.remark(remark),
      onDidFail: (learner, traceback) => this.failures.note(learner, traceback),
      onDidDrop: (why) => this.dropped.note("a worker", why),
    });
    this.upkeep = new Upkeep({
      store,
      log: options.log,
      assets: options.assets.folder,
      client,
      onNotice: (notice) => this.show(notice),
      onFatal: options.onFatal,
    });
    this.workers = new WorkerPeers(model, this.desk, (peer, message) => door.send(peer, message));
    this.files = new JobFiles(directory.jobs, model);
    this.failures = new Failures(
      directory.at("failures"),
      (job, maxBytes) => this.files.tail(job, maxBytes),
      (error) => options.log.write(`a failure could not be kept: ${toAdaptiveError(error).message}`),
    );
    store.onDidSync((changes) => this.failures.takeIn(changes));
    this.updates = new StudyUpdates({
      store,
      client,
      wasm,
      wish: (learner) => this.workers.wish(learner),
      onDidUpdate: () => {
        this.remarkOnClasses();
        this.loop.poke();
      },
    });
    this.loop = new JobLoop({
      store,
      cluster,
      run: runCommand,
      files: this.files,
      script: (resourceClass, tries) => this.script(resourceClass, tries),
      prepare: () => this.upkeep.look(),
      progress: (learner) => this.board.of(model.learner(learner)),
      heardAt: (job) => this.desk.heardAt(job),
      silenceMs: () => this.desk.silenceMs,
      takeInMessage: (message) => this.desk.takeIn(message),
      onRemark: (remark) => this.remark(remark),
      onNotice: (notice) => this.show(notice),
      clock: steadyClock,
      maxConnections: maxConnections(this.descriptors),
      random: Math.random,
    });
    this.verbs = new Verbs({
      store,
      loop: this.loop,
      wish: (learner) => (learner === undefined ? this.workers.wishAll() : this.workers.wish(learner)),
      onDidChangeActivity: (activity, reason) => {
        options.log.write(`jobs are ${activity}${reason ? `: ${reason}` : ""}`);
        if (activity === "active") this.show(null);
      },
      check: async (configuration) => {
        const settings = settingsOf(configuration);
        await this.checkClasses(configuration);
        checkNoDataframeIsData(model.learners.values(), settings.dataframe);
        await checkScript(directory.path, settings);
        const { python, prelude } = settingsOf(model.run);
        const isOther = settings.python !== python || settings.prelude.join("\n") !== prelude.join("\n");
        if (isOther) await checkPython([client], directory.path, settings);
        await checkDataframe([client], directory.path, settings);
      },
      onDidConfigure: () => {
        this.remarkOnClasses();
        this.remarkOnConnections();
      },
    });
    this.clients = new Clients({
      store,
      commands: this.commands(),
      send: (name, message) => door.send(Buffer.from(name, "hex"), message),
      onDidWatch: (watched) => this.watch(watched),
      onWillAttach: () => this.rollUp(),
      now: Date.now,
    });
    this.timer = setInterval(() => this.tick(), tickMs);
  }

  /**
   * Takes the run's lock, recovers its state, and opens its doors.
   *
   * @throws AdaptiveError `already-served`, `no-run`, `port-taken`, and those of recovery
   */
  static async serve(options: ServeOptions): Promise<Scheduler> {
    const { directory, log } = options;
    await directory.readRunFile();
    checkFolderName(directory.own);
    try {
      const lock = await RunLock.acquire(directory.lock, {
        disk: directory.disk,
        answers: (owner) => answersAt(directory, owner),
        onWait: (message) => {
          log.write(message);
          options.onNotice?.(new AdaptiveError("remark", message));
        },
        onLost: options.onFatal,
      });
      try {
        return await Scheduler.serveLocked(lock, options);
      } catch (error) {
        await lock.release();
        throw error;
      }
    } catch (error) {
      throw directory.explain(error);
    }
  }

  private static async serveLocked(lock: RunLock, options: ServeOptions): Promise<Scheduler> {
    const { directory, assets, port, ifCopied, onFatal } = options;
    const { cluster } = await directory.readRunFile();
    await makeFolders(directory);
    const door = await Door.open(`tcp://${cluster === "local" ? "127.0.0.1" : "*"}:${port ?? "*"}`);
    try {
      const client = await copyClient(assets.folder, directory);
      const identity = { host: hostname(), pid: process.pid, version };
      const world = {
        ...systemWorld,
        confirmOwnership: () => lock.confirm(),
        onDiskFull: (notice: AdaptiveError | null) => {
          // Nobody is served yet, so nobody has to wait for room.
          if (scheduler) scheduler.show(notice);
          else if (notice) onFatal(notice);
        },
        onFatal,
      };
      let scheduler: Scheduler | null = null;
      const wasm = await assets.wasm();
      const store = await Store.open(directory, wasm, identity, world, async (model) => [
        ...(await settle(directory, model, ifCopied, randomUUID(), wasm)),
        ...(await settleData(directory, model)),
      ]);
      const unlisted = await noteDown(directory, store.model.run);
      if (unlisted !== null) options.log.write(unlisted);
      scheduler = new Scheduler(options, { lock, wasm, store, door, client });
      await scheduler.open();
      return scheduler;
    } catch (error) {
      await door.close();
      throw error;
    }
  }

  /** Jobs go on; the next scheduler of the run takes over from what is on disk. */
  close(): Promise<void> {
    this.closing ??= this.shutDown();
    return this.closing;
  }

  /** Looks whether the data of done learners is there, and remarks what is not; one look at a time, beside all else. */
  checkData(): Promise<{ remark: string | null }> {
    const look = async (): Promise<{ remark: string | null }> => {
      const { model, directory } = this.store;
      const remark = await remarkOnData(directory.path, model);
      if (remark !== remarkOf(model.run.remark, "missingData") && !this.closing) {
        this.store.record({ kind: "runRemarked", remark: withRemark(model.run.remark, "missingData", remark) });
        if (remark !== null) this.options.log.write(remark);
        await this.store.synced();
      }
      return { remark };
    };
    this.lookingAtData ??= look().finally(() => (this.lookingAtData = null));
    return this.lookingAtData;
  }

  private async status(): Promise<Status> {
    await this.store.syncedIfRoom();
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
      notice: this.clients.notice,
      remarks: { count: this.remarkCount, newest: this.remarks },
    };
  }

  private async open(): Promise<void> {
    const { directory, log } = this.options;
    const { door } = this.holdings;
    const { model } = this.store;
    const { incarnation } = model.run;
    await this.updates.point();
    this.upkeep.keep(directory.runFile, String(await readWhole(directory.runFile)));
    this.remarkOnVariables();
    this.remarkOnConnections();
    await this.loop.open();
    const onDropped = () => this.dropped.note("the socket", "no JSON object in one frame");
    void door.serve((peer, message) => this.receive(peer, message), onDropped).catch(this.options.onFatal);
    this.upkeep.keep(
      directory.endpoint,
      await writeEndpoint(directory, {
        version: 1,
        incarnation,
        host: hostname(),
        pid: process.pid,
        urls: (model.run.cluster === "local" ? ["127.0.0.1"] : ownAddresses()).map((ip) => `tcp://${ip}:${door.port}`),
        ...door.keys,
      }),
    );
    void this.checkData().catch((error: unknown) =>
      log.write(`looking at the data: ${toAdaptiveError(error).message}`),
    );
    log.write(`serving ${directory.path} as incarnation ${incarnation} at port ${door.port}`);
  }

  private async shutDown(): Promise<void> {
    const { onDidEnd, onFatal } = this.options;
    const deadline = setTimeout(() => {
      const why = this.clients.notice?.message ?? "The disk or the queue did not answer.";
      const hint = "The scheduler was told to end and ends at once; whatever it answered is on disk, and jobs go on.";
      onFatal(new AdaptiveError("ends-at-once", why, hint));
    }, endDeadlineMs);
    try {
      await this.endInPeace();
    } catch (error) {
      onFatal(error);
    } finally {
      clearTimeout(deadline);
    }
    onDidEnd();
  }

  private async endInPeace(): Promise<void> {
    const { directory, log } = this.options;
    clearInterval(this.timer);
    this.clients.notifyAttached("closing", null);
    await this.upkeep.settled();
    await this.loop.close();
    // Whoever looks at it, now or later, sees how it was left.
    if (this.wasBusy) this.tell(Date.now(), this.board.takeUnsent(), true);
    this.rollUp();
    await this.store.close();
    await this.failures.close();
    await this.holdings.door.close();
    await removeEndpoint(directory.endpoint);
    log.write("ended; jobs go on");
    await log.flushed();
    await this.holdings.lock.release();
  }

  private commands(): Commands {
    return {
      ...this.verbs,
      status: () => this.status(),
      shutDown: ({ ifUnused }) => {
        const ends = !ifUnused || !(this.isAtWork || this.clients.isAnyAttached);
        this.isSpare = !ends;
        // After the answer has gone out.
        if (ends) setTimeout(() => void this.close(), 100);
        return { ends };
      },
      jobShell: ({ job }) => jobShell(job, this.store.model, this.cluster),
      jobOutput: ({ job, maxBytes }) => this.files.tail(knownJob(job, this.store.model).jobId, maxBytes),
      tryLearners: ({ learners }) => tryLearners(learners, this.store, this.loop),
      checkData: () => this.checkData(),
      failure: ({ learner }) => this.failures.of(learner),
      studyEdits: () => this.updates.edits(),
      compareStudy: () => this.updates.compare(),
      updateStudy: async ({ revision }) => {
        await this.updates.update(revision);
        return null;
      },
    };
  }

  /** Learners run or are about to, or jobs that may ask for some; trials do not count. */
  private get isAtWork(): boolean {
    const { model } = this.store;
    const { learnerCounts, run } = model;
    const hasJobs = [...model.liveJobs].some((id) => model.job(id).resourceClass !== tryClass);
    return hasJobs || learnerCounts.running > 0 || (run.activity === "active" && learnerCounts.waiting > 0);
  }

  private script(resourceClass: string, tries: readonly LearnerId[] | null): string {
    const { directory, model } = this.store;
    const settings = settingsOf(model.run);
    const classOfJob = tries ? classTried(model, tries) : resourceClass;
    const place = (row: LearnerRow) => ({ learner: row.id, index: row.position, fname: fnameOf(row) });
    return jobScript({
      runDirectory: directory.path,
      client: this.holdings.client,
      state: directory.own,
      jobs: directory.jobs,
      learnersFile: model.run.learnersFile,
      resourceClass,
      tries: tries && tries.map((id) => place(model.learner(id))),
      settings: { ...settings, resources: resourcesOf(settings, classOfJob) },
    });
  }

  /** A learners file that was edited may have the parameters that these learners lack: it is read after the settings. */
  private async checkClasses(configuration: Configuration): Promise<void> {
    const { directory, model } = this.store;
    try {
      await checkClasses(join(directory.path, model.run.learnersFile), configuration, model.learners.values());
    } catch (error) {
      const { code: isEdited } = await this.updates.edits();
      if (!isEdited) throw error;
    }
  }

  private remarkOnClasses(): void {
    const { model } = this.store;
    const listed = [...model.learners.values()].filter(({ isListed }) => isListed);
    for (const remark of remarksOnClasses(settingsOf(model.run), listed)) this.remark(remark);
  }

  private remarkOnVariables(): void {
    const { run } = this.store.model;
    const ignored = settingsOf(run).queue === "slurm" ? ignoredWishes(process.env) : [];
    const names = ignored.join(", ");
    const remark =
      ignored.length > 0 ? `Jobs are submitted without ${names} of the environment: say it in resources.` : null;
    this.remarkOnRun("ignoredVariables", remark);
  }

  private remarkOnConnections(): void {
    const { maxJobs } = settingsOf(this.store.model.run);
    this.remarkOnRun("connections", remarkOnConnections(maxJobs, this.descriptors));
  }

  private remarkOnRun(kind: RemarkKind, remark: string | null): void {
    const { run } = this.store.model;
    const remarks = withRemark(run.remark, kind, remark);
    if (remarks !== run.remark) this.store.record({ kind: "runRemarked", remark: remarks });
    if (remark !== null) this.remark(remark);
  }

  private remark(remark: string): void {
    this.remarks = [...this.remarks, remark].slice(-keptRemarks);
    this.remarkCount++;
    this.options.log.write(remark);
    this.options.onNotice?.(new AdaptiveError("remark", remark));
  }

  private receive(peer: Peer, message: object): void {
    if (this.closing) return;
    if (!("jsonrpc" in message)) void this.dropped.guard("a worker", () => this.workers.hear(peer, message));
    else {
      void this.dropped.guard("a client", async () => {
        const why = await this.clients.receive(peer.toString("hex"), message);
        if (why !== null) this.dropped.note("a client", why);
      });
    }
  }

  private watch(watched: ReadonlySet<LearnerId>): void {
    for (const learner of this.desk.watch(watched)) {
      this.workers.wish(learner);
      if (watched.has(learner)) void this.previews.show(learner);
    }
  }

  private show(notice: AdaptiveError | null): void {
    if (!this.clients.show(notice && { code: notice.code, message: notice.message, hint: notice.hint })) return;
    if (notice) this.options.log.write(`${notice.code}: ${notice.message}`);
    this.options.onNotice?.(notice);
  }

  private tick(): void {
    const now = Date.now();
    const { model } = this.store;
    const columns = this.board.takeUnsent();
    const isBusy = model.liveJobs.size > 0 || (model.run.activity === "active" && model.learnerCounts.waiting > 0);
    const hasJustEnded = this.wasBusy && !isBusy;
    this.wasBusy = isBusy;
    if (isBusy || hasJustEnded || columns.learners.length > 0) this.tell(now, columns, hasJustEnded);
    this.clients.forgetSilent();
    if (now - this.keptUpAt >= upkeepMs) {
      this.keptUpAt = now;
      void this.upkeep.look();
    } else if (model.liveJobs.size > 0) void this.upkeep.mendState();
    if (now - this.rolledUpAt > rollUpMs) this.rollUp();
    if (isBusy || this.clients.size > 0) this.busyAt = now;
    const hasServed = this.isSpare && !isBusy && this.clients.size === 0;
    if (hasServed || now - this.busyAt > idleMs) void this.close();
  }

  /** How the run stands, for its charts; the last time for as long as nothing happens. */
  private tell(time: number, columns: ReturnType<ProgressBoard["takeUnsent"]>, isLast: boolean): void {
    const sample = sampleOf(this.store.model, this.board.npoints, time);
    this.series.add(sample, this.store.database, isLast);
    this.clients.notifyAttached("progress", { time, ...columns, sample });
  }

  private rollUp(): void {
    this.rolledUpAt = Date.now();
    const columns = this.board.takeUnrecorded();
    if (columns.learners.length > 0) this.store.record({ kind: "progressNoted", ...columns });
  }
}

function clusterOf({ jobs }: RunDirectory, run: RunRow): Cluster {
  return clusterOfQueue(settingsOf(run).queue, { folder: jobs, runId: run.runId, name: run.name });
}

/** Whether the owner of a run's lock answers where the run says that it listens. */
async function answersAt(directory: RunDirectory, owner: { host: string; pid: number }): Promise<boolean> {
  const endpoint = await readEndpoint(directory.endpoint);
  if (endpoint?.host !== owner.host || endpoint.pid !== owner.pid) return false;
  return (await reach(endpoint)) !== null;
}

import { givesWay } from "../../src/scheduler/jobs/allotment";
import { limitsOf } from "../../src/scheduler/jobs/capacity";
import { JobFiles } from "../../src/scheduler/jobs/jobFiles";
import { JobLoop } from "../../src/scheduler/jobs/loop";
import type { NewChange } from "../../src/scheduler/state/changes";
import type { Clock } from "../../src/scheduler/state/clock";
import type { Disk } from "../../src/scheduler/state/disk";
import { errnoOf } from "../../src/scheduler/state/errors";
import { makeFolder } from "../../src/scheduler/state/files";
import { RunLock } from "../../src/scheduler/state/lock";
import { RunDirectory } from "../../src/scheduler/state/runDirectory";
import { settingsOf } from "../../src/scheduler/state/settings";
import { Store } from "../../src/scheduler/state/store";
import { tryLearners } from "../../src/scheduler/trials";
import { makeFolders, putBack } from "../../src/scheduler/upkeep";
import { Verbs } from "../../src/scheduler/verbs";
import { WorkerDesk } from "../../src/scheduler/workers/desk";
import { writeEndpoint } from "../../src/scheduler/workers/endpoint";
import { ProgressBoard } from "../../src/scheduler/workers/progress";
import { scriptOf } from "./cluster";
import type { SimulatedProcess } from "./timeline";
import type { World } from "./world";

/** A machine that a scheduler may run on, with a clock that somebody may set. */
export interface Host {
  name: string;
  boots: number;
  clockOffsetMs: number;
}

const rollUpMs = 300_000;
/** A second in truth, of which most would only be steps. */
const tickMs = 20_000;
const key = "k".repeat(40);

/** As `Scheduler` of src/scheduler/server.ts puts the rooms together, without sockets and people's clients. */
export class SimulatedScheduler {
  private verbs: Verbs | null = null;
  private loop: JobLoop | null = null;
  private opened: Store | null = null;
  private desk: WorkerDesk | null = null;
  private board: ProgressBoard | null = null;
  private confirmedAt = -Infinity;
  private readonly clock: Clock;
  private readonly steadyClock: Clock;

  constructor(
    private readonly world: World,
    readonly host: Host,
    readonly pid: number,
    readonly process: SimulatedProcess,
  ) {
    const { timeline } = world;
    this.clock = {
      now: () => world.startedAt + timeline.now + host.clockOffsetMs,
      after: (delayMs, callback) => timeline.after(delayMs, () => timeline.settle(callback), process),
    };
    const offsetMs = host.clockOffsetMs;
    const steadyNow = () => world.startedAt + timeline.now + offsetMs;
    this.steadyClock = { ...this.clock, now: world.rules.waitsAreSteady ? steadyNow : this.clock.now };
  }

  /** @throws when it has not opened the run yet */
  get store(): Store {
    if (!this.opened) throw new Error(`${this.process.name} has not opened.`);
    return this.opened;
  }

  get isServing(): boolean {
    return this.verbs !== null && this.process.isAlive;
  }

  /** @throws AdaptiveError `already-served`, and whatever a disk in trouble throws */
  async serve(): Promise<void> {
    const { world, process, host, pid } = this;
    const { timeline, cluster } = world;
    const directory = new RunDirectory(world.directory.path, undefined, this.disk());
    const lock = await this.acquireLock(directory);
    const onFatal = (error: unknown): void => world.onFatal(this, error);
    const store = await Store.open(
      directory,
      world.wasm,
      { host: host.name, pid, version: "0" },
      {
        ...this.clock,
        sleep: (ms) => timeline.sleep(ms, process),
        soon: (callback) => this.clock.after(0, callback),
        snapshotAfterChanges: world.size.snapshotAfterChanges,
        confirmOwnership: () => this.confirm(lock),
        // Nobody is served yet, so nobody has to wait for room.
        onDiskFull: (notice) => notice !== null && !this.isServing && process.die(),
        onFatal,
      },
    );
    this.opened = store;
    const { model } = store;
    world.checks.onOpened(this);
    store.onDidSync((changes) => world.checks.onPublished(changes, this));
    const board = (this.board = new ProgressBoard(model));
    const { rules } = world;
    const minding = rules.classesCount ? store : withoutClasses(store);
    const answering = rules.answersWhenSynced ? minding : unsynced(minding);
    const desk = (this.desk = new WorkerDesk(recordingAs(answering, rules.recordsAs), board, this.steadyClock.now, {
      givesWay: (job) => givesWay(job, model, limitsOf(settingsOf(model.run), rules.adapter, Infinity)),
      onDidFree: () => loop.poke(),
      onDidPreview: () => undefined,
      onDidFail: () => undefined,
      onDidRemark: () => undefined,
    }));
    const loop = (this.loop = new JobLoop({
      store: rules.actsWhenSynced ? store : unsynced(store),
      cluster: world.rules.adapter,
      run: cluster.runFor(process),
      files: new QuietJobFiles(directory.jobs, model, directory.disk),
      script: (_, tries) => scriptOf(tries),
      prepare: () => makeFolder(directory.jobs, directory.disk).then(() => undefined),
      progress: (learner) => board.of(model.learner(learner)),
      heardAt: (job) => desk.heardAt(job),
      silenceMs: () => desk.silenceMs,
      takeInMessage: (message) => desk.takeIn(message),
      onRemark: () => undefined,
      onNotice: (notice) => notice && world.trace("notice", notice.code, notice.message),
      clock: this.steadyClock,
      maxConnections: Infinity,
      random: () => world.chance.next(),
    }));
    const verbs = new Verbs({
      store: rules.acknowledgesWhenSynced ? store : unsynced(store),
      loop,
      wish: () => undefined,
      onDidChangeActivity: () => undefined,
      check: () => Promise.resolve(),
      onDidConfigure: () => undefined,
    });
    await makeFolders(directory);
    await loop.open();
    this.verbs = verbs;
    const url = world.network.listen(host.name, process, (message, reply) => this.receive(message, reply));
    const keys = { serverKey: key, clientPublicKey: key, clientSecretKey: key };
    const { incarnation } = model.run;
    const endpoint = await writeEndpoint(directory, {
      version: 1,
      incarnation,
      host: host.name,
      pid,
      urls: [url],
      ...keys,
    });
    this.rollUp();
    this.every(tickMs, () => timeline.startTask(() => this.lookAfter(store, endpoint), onFatal));
  }

  /** As `Upkeep` of src/scheduler/upkeep.ts, without code: there is none here. */
  private async lookAfter(store: Store, endpoint: string): Promise<void> {
    if (!this.world.rules.mendsFiles) return;
    const { directory } = store;
    await store.mend();
    try {
      await makeFolders(directory);
      await putBack(directory.endpoint, endpoint, directory.disk);
    } catch (error) {
      // The next look may do better.
      this.world.trace("not mended", error);
    }
  }

  /** A person's command: what it said is on disk once it is answered. */
  async command(act: (verbs: Verbs) => unknown): Promise<void> {
    if (!this.verbs) return;
    const answered = act(this.verbs);
    // Settings are recorded once they are checked, which takes no time here.
    await Promise.resolve();
    const { seq } = this.store.model.run;
    await answered;
    if (this.process.isAlive) this.world.checks.onAcknowledged(seq, this);
  }

  /** A person has a point of each of some learners tried. */
  async try(learners: readonly number[]): Promise<void> {
    if (!this.loop) return;
    const { trials } = await tryLearners(learners, this.store, this.loop);
    if (this.process.isAlive) this.world.checks.onTried(learners, trials.length);
  }

  private disk(): Disk {
    const { world, process } = this;
    const disk = world.disk.for(process);
    if (world.rules.seesLaterIncarnations) return disk;
    const isLater = (name: string) => Number(/^journal-(\d+)-/.exec(name)?.[1] ?? 0) > this.incarnation;
    return { ...disk, readdir: async (path) => (await disk.readdir(path)).filter((name) => !isLater(name)) };
  }

  private get incarnation(): number {
    return this.opened?.model.run.incarnation ?? Infinity;
  }

  private async confirm(lock: RunLock): Promise<void> {
    const { rules, timeline } = this.world;
    if (!rules.confirmsOwnership || timeline.now - this.confirmedAt < rules.confirmsEveryMs) return;
    await lock.confirm();
    this.confirmedAt = timeline.now;
  }

  private acquireLock({ lock, disk }: RunDirectory): Promise<RunLock> {
    const { world, process, host } = this;
    const { timeline } = world;
    return RunLock.acquire(lock, {
      disk,
      host: host.name,
      pid: this.pid,
      bootId: () => `${host.name} ${host.boots}`,
      processStart: (pid) => (world.isRunning(host, pid) ? `start ${pid}` : null),
      // A beat is a dozen steps; it only has to come within 20 s.
      beatMs: 15_000,
      nonce: () => `${host.name}.${this.pid}`,
      now: () => timeline.now,
      sleep: (ms) => timeline.sleep(ms, process),
      every: (ms, callback) => this.every(ms, callback),
      answers: (owner) => timeline.perform(100, process, () => world.answers(owner)),
      onWait: () => undefined,
      onLost: (error) => world.onFatal(this, error),
    });
  }

  private every(ms: number, callback: () => void): () => void {
    let cancel = (): void => undefined;
    const next = (): void => {
      cancel = this.clock.after(ms, () => {
        next();
        callback();
      });
    };
    next();
    return () => cancel();
  }

  private receive(message: object, reply: (answer: NonNullable<Awaited<ReturnType<WorkerDesk["answer"]>>>) => void) {
    const { world, process, desk } = this;
    if (!desk) return;
    world.checks.onRequest(message, process);
    const heard = world.rules.tellsProcessesApart ? message : { ...message, instance: "any" };
    const answer = async (): Promise<void> => {
      const answered = await desk.answer(heard);
      if (!answered || !process.isAlive) return;
      world.checks.onReply(heard, answered, process);
      reply(answered);
    };
    world.timeline.startTask(answer, (error) => world.onFatal(this, error));
  }

  private rollUp(): void {
    const columns = this.board?.takeUnrecorded();
    if (columns && columns.learners.length > 0) this.store.record({ kind: "progressNoted", ...columns });
    this.clock.after(rollUpMs, () => this.rollUp());
  }
}

/** A store that says at once that all is on disk. */
function unsynced(store: Store): Store {
  const atOnce = () => Promise.resolve();
  return withOther(withOther(store, "synced", atOnce), "syncedIfRoom", atOnce);
}

/** A store that records other changes than it is told. */
function recordingAs(store: Store, changesFor: (change: NewChange) => readonly NewChange[]): Store {
  return withOther(store, "record", (change: NewChange) => changesFor(change).forEach((other) => store.record(other)));
}

function withOther<Name extends keyof Store>(store: Store, other: Name, member: Store[Name]): Store {
  return new Proxy(store, {
    get: (target, name) => {
      const value: unknown = name === other ? member : Reflect.get(target, name, target);
      return typeof value === "function" ? (value.bind(target) as unknown) : value;
    },
  });
}

/** A store in which learners of all classes wait in one line. */
function withoutClasses(store: Store): Store {
  const lines = () => [...store.model.waiting.values()];
  const waiting = { get: () => lines().find(({ size }) => size > 0) };
  const model = Object.create(store.model, { waiting: { value: waiting } }) as Store["model"];
  return withOther(store, "model", model);
}

/** Jobs here print nothing. */
class QuietJobFiles extends JobFiles {
  override tail(): Promise<{ text: string; truncated: boolean }> {
    return Promise.resolve({ text: "", truncated: false });
  }
}

/** Errors that a start may end with, to be tried again. */
export function isExcused(error: unknown): boolean {
  const excused = ["already-served", "lock-lost", "disk-full"];
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  return excused.includes(code) || ["ENOSPC", "EIO"].includes(errnoOf(error) ?? "");
}

import { Chance } from "../crash/chance";
import { classified } from "../../src/scheduler/state/classes";
import type { Change, NewChange } from "../../src/scheduler/state/changes";
import { createFolders, createState } from "../../src/scheduler/state/createState";
import { Database } from "../../src/scheduler/state/database";
import { decodeLine } from "../../src/scheduler/state/journal";
import { mergeSettings } from "../../src/scheduler/state/layers";
import { asLearnerId } from "../../src/scheduler/state/rows";
import { RunDirectory } from "../../src/scheduler/state/runDirectory";
import type { ResourceClass, Settings } from "../../src/scheduler/state/settings";
import { Checks, Violation, type SavedData } from "./checks";
import { simulatedAdapter, SimulatedCluster } from "./cluster";
import { SimulatedDisk } from "./disk";
import { Losses } from "./losses";
import { Network } from "./network";
import { isExcused, SimulatedScheduler, type Host } from "./scheduler";
import { SimulatedProcess, Timeline } from "./timeline";

/** How large a simulated run is. */
export interface Size {
  learners: number;
  maxJobs: number;
  nodes: number;
  /** Resource classes of its learners. */
  classes: number;
  /** Points of a learner that is done, and milliseconds that one takes. */
  goal: number;
  pointMs: number;
  /** Changes after which a scheduler writes a snapshot. */
  snapshotAfterChanges: number;
}

/** Besides the one by default. */
export function classesOf({ classes }: Size): ResourceClass[] {
  const names = Array.from({ length: classes - 1 }, (_, i) => i + 1);
  return names.map((i) => ({ name: `class${i}`, where: `kind=${i}`, resources: {} }));
}

const keptEvents = 60;

/** Everything there is in a simulation. */
export class World {
  readonly timeline = new Timeline();
  readonly chance: Chance;
  readonly disk: SimulatedDisk;
  readonly network: Network;
  readonly cluster: SimulatedCluster;
  readonly checks: Checks;
  readonly directory = new RunDirectory("/study");
  readonly startedAt = Date.UTC(2026, 0, 1);
  readonly hosts: readonly [Host, Host] = [
    { name: "head1", boots: 1, clockOffsetMs: 0 },
    { name: "head2", boots: 1, clockOffsetMs: 0 },
  ];
  /** What is in the data files. */
  readonly data = new Map<number, SavedData>();
  readonly losses: Losses;
  /** Looks at what takes no time and yet is awaited, before the next step. */
  readonly due: (() => Promise<void>)[] = [];
  readonly counts = new Map<string, number>();
  readonly goal: number;
  readonly pointMs: number;
  schedulers: SimulatedScheduler[] = [];
  violation: Violation | null = null;
  /** A person has stopped the run, and will not start it again. */
  isStopping = false;
  /** Rules that tests break, to see it noticed. */
  readonly rules = {
    adapter: simulatedAdapter(),
    recordsAs: (change: NewChange): readonly NewChange[] => [change],
    acknowledgesWhenSynced: true,
    actsWhenSynced: true,
    answersWhenSynced: true,
    confirmsOwnership: true,
    confirmsEveryMs: 0,
    seesLaterIncarnations: true,
    dataFolder: "/study/data",
    classesCount: true,
    epochsDecide: true,
    mendsFiles: true,
    savesBeforeDone: true,
    tellsProcessesApart: true,
    tellsWhatIsSaved: true,
    timeoutIsNoRefusal: true,
    waitsAreSteady: true,
  };
  private readonly events: { at: number; words: readonly unknown[] }[] = [];
  private readonly poison = new Map<number, number>();
  private readonly ends = new Set<string>();
  private pids = 100;

  constructor(
    seed: number,
    readonly size: Size,
    readonly wasm: Uint8Array,
  ) {
    const chance = (this.chance = new Chance(seed));
    this.goal = size.goal;
    this.pointMs = size.pointMs;
    this.disk = new SimulatedDisk(this.timeline, chance);
    this.checks = new Checks(this);
    this.losses = new Losses(this);
    this.network = new Network(this);
    this.cluster = new SimulatedCluster(this, size.nodes, 60_000 * chance.between(12, 60));
    this.disk.onDidSync = (path, file) => this.checks.onSync(path, file);
    for (let learner = 0; learner < size.learners; learner++) {
      if (chance.next() < 0.05) this.poison.set(learner, chance.between(1, size.goal));
    }
  }

  /** Makes the run, as the command line does before it is first served. */
  async create(): Promise<void> {
    const maker = new SimulatedProcess("maker");
    const directory = new RunDirectory(this.directory.path, undefined, this.disk.for(maker));
    const changes = this.firstChanges();
    this.checks.begin(changes.map((change, i) => ({ ...change, seq: i + 1, time: this.startedAt })));
    let isMade = false;
    this.timeline.startTask(
      async () => {
        await createFolders(directory);
        await createState(directory, changes, this.wasm, this.startedAt);
        await directory.disk.mkdir(this.rules.dataFolder, { recursive: true, mode: 0o700 });
        isMade = true;
      },
      (error) => {
        throw error;
      },
    );
    // What it begins with compiles the code of sql.js once, in real time.
    (await Database.open(null, this.wasm)).close();
    while (!isMade && (await this.timeline.step()));
    this.disk.syncAll();
  }

  trace = (...words: unknown[]): void => {
    this.events.push({ at: this.timeline.now, words });
    if (this.events.length > 4 * keptEvents) this.events.splice(0, 3 * keptEvents);
  };

  /** The last things that happened, a line each. */
  get lastEvents(): string[] {
    return this.events
      .slice(-keptEvents)
      .map(({ at, words }) => `${(at / 1000).toFixed(3).padStart(10)} s  ${words.map(inWords).join("  ")}`);
  }

  count = (what: string): void => {
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1);
  };

  /** The first violation ends the simulation. */
  fail(violation: Violation): Violation {
    this.violation ??= violation;
    return violation;
  }

  startScheduler(host: Host): SimulatedScheduler {
    this.losses.undo();
    const pid = this.pids++;
    const process = new SimulatedProcess(`scheduler ${pid} on ${host.name}`);
    const scheduler = new SimulatedScheduler(this, host, pid, process);
    this.schedulers = [...this.schedulers.filter((other) => other.process.isAlive), scheduler];
    this.trace("start", process.name);
    process.onDeath = () => {
      this.trace("dead", process.name);
      this.losses.undo();
    };
    this.timeline.startTask(
      () => scheduler.serve(),
      (error) => this.onFatal(scheduler, error),
    );
    return scheduler;
  }

  /** A scheduler ends itself, for a reason that it may have or not. */
  onFatal({ process }: SimulatedScheduler, error: unknown): void {
    this.trace("fatal", process.name, error);
    process.die();
    if (error instanceof Violation) this.fail(error);
    else if (!isExcused(error))
      this.fail(new Violation(`${process.name} ended itself: ${String(error)}`, { cause: error }));
  }

  /** A person reads why; only a violation is ours. */
  onCommandFailed = (error: unknown): void => {
    this.trace("command failed", error);
    if (error instanceof Violation) this.fail(error);
  };

  schedulerOf(process: SimulatedProcess): SimulatedScheduler {
    const found = this.schedulers.find((scheduler) => scheduler.process === process);
    if (!found) throw new Error(`${process.name} is not running.`);
    return found;
  }

  isRunning(host: Host, pid: number): boolean {
    return this.schedulers.some((other) => other.host === host && other.pid === pid && other.process.isAlive);
  }

  /** Whether a scheduler answers its clients. */
  answers(owner: { host: string; pid: number }): boolean {
    return this.schedulers.some(
      ({ host, pid, process, isServing }) =>
        host.name === owner.host && pid === owner.pid && isServing && process.frozenUntil <= this.timeline.now,
    );
  }

  /** The address that jobs read; null when no scheduler serves. */
  endpointUrl(): string | null {
    const text = this.disk.peek(this.directory.endpoint);
    try {
      return text && ((JSON.parse(String(text)) as { urls: string[] }).urls[0] ?? null);
    } catch {
      return null;
    }
  }

  epochOf(learner: number): number {
    const bytes = this.disk.peek(this.directory.epochs);
    const isThere = bytes !== null && bytes.length >= 8 * learner + 8;
    const epoch = isThere ? Number(bytes.readBigUInt64LE(8 * learner)) : -1;
    this.checks.onEpochRead(learner, epoch);
    return epoch;
  }

  saveData(learner: number, saved: SavedData): void {
    this.trace("saved", learner, `epoch ${saved.epoch}`, saved.instance, `${saved.npoints} points`);
    const file = `${this.rules.dataFolder}/${learner}.pickle`;
    this.checks.onSaved(learner, file, this.data.get(learner), saved);
    this.data.set(learner, saved);
    this.disk.put(file, JSON.stringify(saved));
  }

  /** Whether the learner's function raises at this point; most learners have none such. */
  isPoison(learner: number, npoints: number): boolean {
    return this.poison.get(learner) === npoints;
  }

  /** What a job's script writes down when the job has ended. */
  leaveEnd(job: string, words: string): void {
    if (!this.disk.isFolder(this.directory.jobs)) return;
    this.ends.add(job);
    this.disk.put(`${this.directory.jobs}/${job}.end`, words);
  }

  /** Whether it is there, or was. */
  hasLeftEnd(job: string): boolean {
    return this.ends.has(job);
  }

  /** The changes in the journals up to a number, those that count. */
  readJournals(seq: number): Map<number, Change> {
    const changes = new Map<number, Change>();
    const names = this.disk.names(this.directory.own).flatMap((name) => {
      const match = /^journal-(\d+)-(\d+)\.jsonl$/.exec(name);
      return match ? [{ name, incarnation: Number(match[1]), first: Number(match[2]) }] : [];
    });
    let below = seq + 1;
    for (const { name, first } of names.sort((a, b) => b.incarnation - a.incarnation || b.first - a.first)) {
      const written = String(this.disk.peek(this.directory.at(name)))
        .split("\n")
        .flatMap((line) => decodeLine(line) ?? []);
      for (const change of written) if (change.seq < below) changes.set(change.seq, change);
      // One that was begun and never written to voids nothing.
      if (written.length > 0) below = Math.min(below, first);
    }
    return changes;
  }

  private firstChanges(): NewChange[] {
    const { settings } = mergeSettings({ typed: {}, study: {}, profile: {} }, { cores: 2, queue: "slurm" });
    const wanted: Settings = {
      ...settings,
      goal: { npoints: this.size.goal },
      maxJobs: this.size.maxJobs,
      pollSeconds: 60,
      saveEverySeconds: 60,
      classes: classesOf(this.size),
    };
    const learners = Array.from({ length: this.size.learners }, (_, i) => ({
      id: asLearnerId(i),
      position: i,
      fname: `data/${i}`,
      combo: JSON.stringify({ kind: i % this.size.classes }),
      type: "Learner1D",
      bounds: null,
    }));
    const place = { learnersFile: "_learners.py", directory: "/study", inode: 1 };
    return [
      { kind: "runCreated", runId: "simulated", name: "study", cluster: "simulated", ...place },
      { kind: "runConfigured", settings: JSON.stringify(wanted), origins: "{}" },
      { kind: "codeRevised", revision: "r1", versions: "{}" },
      { kind: "learnersAdded", learners: classified(learners, wanted) },
      { kind: "activityChanged", activity: "active", stopsGently: 0, reason: null },
    ];
  }
}

const toldOfChanges = ["learner", "epoch", "job", "how", "reason", "submission", "why", "state", "instance"];

function inWords(what: unknown): string {
  if (typeof what !== "object" || what === null || !("kind" in what)) return String(what);
  const told = Object.entries(what).filter(([name]) => toldOfChanges.includes(name));
  return [what.kind, ...told.map(([name, value]) => `${name} ${String(value)}`)].join("  ");
}

import type {
  Cluster,
  ClusterCommand,
  CommandOutput,
  EndCause,
  KnownJobs,
  QueuedJob,
} from "../../src/scheduler/clusters/cluster";
import type { RunCommand } from "../../src/scheduler/clusters/runCommand";
import { AdaptiveError } from "../../src/scheduler/state/errors";
import type { World } from "./world";
import type { SimulatedProcess } from "./timeline";
import { Worker } from "./worker";

/** A machine for jobs. `cut`: from the head node, and perhaps from the shared files; what runs on it goes on. */
export interface SimulatedNode {
  name: string;
  isUp: boolean;
  isCutFromHead: boolean;
  isCutFromFiles: boolean;
}

export interface SimulatedJob {
  id: string;
  submission: number;
  /** Learners to try a point of; null for a job that runs learners. */
  tries: readonly number[] | null;
  /** It asks for more than the partition ever gives. */
  isHopeless: boolean;
  state: "queued" | "running" | "ended";
  restart: number;
  node: SimulatedNode | null;
  submittedAt: number;
  startedAt: number;
  endedAt: number;
  end: { exitCode: number | null; cause: EndCause } | null;
  worker: Worker | null;
}

/** A job as the queue lists it: of all that the user has. */
export interface ListedJob extends Omit<QueuedJob, "submission"> {
  /** The numbers of a submission that are left in comment and name. */
  comment: number | null;
  inName: number | null;
  isInOurFolder: boolean;
}

/** Ended jobs are listed for so long. */
const endsListedMs = 300_000;

/** How the queue answers when it is asked what it has. */
export const listingModes = ["well", "failing", "hanging", "empty", "half", "stale", "garbled"] as const;
export type ListingMode = (typeof listingModes)[number];

/** How a submission goes that is not simply taken. */
export const submissionModes = ["well", "taken but unanswered", "taken late", "lost", "full", "refused"] as const;
export type SubmissionMode = (typeof submissionModes)[number];

const commandDeadlineMs = 30_000;
const slotsPerNode = 2;
/** A node that does not answer the controller for so long is down, and its jobs are over. */
const downAfterMs = 120_000;

/** A queue with its nodes: what `sbatch`, `squeue`, `sacct` and `scancel` would do, with all their lies. */
export class SimulatedCluster {
  readonly jobs = new Map<string, SimulatedJob>();
  readonly nodes: SimulatedNode[];
  listing: ListingMode = "well";
  submission: SubmissionMode = "well";
  ignoresCancels = false;
  /** What is submitted now can never start. */
  isHopeless = false;
  requeues = false;
  keepsAccounts = true;
  /** What the site makes of what jobs are submitted with. */
  rewrites: "nothing" | "comments" | "comments and names" = "nothing";
  /** Whether jobs that ended in the last minutes are listed. */
  listsEnds = false;
  /** What was listed at some moments, for stale answers. */
  private history: { at: number; jobs: ListedJob[] }[] = [];
  private readonly live = new Set<SimulatedJob>();
  private ended: SimulatedJob[] = [];
  private readonly jobsOn = new Map<SimulatedNode, number>();

  constructor(
    private readonly world: World,
    nodes: number,
    private readonly walltimeMs: number,
  ) {
    this.nodes = Array.from({ length: nodes }, (_, i) => ({
      name: `n${i}`,
      isUp: true,
      isCutFromHead: false,
      isCutFromFiles: false,
    }));
  }

  get liveJobs(): ReadonlySet<SimulatedJob> {
    return this.live;
  }

  /** Runs commands for a scheduler: what they do goes on when it dies. */
  runFor(owner: SimulatedProcess): RunCommand {
    return async (command) => {
      try {
        return command.parse(await this.execute(command, owner));
      } catch (error) {
        if (this.world.rules.timeoutIsNoRefusal || command.argv[0] !== "submit") throw error;
        throw new AdaptiveError("queue-full", "never reached the queue");
      }
    };
  }

  private execute({ argv }: ClusterCommand<unknown>, owner: SimulatedProcess): Promise<CommandOutput> {
    const { timeline, chance, checks } = this.world;
    const [verb = "", ...args] = argv;
    checks.onCommand(verb, args, owner);
    const takesMs = 20 + 500 * chance.next();
    switch (verb) {
      case "submit":
        return this.submit(Number(args[0]), Number(args[1]), triesOf(args[2] ?? ""), owner);
      case "list":
        return this.list(owner);
      case "account":
        return timeline.perform(takesMs, owner, () => {
          if (!this.keepsAccounts) return failed("accounting is not enabled");
          return succeeded(args.flatMap((id) => this.accountOf(id)));
        });
      case "cancel":
        return timeline.perform(takesMs, owner, () => {
          if (this.ignoresCancels) return succeeded([]);
          for (const id of args.slice(1)) this.cancel(id, args[0] === "force");
          return succeeded([]);
        });
      default:
        throw new Error(`There is no command ${verb}.`);
    }
  }

  private submit(
    number: number,
    count: number,
    tries: readonly number[] | null,
    owner: SimulatedProcess,
  ): Promise<CommandOutput> {
    const { timeline, chance, trace } = this.world;
    const mode = this.submission;
    const takesMs = 50 + 2000 * chance.next();
    if (mode !== "well") this.world.count(`submission ${mode}`);
    if (mode === "full") return timeline.perform(takesMs, owner, () => failed("QOSMaxSubmitJobPerUserLimit"));
    if (mode === "refused") return timeline.perform(takesMs, owner, () => failed("refused: Invalid account"));
    const lateMs = mode === "taken late" ? commandDeadlineMs + 40_000 * chance.next() : takesMs;
    const take = (): string[] => {
      trace("submitted", number, count, mode);
      return Array.from({ length: count }, (_, i) => this.enter(number, `${number}_${i + 1}`, tries));
    };
    if (mode === "well") return timeline.perform(takesMs, owner, () => succeeded(take()));
    if (mode !== "lost") timeline.after(lateMs, take);
    return timeline.perform(commandDeadlineMs, owner, () => {
      throw timedOut("submit");
    });
  }

  private enter(submission: number, id: string, tries: readonly number[] | null): string {
    const { timeline, chance } = this.world;
    const times = { submittedAt: timeline.now, startedAt: 0, endedAt: 0 };
    const nothing = { node: null, end: null, worker: null } as const;
    const { isHopeless } = this;
    if (isHopeless) this.world.count("job that can never start");
    // A number that the queue has had before is another job's.
    const free = this.jobs.has(id) ? `${id}x${this.jobs.size}` : id;
    const what = { id: free, submission, tries, isHopeless };
    const job: SimulatedJob = { ...what, state: "queued", restart: 0, ...times, ...nothing };
    this.jobs.set(free, job);
    this.live.add(job);
    if (!isHopeless) this.tryToStart(job, 500 + 20_000 * chance.next());
    return free;
  }

  private tryToStart(job: SimulatedJob, delayMs: number): void {
    const { timeline, chance } = this.world;
    timeline.after(delayMs, () => {
      if (job.state !== "queued") return;
      // Looks at some nodes only: there may be thousands.
      const looks = Array.from({ length: 4 }, () => this.nodes[chance.between(0, this.nodes.length)]);
      const node = looks.find((one) => one?.isUp && !one.isCutFromHead && (this.jobsOn.get(one) ?? 0) < slotsPerNode);
      if (node) this.start(job, node);
      else this.tryToStart(job, 5000 + 10_000 * chance.next());
    });
  }

  private start(job: SimulatedJob, node: SimulatedNode): void {
    const { world } = this;
    const { timeline } = world;
    job.state = "running";
    this.place(job, node);
    job.startedAt = timeline.now;
    const restart = job.restart;
    const isSame = () => job.state === "running" && job.restart === restart;
    const onExit = (exitCode: number): void => {
      // The controller hears of it when it reaches the node.
      if (node.isCutFromHead) timeline.after(10_000, () => onExit(exitCode));
      else if (isSame()) this.end(job, { exitCode, cause: "exit" });
    };
    job.worker = new Worker(world, job, node, timeline.now + this.walltimeMs, onExit);
    timeline.after(this.walltimeMs, () => {
      if (!isSame()) return;
      this.kill(job);
      this.end(job, { exitCode: null, cause: "walltime" });
    });
  }

  /** A job's resources are free again, and the queue lists it no more. */
  private end(job: SimulatedJob, end: { exitCode: number | null; cause: EndCause }): void {
    this.world.trace("job ended", job.id, end.cause, end.exitCode);
    job.state = "ended";
    job.end = end;
    job.endedAt = this.world.timeline.now;
    this.place(job, null);
    this.live.delete(job);
    this.ended.push(job);
  }

  private place(job: SimulatedJob, node: SimulatedNode | null): void {
    if (job.node) this.jobsOn.set(job.node, (this.jobsOn.get(job.node) ?? 0) - 1);
    if (node) this.jobsOn.set(node, (this.jobsOn.get(node) ?? 0) + 1);
    job.node = node;
  }

  private kill(job: SimulatedJob): void {
    job.worker?.die();
  }

  /** It uses up the memory of its node. */
  crash(job: SimulatedJob): void {
    this.kill(job);
    const { restart } = job;
    this.world.timeline.after(3000, () => {
      if (job.state === "running" && job.restart === restart) this.end(job, { exitCode: 137, cause: "memory" });
    });
  }

  private cancel(id: string, force: boolean): void {
    const job = this.jobs.get(id);
    if (!job || job.state === "ended") return;
    if (job.state === "queued") {
      this.end(job, { exitCode: null, cause: "cancelled" });
      return;
    }
    if (force) this.kill(job);
    this.terminate(job, "cancelled");
  }

  /** Told to end, and after half a minute made to. */
  private terminate(job: SimulatedJob, cause: EndCause, requeue = false): void {
    const { restart } = job;
    job.worker?.terminate();
    this.world.timeline.after(30_000 * this.world.chance.next(), () => {
      if (job.state !== "running" || job.restart !== restart) return;
      if (!job.node?.isCutFromHead) this.kill(job);
      if (requeue) this.requeue(job);
      else this.end(job, { exitCode: null, cause });
    });
  }

  preempt(job: SimulatedJob): void {
    this.terminate(job, "preempted", this.requeues);
  }

  private requeue(job: SimulatedJob): void {
    this.world.count("job requeued");
    this.world.trace("requeued", job.id);
    job.state = "queued";
    this.place(job, null);
    job.worker = null;
    job.restart++;
    this.tryToStart(job, 1000 + 30_000 * this.world.chance.next());
  }

  /** What runs on the node is gone at once; the queue learns of it later. */
  lose(node: SimulatedNode): void {
    node.isUp = false;
    for (const job of this.live) if (job.node === node) this.kill(job);
    this.giveUpIfGone(node, () => !node.isUp);
  }

  /** What runs on the node goes on, until the controller reaches it again. */
  cut(node: SimulatedNode, alsoFromFiles: boolean): void {
    node.isCutFromHead = true;
    node.isCutFromFiles = alsoFromFiles;
    this.giveUpIfGone(node, () => node.isCutFromHead);
  }

  restore(node: SimulatedNode): void {
    node.isUp = true;
    node.isCutFromHead = node.isCutFromFiles = false;
  }

  private giveUpIfGone(node: SimulatedNode, isGone: () => boolean): void {
    const { timeline, chance } = this.world;
    timeline.after(downAfterMs * (0.5 + chance.next()), () => {
      if (!isGone()) return;
      for (const job of [...this.live]) {
        if (job.node !== node) continue;
        const { worker } = job;
        if (this.requeues) this.requeue(job);
        else this.end(job, { exitCode: null, cause: "node failure" });
        this.killOnReturn(node, worker);
      }
    });
  }

  /** Once the node answers again, what it still runs of given-up jobs is killed, a while later. */
  private killOnReturn(node: SimulatedNode, worker: Worker | null): void {
    const { timeline, chance } = this.world;
    timeline.after(5000 + 60_000 * chance.next(), () => {
      if (node.isCutFromHead) this.killOnReturn(node, worker);
      else worker?.die();
    });
  }

  private list(owner: SimulatedProcess): Promise<CommandOutput> {
    const { timeline, chance, count, checks } = this.world;
    const mode = this.listing;
    if (mode !== "well") count(`listing ${mode}`);
    if (mode === "hanging") {
      return timeline.perform(commandDeadlineMs, owner, () => {
        throw timedOut("list");
      });
    }
    return timeline.perform(50 + 1000 * chance.next(), owner, () => {
      if (mode === "failing") return failed("slurm_load_jobs error: Unable to contact slurm controller");
      const jobs = this.listed(mode);
      checks.onListing(new Set(jobs.filter(({ state }) => state !== "ended").map(({ id }) => id)), owner);
      const output = succeeded(jobs);
      return mode === "garbled" ? { ...output, stdout: output.stdout.slice(0, output.stdout.length >> 1) } : output;
    });
  }

  private listed(mode: ListingMode): ListedJob[] {
    const { timeline, chance } = this.world;
    const isNew = ({ endedAt }: SimulatedJob) => timeline.now - endedAt < endsListedMs;
    this.ended = this.ended.filter(isNew);
    const known = [...this.live, ...(this.listsEnds ? this.ended : [])];
    const jobs = [...known.map((job) => this.describe(job)), anothers];
    this.history.push({ at: timeline.now, jobs });
    this.history = this.history.filter(({ at }) => timeline.now - at < 300_000);
    switch (mode) {
      case "empty":
        return [];
      case "half":
        return jobs.filter(() => chance.next() < 0.5);
      case "stale":
        return this.history[0]?.jobs ?? jobs;
      default:
        return jobs;
    }
  }

  private describe({ id, submission, state, restart, node, isHopeless, end }: SimulatedJob): ListedJob {
    const place = { host: node?.name ?? null, walltimeSeconds: this.walltimeMs / 1000, isInOurFolder: true };
    const waits = { waitsFor: isHopeless ? "PartitionTimeLimit" : null, isHopeless };
    const comment = this.rewrites === "nothing" ? submission : null;
    const inName = this.rewrites === "comments and names" ? null : submission;
    return { id, name: `study-${id}`, comment, inName, state, restart, ...place, ...waits, end };
  }

  private accountOf(id: string): { id: string; exitCode: number | null; cause: EndCause }[] {
    const job = this.jobs.get(id);
    return job?.end ? [{ id, ...job.end }] : [];
  }
}

/** A job of the same user that is none of the run's. */
const anothers: ListedJob = {
  ...{ id: "another", name: "another", comment: null, inName: null, isInOurFolder: false, state: "running" },
  ...{ restart: 0, host: "n0", walltimeSeconds: null, waitsFor: null, isHopeless: false, end: null },
};

/** Whether a listed job is the run's: known, or with a mark. */
const isOurs = ({ id, comment, inName, isInOurFolder, state }: ListedJob, known: KnownJobs): boolean =>
  known.has(id) || comment !== null || inName !== null || (isInOurFolder && state !== "ended");

/** The adapter of the simulated queue: commands and what their output means. */
export function simulatedAdapter(isTaken = isOurs): Cluster {
  const command = <T>(argv: readonly string[], parse: (values: unknown[]) => T): ClusterCommand<T> => ({
    argv,
    deadlineMs: commandDeadlineMs,
    parse: (output) => parse(valuesOf(output)),
  });
  return {
    isExact: false,
    largestArray: () => null,
    submit: ({ number, count, script }) =>
      command(["submit", String(number), String(count), script], (ids) =>
        (ids as string[]).map((id) => ({ id, name: `study-${id}` })),
      ),
    list: (known) =>
      command(["list"], (jobs) =>
        (jobs as ListedJob[])
          .filter((job) => isTaken(job, known))
          .map(({ comment, inName, isInOurFolder: _, ...job }) => ({ ...job, submission: comment ?? inName })),
      ),
    account: (jobs) =>
      command(["account", ...jobs], (ends) => {
        const known = ends as { id: string; exitCode: number | null; cause: EndCause }[];
        return new Map(known.map(({ id, ...end }) => [id, end]));
      }),
    cancel: (jobs, force) => command(["cancel", force ? "force" : "gently", ...jobs], () => undefined),
    shell: (job) => ["shell", job],
  };
}

/** The script of a simulated job is what it tries. */
export function scriptOf(tries: readonly number[] | null): string {
  return JSON.stringify(tries);
}

function triesOf(script: string): readonly number[] | null {
  return JSON.parse(script) as readonly number[] | null;
}

const sentinel = "end of list";

function succeeded(values: readonly unknown[]): CommandOutput {
  const lines = values.map((value) => `${JSON.stringify(value)}\n`).join("");
  return { exitCode: 0, stdout: `${lines}${sentinel}\n`, stderr: "" };
}

function failed(stderr: string): CommandOutput {
  return { exitCode: 1, stdout: "", stderr };
}

function timedOut(what: string): AdaptiveError {
  return new AdaptiveError("command-timeout", `${what} did not answer within ${commandDeadlineMs / 1000} s.`);
}

function valuesOf({ exitCode, stdout, stderr }: CommandOutput): unknown[] {
  const lines = stdout.split("\n").filter((line) => line !== "");
  if (stderr.startsWith("QOS")) throw new AdaptiveError("queue-full", stderr);
  if (stderr.startsWith("refused")) throw new AdaptiveError("submission-refused", stderr);
  if (stderr.startsWith("accounting")) throw new AdaptiveError("no-accounts", stderr);
  if (exitCode !== 0 || lines.pop() !== sentinel) throw new AdaptiveError("queue-failed", stderr || "cut off");
  return lines.map((line) => JSON.parse(line) as unknown);
}

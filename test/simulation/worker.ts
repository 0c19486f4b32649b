import type { Disk } from "../../src/scheduler/state/disk";
import type { Wish, WorkerReply } from "../../src/scheduler/workers/messages";
import type { SimulatedJob, SimulatedNode } from "./cluster";
import { SimulatedProcess } from "./timeline";
import type { World } from "./world";

const nothingLeft = 75;
const terminated = 143;
/** Milliseconds; as `Patience` in python/adaptive_scheduler/door.py. */
const patience = { attempt: 3000, rest: 1000, start: 300_000, ending: 60_000, hurried: 10_000 };
const maxInstances = 4;

type Assigned = Extract<WorkerReply, { type: "assign" }>;

/**
 * What runs in a job, as python/adaptive_scheduler does it: asks for a learner, evaluates points,
 * saves while its epoch may, says how it ended, and asks for the next one. When the process crashes,
 * the job's script may start another one.
 */
export class Worker {
  private process: WorkerProcess;
  private instances = 0;

  constructor(
    private readonly world: World,
    readonly job: SimulatedJob,
    private readonly node: SimulatedNode,
    private readonly deadline: number,
    private readonly onExit: (exitCode: number) => void,
  ) {
    this.process = this.startProcess();
  }

  /** The learner it works on, if any. */
  get learner(): number | null {
    return this.process.assigned?.learner ?? null;
  }

  get isAlive(): boolean {
    return this.process.isAlive;
  }

  terminate(): void {
    this.process.interrupt("terminated");
  }

  /** At once, without a word. */
  die(): void {
    this.process.die();
  }

  /** The process dies; the job's script starts it anew, or ends. */
  crash(): void {
    this.process.die();
    const { timeline, chance } = this.world;
    timeline.after(1000 + 5000 * chance.next(), () => {
      if (this.job.worker !== this || this.job.state !== "running") return;
      if (this.instances < maxInstances && chance.next() < 0.7) this.process = this.startProcess();
      else this.onExit(1);
    });
  }

  private startProcess(): WorkerProcess {
    const { world, job, node, deadline } = this;
    const { restart } = job;
    const instance = `${job.id}.${restart}.${this.instances++}`;
    return new WorkerProcess(world, { job, node, deadline, instance, restart }, (exitCode) => {
      // The script's own last words, unless it is killed as well.
      if (world.chance.next() < 0.9) world.leaveEnd(job.id, `${exitCode} ${restart}`);
      this.onExit(exitCode);
    });
  }
}

interface Place {
  job: SimulatedJob;
  node: SimulatedNode;
  deadline: number;
  instance: string;
  restart: number;
}

class WorkerProcess extends SimulatedProcess {
  assigned: Assigned | null = null;
  private readonly disk: Disk;
  private n = 0;
  /** Points that the data file of its learner has. */
  private saved = 0;
  private wish: Wish | null = null;
  private isFenced = false;
  private isReporting = false;
  private isQuiet = false;
  private isTerminated = false;
  private wake: (() => void) | null = null;
  private hear: ((reply: WorkerReply) => void) | null = null;

  constructor(
    private readonly world: World,
    private readonly place: Place,
    private readonly onExit: (exitCode: number) => void,
  ) {
    super(`worker ${place.instance}`);
    this.disk = world.disk.for(this);
    world.timeline.after(1000 + 20_000 * world.chance.next(), () => this.start(), this);
  }

  interrupt(_why: "terminated"): void {
    this.isTerminated = true;
    this.wakeUp();
  }

  private start(): void {
    this.world.timeline.startTask(
      async () => this.exit(await this.run()),
      // As an exception that Python prints.
      () => this.exit(1),
    );
  }

  private exit(code: number): void {
    if (!this.isAlive) return;
    this.world.trace("exit", this.place.instance, code);
    this.die();
    this.assigned = null;
    this.onExit(code);
  }

  private async run(): Promise<number> {
    const { tries } = this.place.job;
    if (tries) return this.try(tries);
    for (;;) {
      if (this.isTerminated) return terminated;
      if (this.place.deadline - this.world.timeline.now < 300_000) return 0;
      const reply = await this.ask({ type: "start", resourceClass: "default", revision: "r1" }, patience.start);
      if (reply?.type === "error") return 1;
      if (reply?.type !== "assign") return 0;
      const code = await this.work(reply);
      this.assigned = null;
      if (code !== null) return code;
    }
  }

  /** Evaluates a point of each learner, saves nothing, and tells. */
  private async try(learners: readonly number[]): Promise<number> {
    const trials: object[] = [];
    for (const learner of learners) {
      if (!this.isTerminated) await this.pause(this.world.pointMs * (0.5 + this.world.chance.next()));
      const error = this.isTerminated ? "not tried: the job's time was up before" : null;
      const value = error === null ? "1.0" : null;
      trials.push({ learner, point: "0.0", value, seconds: 1, megabytes: 100, error, traceback: null });
    }
    const reply = await this.tell({ type: "tried", trials });
    return reply?.type === "error" ? 1 : 0;
  }

  /** @returns the exit code when the process is to end */
  private async work(assigned: Assigned): Promise<number | null> {
    const { world, place } = this;
    const { timeline, chance } = world;
    const { learner, epoch, goal, saveEverySeconds } = assigned;
    world.checks.onAssigned(assigned, place);
    this.assigned = assigned;
    this.wish = assigned.wish;
    this.isQuiet = this.isFenced = false;
    await this.untilFilesAnswer();
    let npoints = world.data.get(learner)?.npoints ?? 0;
    this.saved = npoints;
    let savedAt = timeline.now;
    const lastCall = place.deadline - 30_000;
    while (npoints < (goal?.npoints ?? Infinity)) {
      const pointMs = world.pointMs * (0.5 + chance.next());
      await this.pause(Math.min(pointMs, Math.max(0, lastCall - timeline.now)));
      const why = this.isTerminated ? "terminated" : timeline.now >= lastCall ? "deadline" : null;
      const stop = why ?? (this.wish.stop === "now" ? "stopped" : null);
      if (this.isFenced) return nothingLeft;
      if (stop) return this.release(stop, npoints);
      npoints++;
      if (world.isPoison(learner, npoints)) return this.fail(npoints);
      this.report(npoints);
      if (this.wish.stop === "gently") return this.release("stopped", npoints);
      if (timeline.now - savedAt > saveEverySeconds * 1000) {
        savedAt = timeline.now;
        if (!(await this.save(npoints))) return nothingLeft;
      }
    }
    if (world.rules.savesBeforeDone && !(await this.save(npoints))) return nothingLeft;
    world.trace("done", place.instance, learner, epoch);
    const reply = await this.tell({ type: "done", ...this.progress(npoints) });
    return reply?.type === "fenced" ? nothingLeft : reply?.type === "error" ? 1 : null;
  }

  private async release(why: "stopped" | "terminated" | "deadline", npoints: number): Promise<number> {
    if (!(await this.save(npoints))) return nothingLeft;
    const hurry = why === "stopped" ? patience.ending : patience.hurried;
    await this.tell({ type: "released", why, ...this.progress(npoints) }, hurry);
    return { stopped: 0, terminated, deadline: nothingLeft }[why];
  }

  private async fail(npoints: number): Promise<number | null> {
    if (!(await this.save(npoints - 1))) return nothingLeft;
    const error = { error: "ZeroDivisionError: division by zero", traceback: "" };
    const reply = await this.tell({ type: "failed", ...error, ...this.progress(npoints - 1) });
    return reply?.type === "error" ? 1 : null;
  }

  private progress(npoints: number) {
    const { learner, epoch } = this.assigned ?? { learner: 0, epoch: 0 };
    const saved = this.world.rules.tellsWhatIsSaved ? { saved: this.saved } : {};
    return { learner, epoch, npoints, loss: null, ...saved };
  }

  /**
   * Replaces the data file if our epoch may. The last look at the epochs and the rename are one step
   * here: between them lie microseconds, and no file system offers less.
   */
  private async save(npoints: number): Promise<boolean> {
    const { world, place, assigned } = this;
    if (!assigned) return false;
    if (!(await this.maySave(assigned))) return false;
    await this.pause(200 + 4000 * world.chance.next() ** 3);
    await this.untilFilesAnswer();
    const isSaved = await world.timeline.perform(1, this, () => {
      if (!this.isOurs(assigned)) return false;
      world.saveData(assigned.learner, { epoch: assigned.epoch, instance: place.instance, npoints });
      return true;
    });
    if (isSaved) this.saved = npoints;
    else this.onFenced("epochs");
    return isSaved;
  }

  private async maySave(assigned: Assigned): Promise<boolean> {
    await this.untilFilesAnswer();
    const isOurs = !this.isFenced && this.isOurs(assigned);
    if (!isOurs) this.onFenced("epochs");
    return isOurs;
  }

  private isOurs({ learner, epoch }: Assigned): boolean {
    return !this.world.rules.epochsDecide || this.world.epochOf(learner) === epoch;
  }

  private onFenced(why: string): void {
    this.world.trace("fenced", this.place.instance, this.assigned?.learner, why);
    this.isFenced = true;
    this.wakeUp();
  }

  /** A node that does not reach the shared files waits for them. */
  private async untilFilesAnswer(): Promise<void> {
    while (this.place.node.isCutFromFiles) await this.world.timeline.sleep(2000, this);
  }

  /** One report at a time; without a scheduler they are late, nothing else. */
  private report(npoints: number): void {
    if (this.isReporting || this.isQuiet || !this.assigned) return;
    this.isReporting = true;
    const about = this.assigned;
    void this.ask({ type: "report", ...this.progress(npoints) }, patience.ending).then((reply) => {
      this.isReporting = false;
      if (this.assigned !== about) return;
      if (reply?.type === "fenced" || reply?.type === "error") this.onFenced("report");
      if (reply?.type === "ok") this.wish = reply.wish;
      if (this.wish?.stop === "now") this.wakeUp();
    });
  }

  /** A last word: when nobody answers, it is left in the outbox. */
  private async tell(message: object, forMs = patience.ending): Promise<WorkerReply | null> {
    this.isQuiet = true;
    const reply = await this.ask(message, forMs);
    if (reply) return reply;
    await this.untilFilesAnswer();
    try {
      await this.leave(message);
    } catch (error) {
      // As what Python raises then does: where the folder was, there is a file.
      this.world.trace("cannot be left", this.place.instance, error);
      this.place.job.worker?.crash();
    }
    return null;
  }

  private async leave(message: object): Promise<void> {
    const { outbox } = this.world.directory;
    await this.disk.mkdir(outbox, { recursive: true, mode: 0o700 });
    const path = `${outbox}/${this.place.instance}-${this.n}`;
    const file = await this.disk.open(`${path}.tmp`, "w");
    await file.writeFile(JSON.stringify(this.addressed(message)));
    await file.sync();
    await this.disk.rename(`${path}.tmp`, `${path}.json`);
    await (await this.disk.open(outbox, "r")).sync();
    this.world.count("message left in the outbox");
  }

  /** Says it again and again until it is answered; whoever asks next interrupts it. */
  private async ask(message: object, forMs: number): Promise<WorkerReply | null> {
    const { world, place } = this;
    const { timeline } = world;
    const n = ++this.n;
    const addressed = this.addressed(message);
    const deadline = timeline.now + forMs;
    for (;;) {
      const url = place.node.isCutFromFiles ? null : world.endpointUrl();
      if (url !== null) {
        const reply = await new Promise<WorkerReply | null>((resolve) => {
          const settle = (answer: WorkerReply | null): void => timeline.settle(() => resolve(answer));
          this.hear = (answer) => {
            if (answer.n === n) settle(answer);
          };
          world.network.send(place.node, url, addressed, (answer) => {
            if (this.isAlive) this.hear?.(answer);
          });
          timeline.after(Math.min(patience.attempt, deadline - timeline.now), () => settle(null), this);
        });
        if (reply) return reply;
      }
      const restMs = Math.min(patience.rest, deadline - timeline.now);
      if (restMs <= 0 || this.n !== n) return null;
      await timeline.sleep(restMs, this);
    }
  }

  private addressed(message: object) {
    const { job, restart, instance, node } = this.place;
    return { ...message, v: 1, job: job.id, restart, instance, n: this.n, host: node.name, pid: 1 };
  }

  /** Waits, unless something happens that ends the wait. */
  private pause(forMs: number): Promise<void> {
    const { timeline } = this.world;
    return new Promise((resolve) => {
      const settle = (): void => timeline.settle(resolve);
      const cancel = timeline.after(forMs, settle, this);
      this.wake = () => {
        cancel();
        timeline.after(0, settle, this);
      };
    });
  }

  private wakeUp(): void {
    this.wake?.();
    this.wake = null;
  }
}

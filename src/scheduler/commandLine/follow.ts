import { connect, type Address, type Connection } from "../control/dealer";
import { compareDeadlineMs, type Status } from "../control/protocol";
import { failedLearners } from "../questions";
import { AdaptiveError } from "../state/errors";
import { ownerOf } from "../state/lock";
import type { Model } from "../state/model";
import { readModel } from "../state/recovery";
import { learnerStates, notStartedYet, pausedByPerson } from "../state/rows";
import type { RunDirectory } from "../state/runDirectory";
import { readEndpoint } from "../workers/endpoint";
import { endOf, isOver, Signal, type AttendedRun, type Standing, type ToldLearner } from "./attended";
import { studyAt, type EditedStudy } from "./update";

export interface FollowOptions {
  directory: RunDirectory;
  /** The database engine. */
  wasm: Uint8Array;
  address: Address;
  onRemark: (text: string) => void;
  onNotice: (notice: AdaptiveError) => void;
}

const pollMs = 500;

/** A run that another process serves. */
export async function follow(options: FollowOptions): Promise<AttendedRun> {
  const followed = new FollowedRun(options);
  await followed.look();
  return followed;
}

class FollowedRun implements AttendedRun {
  private connection: Connection;
  private latest: Standing | null = null;
  private noticed: string | null = null;
  /** Those of which somebody else was told before do not count. */
  private remarksHeard: number | null = null;
  private isClosed = false;
  private readonly signals = {
    over: new Signal<"over" | "stopped">(),
    paused: new Signal<"paused">(),
    closed: new Signal<"closed" | "lost">(),
  };

  constructor(private readonly options: FollowOptions) {
    this.connection = connect(options.address);
    this.study = studyAt(options.address);
  }

  get standing(): Standing {
    if (!this.latest) throw new Error("Nobody has looked yet.");
    return this.latest;
  }

  readonly study: EditedStudy;
  readonly paused = this.signals.paused.received;
  readonly closed = this.signals.closed.received;
  readonly over = () => this.signals.over.received;
  // What settings ask of the jobs' Python is tried.
  readonly configure: AttendedRun["configure"] = (configuration) =>
    this.connection.ask("configure", configuration, compareDeadlineMs);
  readonly missedGoals = () => this.connection.ask("missedGoals", {});
  readonly checkData = () => this.connection.ask("checkData", {}, compareDeadlineMs);
  readonly reopen = (learners: number[]) => this.connection.ask("reopenLearners", { learners });
  readonly stop = () => this.connection.ask("stopJobs", { gently: false });

  async start(): Promise<void> {
    await this.connection.ask("startJobs", {});
    void this.watch();
  }

  async told(): Promise<ToldLearner[]> {
    const { learners } = await this.connection
      .ask("failedLearners", { where: "" })
      .catch(async () => failedLearners(await this.recovered(), { where: "" }));
    return learners;
  }

  close(): Promise<void> {
    this.isClosed = true;
    this.connection.close();
    return Promise.resolve();
  }

  /** Asks how the run stands. */
  async look(): Promise<void> {
    const { onNotice, onRemark } = this.options;
    const { run, learners, jobs, npoints, notice, remarks } = await this.connection.ask("status", {});
    remarksSince(this.remarksHeard, remarks).forEach(onRemark);
    this.remarksHeard = remarks.count;
    this.latest = {
      run,
      learners: Object.fromEntries(learnerStates.map((state) => [state, learners[state] ?? 0])) as Standing["learners"],
      jobs: Object.values(jobs).reduce((sum, count) => sum + count, 0),
      npoints,
    };
    if (notice && notice.message !== this.noticed)
      onNotice(new AdaptiveError(notice.code, notice.message, notice.hint));
    this.noticed = notice?.message ?? null;
  }

  private async watch(): Promise<void> {
    while (!this.isClosed) {
      try {
        await this.look();
      } catch {
        // It may be busy or out of reach for a moment.
        if (!(await this.isServed())) return this.signals.closed.send(await this.howItEnded());
        this.connection.close();
        this.connection = connect(this.options.address);
      }
      const { activity, reason } = this.standing.run;
      const isWished = reason === notStartedYet || reason === pausedByPerson;
      const end = endOf(this.standing);
      if (end !== null) this.signals.over.send(end);
      // The notice says why.
      else if (activity === "paused" && !isWished && this.noticed !== null) this.signals.paused.send("paused");
      await new Promise((resolve) => setTimeout(resolve, pollMs));
    }
  }

  private async isServed(): Promise<boolean> {
    const { directory, address } = this.options;
    const owner = await ownerOf(directory.lock);
    return owner?.pid === address.pid && owner.host === address.host;
  }

  private async howItEnded(): Promise<"closed" | "lost"> {
    const { directory, address } = this.options;
    const { run, learners, liveJobs, learnerCounts } = await this.recovered();
    let npoints = 0;
    for (const learner of learners.values()) npoints += learner.npoints;
    this.latest = { run, learners: learnerCounts, jobs: liveJobs.size, npoints };
    if (isOver(this.latest)) this.signals.over.send("over");
    // Who ends in peace takes its endpoint away.
    const hasDied = (await readEndpoint(directory.endpoint))?.pid === address.pid;
    return hasDied && run.activity === "active" ? "lost" : "closed";
  }

  private recovered(): Promise<Model> {
    return readModel(this.options.directory, this.options.wasm);
  }
}

/**
 * What was said of a run since it was looked at last.
 * @param heard how many remarks there were then; null at first, when nothing is news
 */
export function remarksSince(heard: number | null, { count, newest }: Status["remarks"]): readonly string[] {
  return heard === null || count <= heard ? [] : newest.slice(-(count - heard));
}

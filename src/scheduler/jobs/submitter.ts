import type { Cluster } from "../clusters/cluster";
import type { RunCommand } from "../clusters/runCommand";
import type { Clock } from "../state/clock";
import { AdaptiveError, toAdaptiveError } from "../state/errors";
import { asJobId, type LearnerId } from "../state/rows";
import { resourcesOf } from "../state/classes";
import { settingsOf, walltimeSeconds } from "../state/settings";
import type { Store } from "../state/store";
import { classTried } from "./capacity";
import type { Order } from "./decide";
import { lossyNodes } from "./lossyNodes";

export interface SubmitterOptions {
  store: Store;
  cluster: Cluster;
  run: RunCommand;
  /** The script of the jobs submitted from now on. */
  script: (resourceClass: string, tries: readonly LearnerId[] | null) => string;
  /** Makes sure that jobs find what they need. */
  prepare: () => Promise<void>;
  /** A condition to tell people of, or null when it is over. */
  onNotice: (notice: AdaptiveError | null) => void;
  clock: Clock;
}

/** A queue is asked for jobs no more often than this. */
const fillEveryMs = 5000;
/** After it took no more: a minute, doubling to half an hour. */
const firstBackOffMs = 60_000;
const maxBackOffMs = 1_800_000;

/** Submits jobs: each submission is on disk before the queue hears of it. */
export class Submitter {
  submissions = 0;
  /** Submissions that are being made at the moment. */
  readonly inFlight = new Set<number>();
  /** The walltimes that this process asked for, by submission. */
  readonly askedSeconds = new Map<number, number>();
  private nextFillAt = 0;
  private refusals = 0;
  private isFull = false;
  /** Of an array a queue takes all or nothing, also where its limit has room for some. */
  private atOnce = Infinity;
  private largestArray: number | null = null;

  constructor(private readonly options: SubmitterOptions) {}

  /**
   * Submits jobs in arrays as large as the queue takes, those of each class by themselves, unless it is
   * too early for that.
   * @returns when to look again, in milliseconds since the epoch; null when there is no need
   */
  async fill(orders: readonly Order[]): Promise<number | null> {
    const { cluster, clock, onNotice } = this.options;
    if (clock.now() < this.nextFillAt) return this.nextFillAt;
    let asked = 0;
    try {
      const largest = await this.findLargestArray();
      for (const { count, ...order } of orders) {
        for (let left = count; left > 0; left -= asked) {
          asked = Math.min(left, largest, this.atOnce);
          await this.submit({ ...order, count: asked });
          this.atOnce *= 2;
          this.refusals = 0;
        }
      }
      if (this.isFull) onNotice(null);
      this.isFull = false;
      this.nextFillAt = cluster.isExact ? 0 : clock.now() + fillEveryMs;
      return null;
    } catch (error) {
      return this.onRefusal(toAdaptiveError(error), asked);
    }
  }

  /**
   * @returns when the jobs are on record
   * @throws AdaptiveError of the queue; see `Cluster` for those that say that nothing was submitted
   */
  async submit({ resourceClass, count, tries }: Order): Promise<void> {
    const { store, cluster, run, script, prepare } = this.options;
    // Somebody may have deleted it: the queue would start them, and they end at once.
    await prepare();
    const submission = store.model.submissions.size + 1;
    // On disk before the queue is asked: if we die in between, the jobs are found by this number.
    store.record({ kind: "jobsSubmitting", submission, resourceClass, count, tries: tries && JSON.stringify(tries) });
    this.inFlight.add(submission);
    // Nothing is waited for behind it: it makes sure that the run is ours still.
    await store.synced();
    try {
      this.submissions++;
      const { walltime } = resourcesOf(
        settingsOf(store.model.run),
        tries ? classTried(store.model, tries) : resourceClass,
      );
      if (walltime !== null) this.askedSeconds.set(submission, walltimeSeconds(walltime));
      const excludedNodes = lossyNodes(store.model);
      const order = { number: submission, count, script: script(resourceClass, tries), excludedNodes };
      const submitted = await run(cluster.submit(order));
      const jobs = submitted.map(({ id, name }) => ({ id: asJobId(id), name }));
      store.record({ kind: "jobsSubmitted", submission, resourceClass, jobs });
    } catch (error) {
      const { code, message } = toAdaptiveError(error);
      // Of any other the next listings tell whether it happened all the same.
      if (nothingSubmitted.has(code)) store.record({ kind: "submissionRefused", submission, reason: message });
      throw error;
    } finally {
      this.inFlight.delete(submission);
    }
  }

  private async onRefusal({ code, message, hint }: AdaptiveError, asked: number): Promise<number | null> {
    const { store, clock, onNotice } = this.options;
    if (code === "queue-full" && asked > 1) {
      this.atOnce = asked >> 1;
      this.nextFillAt = clock.now() + fillEveryMs;
      return this.nextFillAt;
    }
    if (code === "queue-full") {
      this.isFull = true;
      const delayMs = Math.min(firstBackOffMs * 2 ** this.refusals, maxBackOffMs);
      this.refusals++;
      this.nextFillAt = clock.now() + delayMs;
      const again = `It is asked again in ${Math.round(delayMs / 60_000)} min; jobs go on.`;
      onNotice(new AdaptiveError(code, `The queue takes no more jobs now: ${message}`, again));
      return this.nextFillAt;
    }
    if (nothingSubmitted.has(code)) {
      const reason = `The queue refuses these jobs: ${message} ${hint}`.trimEnd();
      store.record({ kind: "activityChanged", activity: "paused", stopsGently: 0, reason });
      await store.synced();
      return null;
    }
    onNotice(new AdaptiveError("submission-failed", `Jobs could not be submitted: ${message}`, "It is tried again."));
    return null;
  }

  private async findLargestArray(): Promise<number> {
    const command = this.largestArray === null ? this.options.cluster.largestArray() : null;
    this.largestArray ??= command ? await this.options.run(command) : Infinity;
    return this.largestArray;
  }
}

const nothingSubmitted = new Set(["submission-refused", "queue-full", "command-missing"]);

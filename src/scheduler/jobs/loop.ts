import { readdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Cluster, QueuedJob } from "../clusters/cluster";
import type { RunCommand } from "../clusters/runCommand";
import { AdaptiveError, errnoOf, toAdaptiveError } from "../state/errors";
import { asJobId, tryClass, type LearnerId } from "../state/rows";
import { settingsOf } from "../state/settings";
import type { Store } from "../state/store";
import { explainPause } from "./deaths";
import { decide, type Decision, type Order } from "./decide";
import type { JobFiles } from "./jobFiles";

export interface LoopOptions {
  store: Store;
  cluster: Cluster;
  run: RunCommand;
  files: JobFiles;
  /** The script of the jobs submitted from now on. */
  script: (resourceClass: string, tries: readonly LearnerId[] | null) => string;
  progress: (learner: LearnerId) => { npoints: number; loss: number | null };
  takeInMessage: (message: object) => Promise<void>;
  /** A condition to tell people of, or null when it is over. */
  onNotice: (notice: AdaptiveError | null) => void;
  now: () => number;
}

/** Between two rounds that messages asked for: what comes in together is decided together. */
const pokeDelayMs = 200;
const maxBackOffMs = 600_000;

/**
 * Keeps jobs in the queue: asks the queue, decides, records, and only then acts. One round at a
 * time; a round that cannot ask the queue changes nothing and is tried again later.
 */
export class JobLoop {
  queueCalls = 0;
  submissions = 0;

  private readonly inFlight = new Set<number>();
  private timer: NodeJS.Timeout | null = null;
  private current: Promise<void> | null = null;
  private isAwaited = false;
  private failedPolls = 0;
  private isClosed = false;

  constructor(private readonly options: LoopOptions) {}

  /** Asks for a round soon. */
  poke(): void {
    if (this.isClosed) return;
    if (this.current) this.isAwaited = true;
    else this.schedule(pokeDelayMs);
  }

  /** Returns when no round is under way, and none will begin. */
  async close(): Promise<void> {
    this.isClosed = true;
    if (this.timer) clearTimeout(this.timer);
    await this.current;
  }

  private schedule(delayMs: number): void {
    if (this.timer) clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.timer = null;
      this.current = this.round()
        .catch(this.onFailure)
        .then(() => {
          this.current = null;
          if (this.isClosed) return;
          this.schedule(this.isAwaited ? pokeDelayMs : this.pollDelayMs());
          this.isAwaited = false;
        });
    }, delayMs);
  }

  private pollDelayMs(): number {
    const { pollSeconds } = settingsOf(this.options.store.model.run);
    return Math.min(pollSeconds * 1000 * 2 ** Math.min(this.failedPolls, 20), maxBackOffMs);
  }

  private readonly onFailure = (error: unknown): void => {
    this.failedPolls++;
    this.options.onNotice(toAdaptiveError(error));
  };

  private async round(): Promise<void> {
    const listing = await this.list();
    // Behind the listing: a job that it shows as ended has left its message by then.
    await this.emptyOutbox();
    await this.act(listing);
  }

  private async list(): Promise<QueuedJob[] | null> {
    const { run, cluster, onNotice } = this.options;
    try {
      this.queueCalls++;
      const listing = await run(cluster.list());
      if (this.failedPolls > 0) onNotice(null);
      this.failedPolls = 0;
      return listing;
    } catch (error) {
      this.failedPolls++;
      const { message } = toAdaptiveError(error);
      onNotice(
        new AdaptiveError("queue-silent", `The queue did not answer: ${message}`, "Jobs go on; it is asked again."),
      );
      return null;
    }
  }

  private async act(listing: readonly QueuedJob[] | null): Promise<void> {
    const { store, progress, now } = this.options;
    const settings = settingsOf(store.model.run);
    const decision = decide(store.model, { settings, listing, inFlight: this.inFlight, progress, now: now() });
    // Without a pause since it was decided: another message could make a change untrue.
    for (const change of decision.changes) store.record(change);
    await store.synced();
    const pause = await explainPause(store.model, this.options.files);
    if (pause) this.options.onNotice(pause);
    for (const change of decision.changes) {
      if (change.kind === "jobEnded") await this.options.files.tidy(store.model.job(change.job));
    }
    if (decision.cancel) await this.cancel(decision.cancel);
    if (decision.submit) await this.submit(decision.submit);
  }

  /**
   * Submits a job that evaluates a point of each of some learners.
   * @throws AdaptiveError when the queue refuses it
   */
  async try(tries: readonly LearnerId[]): Promise<void> {
    const submission = await this.submit({ resourceClass: tryClass, count: 1, tries });
    const { model } = this.options.store;
    if (model.submissions.get(submission)?.state === "submitted") return;
    throw new AdaptiveError(
      "submission-failed",
      "The job could not be submitted.",
      "See the log for what the queue said.",
    );
  }

  private async submit({ resourceClass, count, tries }: Order): Promise<number> {
    const { store, cluster, run, script, onNotice } = this.options;
    const submission = store.model.submissions.size + 1;
    // On disk before the queue is asked: if we die in between, the jobs are found by this number.
    store.record({ kind: "jobsSubmitting", submission, resourceClass, count, tries: tries && JSON.stringify(tries) });
    this.inFlight.add(submission);
    await store.synced();
    try {
      this.submissions++;
      const submitted = await run(
        cluster.submit({ number: submission, count, script: script(resourceClass, tries), excludedNodes: [] }),
      );
      const jobs = submitted.map(({ id, name }) => ({ id: asJobId(id), name }));
      store.record({ kind: "jobsSubmitted", submission, resourceClass, jobs });
    } catch (error) {
      // Whether it happened all the same, the next listing tells.
      const { message } = toAdaptiveError(error);
      onNotice(new AdaptiveError("submission-failed", `Jobs could not be submitted: ${message}`, "It is tried again."));
    } finally {
      this.inFlight.delete(submission);
    }
    return submission;
  }

  /** Asks jobs to end, or by force ends them. */
  async cancel({ jobs, force }: NonNullable<Decision["cancel"]>): Promise<void> {
    const { store, cluster, run, onNotice } = this.options;
    for (const job of jobs) store.record({ kind: "jobCancelled", job });
    await store.synced();
    try {
      await run(cluster.cancel(jobs, force));
    } catch (error) {
      onNotice(toAdaptiveError(error));
    }
  }

  /** Takes in what jobs wrote down because they found no scheduler. Whatever else lies there is set aside. */
  private async emptyOutbox(): Promise<void> {
    const { store, takeInMessage } = this.options;
    const { outbox } = store.directory;
    const names = (await readdir(outbox)).filter((name) => name.endsWith(".json"));
    for (const name of names.sort(byRequest)) {
      const path = join(outbox, name);
      const message = await readMessage(path);
      if (message) {
        await takeInMessage(message);
        await rm(path);
      } else await rename(path, `${path}.bad`);
    }
  }
}

/** `<instance>-<n>.json`: what one process said, in its order. */
function byRequest(a: string, b: string): number {
  return a.localeCompare(b, "en", { numeric: true });
}

/** Null when it is no message. */
async function readMessage(path: string): Promise<object | null> {
  try {
    const value: unknown = JSON.parse(await readFile(path, "utf8"));
    return typeof value === "object" ? value : null;
  } catch (error) {
    if (error instanceof SyntaxError || errnoOf(error) === "EISDIR") return null;
    throw error;
  }
}

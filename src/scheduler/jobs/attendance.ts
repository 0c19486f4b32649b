import type { QueuedJob } from "../clusters/cluster";
import type { Model } from "../state/model";
import type { JobId } from "../state/rows";

/** What a queue has listed, and when it was asked. */
export interface Listing {
  jobs: readonly QueuedJob[];
  at: number;
}

/** What is missing from the listings for so long, and silent as well, is gone. */
const absenceMs = 60_000;
/** A listing in which more than half of more than so many jobs vanish at once is believed only the third time. */
const fewJobs = 10;
const maxDoubts = 2;

/**
 * Which jobs, and which submissions that nobody confirmed, the queue is missing. A queue that is not
 * exact may list nothing by an accident and with exit code 0, so one listing proves nothing.
 */
export class Attendance {
  /** Since when a job, or a submission by its number, is missing from listings that were believed. */
  private readonly missingSince = new Map<JobId | number, number>();
  private present: ReadonlySet<string> = new Set();
  private doubts = 0;
  private believedAt = 0;

  constructor(private readonly isExact: boolean) {}

  /** @returns whether the listing is believed */
  takeIn({ jobs, at }: Listing, model: Model): boolean {
    const present = new Set(jobs.filter(({ state }) => state !== "ended").map(({ id }) => id));
    if (!this.isExact && this.isDoubtful(new Set(jobs.map(({ id }) => id)), model)) {
      this.doubts++;
      return false;
    }
    this.doubts = 0;
    this.present = present;
    this.believedAt = at;
    const submitted = new Set(jobs.map(({ submission }) => submission));
    const missing: (JobId | number)[] = [...model.liveJobs].filter((job) => !present.has(job));
    for (const { submission, state } of model.submissions.values()) {
      if (state === "submitting" && !submitted.has(submission)) missing.push(submission);
    }
    const isMissing = new Set(missing);
    for (const key of this.missingSince.keys()) if (!isMissing.has(key)) this.missingSince.delete(key);
    for (const key of missing) if (!this.missingSince.has(key)) this.missingSince.set(key, at);
    return true;
  }

  /** Missing from the newest listing that was believed, or listed as ended. */
  isMissing(key: JobId | number): boolean {
    return this.missingSince.has(key);
  }

  /**
   * Missing for long enough to be gone.
   * @param submittedAt by the clock of whoever submitted it: one that was ahead of ours proves nothing of when it was there
   * @param heardAt when its worker said something last
   * @param silenceMs without a word for so long a worker has missed several of its reports
   */
  isGone(key: JobId | number, submittedAt: number, heardAt: number, silenceMs: number): boolean {
    const since = this.missingSince.get(key);
    if (since === undefined || this.isExact) return since !== undefined;
    const lastSign = Math.max(heardAt, Math.min(submittedAt, since));
    return this.believedAt - since >= absenceMs && this.believedAt - lastSign >= silenceMs;
  }

  private isDoubtful(listed: ReadonlySet<string>, model: Model): boolean {
    const known = [...model.liveJobs].filter((job) => this.present.has(job));
    const vanished = known.filter((job) => !listed.has(job)).length;
    return this.doubts < maxDoubts && known.length > fewJobs && vanished > known.length / 2;
  }
}

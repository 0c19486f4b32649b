import {
  learnerStates,
  type JobId,
  type JobRow,
  type LearnerId,
  type LearnerRow,
  type LearnerState,
  type RowPatch,
  type RunRow,
  type SubmissionRow,
} from "./rows";
import { WaitingLine } from "./waitingLine";

/**
 * The run in memory: what the scheduler decides on. It changes only through row patches, like the
 * database that follows it.
 */
export class Model {
  readonly learners = new Map<LearnerId, LearnerRow>();
  readonly jobs = new Map<JobId, JobRow>();
  readonly submissions = new Map<number, SubmissionRow>();
  /** Jobs that have not ended. */
  readonly liveJobs = new Set<JobId>();
  /** Learners to hand out, by resource class. */
  readonly waiting = new Map<string, WaitingLine>();
  readonly learnerCounts: Record<LearnerState, number> = Object.fromEntries(
    learnerStates.map((state) => [state, 0]),
  ) as Record<LearnerState, number>;

  private runRow: RunRow | null = null;

  get run(): RunRow {
    if (!this.runRow) throw new Error("The run has not been created.");
    return this.runRow;
  }

  get isCreated(): boolean {
    return this.runRow !== null;
  }

  /** @throws Error for an id that no learner has */
  learner(id: LearnerId): LearnerRow {
    return found(this.learners.get(id), "learner", id);
  }

  /** @throws Error for an id that no job has */
  job(id: JobId): JobRow {
    return found(this.jobs.get(id), "job", id);
  }

  /**
   * The learner that a job holds. Both rows have to say so: of changes that belong together a crash may
   * have left the first ones alone.
   */
  heldBy({ jobId, learnerId }: Pick<JobRow, "jobId" | "learnerId">): LearnerRow | null {
    const learner = learnerId === null ? null : this.learner(learnerId);
    return learner?.jobId === jobId ? learner : null;
  }

  apply(patches: readonly RowPatch[]): void {
    for (const patch of patches) this.applyOne(patch);
  }

  private applyOne(patch: RowPatch): void {
    switch (patch.table) {
      case "run":
        this.runRow = { ...this.runRow, ...patch.set } as RunRow;
        break;
      case "learners": {
        const { state, resourceClass } = this.learners.get(patch.key) ?? {};
        const learner = merge(this.learners, patch.key, patch.set);
        if (learner.state !== state) this.count(learner, state);
        if (learner.state !== state || learner.resourceClass !== resourceClass) this.line(learner, resourceClass);
        break;
      }
      case "jobs": {
        const job = merge(this.jobs, patch.key, patch.set);
        if (job.state === "ended") this.liveJobs.delete(job.jobId);
        else this.liveJobs.add(job.jobId);
        break;
      }
      case "submissions":
        merge(this.submissions, patch.key, patch.set);
        break;
    }
  }

  private count({ state }: LearnerRow, before: LearnerState | undefined): void {
    if (before) this.learnerCounts[before]--;
    this.learnerCounts[state]++;
  }

  /** Puts a learner into the line in which it waits now, behind the others. */
  private line({ id, state, resourceClass }: LearnerRow, classBefore: string | undefined): void {
    if (classBefore !== undefined) this.waiting.get(classBefore)?.delete(id);
    if (state !== "waiting") return;
    const line = this.waiting.get(resourceClass) ?? new WaitingLine();
    line.add(id);
    this.waiting.set(resourceClass, line);
  }
}

function merge<K, R extends object>(rows: Map<K, R>, key: K, set: Partial<R>): R {
  const row = rows.get(key);
  if (row) return Object.assign(row, set);
  const inserted = { ...set } as R;
  rows.set(key, inserted);
  return inserted;
}

function found<R>(row: R | undefined, what: string, id: string | number): R {
  if (!row) throw new Error(`There is no ${what} ${id}.`);
  return row;
}

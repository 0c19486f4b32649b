import type { LearnerProgress } from "../state/lostPoints";
import type { Model } from "../state/model";
import type { LearnerId, LearnerRow } from "../state/rows";

/** How far learners are: the columns of those that changed. */
export interface ProgressColumns {
  learners: LearnerId[];
  npoints: number[];
  loss: (number | null)[];
}

/**
 * The latest npoints and loss of running learners. Not part of the state: a day of it would be
 * gigabytes of journal. It is recorded when a learner leaves its job, and rolled up now and then.
 */
export class ProgressBoard {
  /** With the epoch in which it was said: of one that was given away since, it counts no more. */
  private readonly latest = new Map<LearnerId, LearnerProgress & { epoch: number }>();
  private unsent = new Set<LearnerId>();
  private unrecorded = new Set<LearnerId>();
  /** The most points that a learner has had: one that goes on from its last save has not lost what it had then. */
  private readonly reached = new Map<LearnerId, number>();
  private total: number;

  constructor(private readonly model: Model) {
    this.total = 0;
    for (const { npoints } of model.learners.values()) this.total += npoints;
  }

  /** Points that all learners together have had: a job that replaces another loads them only after a while. */
  get npoints(): number {
    return this.total;
  }

  note({ id, npoints: before, epoch }: LearnerRow, { npoints, loss, saved }: LearnerProgress): void {
    const reached = this.reached.get(id) ?? before;
    this.total += Math.max(0, npoints - reached);
    this.reached.set(id, Math.max(reached, npoints));
    this.latest.set(id, { npoints, loss, saved, epoch });
    this.unsent.add(id);
    this.unrecorded.add(id);
  }

  /** The newest values of a learner; those of its row when nothing newer is known. */
  of({ id, npoints, loss }: LearnerRow): LearnerProgress {
    return this.current(id) ?? { npoints, loss };
  }

  /** What changed since this was last called, for people's clients. */
  takeUnsent(): ProgressColumns {
    const ids = this.unsent;
    this.unsent = new Set();
    return this.columns(ids);
  }

  /** What the journal does not have yet. */
  takeUnrecorded(): ProgressColumns {
    const ids = this.unrecorded;
    this.unrecorded = new Set();
    return this.columns(ids);
  }

  /** What the job said that has the learner now; one that has left its job has in its row what it left with. */
  private current(id: LearnerId): LearnerProgress | null {
    const { jobId = null, epoch } = this.model.learners.get(id) ?? {};
    const latest = this.latest.get(id);
    return latest && jobId !== null && latest.epoch === epoch ? latest : null;
  }

  private columns(ids: Iterable<LearnerId>): ProgressColumns {
    const columns: ProgressColumns = { learners: [], npoints: [], loss: [] };
    for (const id of ids) {
      const values = this.current(id);
      if (!values) continue;
      columns.learners.push(id);
      columns.npoints.push(values.npoints);
      columns.loss.push(values.loss);
    }
    return columns;
  }
}

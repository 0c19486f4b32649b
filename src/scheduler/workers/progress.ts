import type { LearnerId } from "../state/rows";
import type { Model } from "../state/model";

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
  private readonly latest = new Map<LearnerId, { npoints: number; loss: number | null }>();
  private unsent = new Set<LearnerId>();
  private unrecorded = new Set<LearnerId>();
  /** The most points that a learner has had: one that goes on from its last save has not lost what it had then. */
  private readonly reached = new Map<LearnerId, number>();
  private total: number;

  constructor(model: Model) {
    this.total = 0;
    for (const { npoints } of model.learners.values()) this.total += npoints;
  }

  /** Points that all learners together have had: a job that replaces another loads them only after a while. */
  get npoints(): number {
    return this.total;
  }

  note(id: LearnerId, before: { npoints: number }, now: { npoints: number; loss: number | null }): void {
    const reached = this.reached.get(id) ?? before.npoints;
    this.total += Math.max(0, now.npoints - reached);
    this.reached.set(id, Math.max(reached, now.npoints));
    this.latest.set(id, { npoints: now.npoints, loss: now.loss });
    this.unsent.add(id);
    this.unrecorded.add(id);
  }

  /** The newest values of a learner; those of its row when nothing newer is known. */
  of<Row extends { npoints: number }>(id: LearnerId, row: Row): Row | { npoints: number; loss: number | null } {
    return this.latest.get(id) ?? row;
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

  private columns(ids: Iterable<LearnerId>): ProgressColumns {
    const columns: ProgressColumns = { learners: [], npoints: [], loss: [] };
    for (const id of ids) {
      const values = this.latest.get(id);
      if (!values) continue;
      columns.learners.push(id);
      columns.npoints.push(values.npoints);
      columns.loss.push(values.loss);
    }
    return columns;
  }
}

import type { LearnerId } from "./rows";

/** Learners to hand out, in the order in which they came. */
export class WaitingLine {
  private readonly learners = new Set<LearnerId>();
  private iterator = this.learners.values();
  private head: LearnerId | undefined;

  get size(): number {
    return this.learners.size;
  }

  /**
   * The one to hand out next, if any. One iterator is kept: a new one would first pass the places of all
   * that have left the set.
   */
  get first(): LearnerId | undefined {
    if (this.head !== undefined) return this.head;
    let next = this.iterator.next();
    if (next.done) next = (this.iterator = this.learners.values()).next();
    return (this.head = next.done ? undefined : next.value);
  }

  add(learner: LearnerId): void {
    this.learners.add(learner);
  }

  delete(learner: LearnerId): void {
    this.learners.delete(learner);
    if (learner === this.head) this.head = undefined;
  }

  [Symbol.iterator](): IterableIterator<LearnerId> {
    return this.learners.values();
  }
}

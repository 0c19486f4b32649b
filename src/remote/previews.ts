import type { LearnerId } from "../scheduler/state/rows";
import type { Preview } from "../scheduler/workers/messages";

const maxKept = 64;

/** The newest data of the learners that were watched lately, so that one looked at again is drawn at once. */
export class Previews {
  private readonly kept = new Map<LearnerId, Preview>();

  get(learner: LearnerId): Preview | undefined {
    return this.kept.get(learner);
  }

  set(learner: LearnerId, preview: Preview): void {
    // A Map iterates in order of insertion: the first is the one that was set longest ago.
    this.kept.delete(learner);
    this.kept.set(learner, preview);
    const [oldest] = this.kept.keys();
    if (this.kept.size > maxKept && oldest !== undefined) this.kept.delete(oldest);
  }
}

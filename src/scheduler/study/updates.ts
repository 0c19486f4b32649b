import { AdaptiveError } from "../state/errors";
import type { LearnerId } from "../state/rows";
import type { Store } from "../state/store";
import { withRemark } from "../state/runRemarks";
import { deleteRevisions, pointAt } from "./code";
import { changesOf } from "./compare";
import { StudyReader, type ReaderOptions } from "./reader";

export interface UpdatesOptions extends ReaderOptions {
  store: Store;
  /** Tells the workers of learners that are taken off their jobs. */
  wish: (learner: LearnerId) => void;
  /** There may be something to do now. */
  onDidUpdate: () => void;
}

/**
 * Keeps a run's code and learners in step with its study, when a person says so. Jobs that run keep
 * the code they began with; those that start later get the newest.
 */
export class StudyUpdates extends StudyReader {
  constructor(private readonly world: UpdatesOptions) {
    super(world.store, world);
  }

  /**
   * Brings the run in line with the study as `compare` read it.
   *
   * @param revision what `compare` returned, so that nobody agrees to what they have not seen
   * @throws AdaptiveError `edited-again`, `data-overlaps`
   */
  async update(revision: string): Promise<void> {
    const { store, wish, onDidUpdate } = this.world;
    if (this.read?.revision !== revision) {
      throw new AdaptiveError("edited-again", "The study was edited once more.", "Compare it again.");
    }
    const { learners, versions } = this.read;
    // Another run may have been made since.
    await this.checkNoOverlap(learners);
    const { model } = store;
    const { changes, stop } = changesOf(this.comparisonWith(learners), model.learners);
    const before = model.run.revision;
    const { remark } = store.model.run;
    store.record({ kind: "codeRevised", revision, versions });
    // The others are not of the code.
    const others = withRemark(remark, "versions", null);
    if (others !== null) store.record({ kind: "runRemarked", remark: others });
    for (const change of changes) store.record(change);
    await store.synced();
    stop.forEach(wish);
    await this.point(before);
    onDidUpdate();
  }

  /** Has jobs that start now run the run's revision, and deletes those that nobody runs any more. */
  async point(before?: string): Promise<void> {
    const { directory, model } = this.world.store;
    await pointAt(model.run.revision, directory);
    // A job that is just starting may have read the name of the revision before.
    const kept = new Set([model.run.revision, ...(before ? [before] : [])]);
    for (const { state, revision } of model.learners.values()) if (state === "running" && revision) kept.add(revision);
    await deleteRevisions(directory, kept);
  }
}

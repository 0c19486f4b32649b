import { access } from "node:fs/promises";
import { join } from "node:path";
import type { EditedParts, StudyComparison } from "../control/studyComparison";
import { classified } from "../state/classes";
import { AdaptiveError, errnoOf } from "../state/errors";
import type { LearnerId } from "../state/rows";
import { settingsOf } from "../state/settings";
import type { Store } from "../state/store";
import { copyCode, deleteRevisions, pointAt, revisionOf } from "./code";
import { changesOf, compareLearners, countsOf, needsConsent, type Comparison } from "./compare";
import { inspectLearners, type Inspection } from "./inspect";
import { checkNoOverlap } from "./overlap";
import { hasNewSettings } from "./settings";

export interface UpdatesOptions {
  store: Store;
  /** Folder of the package that jobs import. */
  client: string;
  /** The database engine, to read the other runs of the folder. */
  wasm: Uint8Array;
  /** Tells the workers of learners that are taken off their jobs. */
  wish: (learner: LearnerId) => void;
  /** There may be something to do now. */
  onDidUpdate: () => void;
}

/**
 * Keeps a run's code and learners in step with its study, when a person says so. Jobs that run keep
 * the code they began with; those that start later get the newest.
 */
export class StudyUpdates {
  private comparing: Promise<StudyComparison | null> | null = null;
  private read: { revision: string; learners: Inspection["learners"]; versions: string } | null = null;

  constructor(private readonly options: UpdatesOptions) {}

  /** What of the study differs from what the run has; runs no Python. */
  async edits(): Promise<EditedParts> {
    const { directory, model } = this.options.store;
    const { run } = model;
    const [revision, settings] = await Promise.all([
      revisionOf(directory.path, settingsOf(run).include),
      hasNewSettings(join(directory.path, run.learnersFile), run),
    ]);
    return { code: this.isDoubted || revision !== run.revision, settings };
  }

  /** Jobs found other learners in the same code: it makes them of something else too. */
  private get isDoubted(): boolean {
    return this.options.store.model.run.mismatches > 0;
  }

  /**
   * Reads the study as it is now; nothing changes for the run.
   *
   * @returns null when it is as the run has it
   * @throws AdaptiveError for a learners file that has gone or cannot be read, naming file and line, and for data files that another run has
   */
  compare(): Promise<StudyComparison | null> {
    // Of all who ask at the same time: each would have a Python of its own read the same file.
    this.comparing ??= this.compareNow().finally(() => (this.comparing = null));
    return this.comparing;
  }

  private async compareNow(): Promise<StudyComparison | null> {
    const { store, client } = this.options;
    const { directory, model } = store;
    const settings = settingsOf(model.run);
    await checkIsThere(join(directory.path, model.run.learnersFile));
    const revision = await copyCode(directory.path, settings.include, directory);
    const { isDoubted } = this;
    if (revision === model.run.revision && !isDoubted) return null;
    if (isDoubted || this.read?.revision !== revision) {
      const code = directory.code(revision);
      const file = join(code, model.run.learnersFile);
      const { learners, versions } = await inspectLearners(file, [code, client], directory.path, settings);
      this.read = { revision, learners, versions: JSON.stringify(versions) };
    }
    await this.checkNoOverlap(this.read.learners);
    const comparison = this.comparisonWith(this.read.learners);
    return { revision, counts: countsOf(comparison), needsConsent: needsConsent(comparison) };
  }

  /**
   * Brings the run in line with the study as `compare` read it.
   *
   * @param revision what `compare` returned, so that nobody agrees to what they have not seen
   * @throws AdaptiveError `edited-again`, `data-overlaps`
   */
  async update(revision: string): Promise<void> {
    const { store, wish, onDidUpdate } = this.options;
    if (this.read?.revision !== revision) {
      throw new AdaptiveError("edited-again", "The study was edited once more.", "Compare it again.");
    }
    const { learners, versions } = this.read;
    // Another run may have been made since.
    await this.checkNoOverlap(learners);
    const { model } = store;
    const { changes, stop } = changesOf(this.comparisonWith(learners), model.learners);
    const before = model.run.revision;
    store.record({ kind: "codeRevised", revision, versions });
    for (const change of changes) store.record(change);
    await store.synced();
    stop.forEach(wish);
    await this.point(before);
    onDidUpdate();
  }

  /** In the classes that they have by the settings of now. */
  private comparisonWith(learners: Inspection["learners"]): Comparison {
    const { model } = this.options.store;
    return compareLearners(model.learners.values(), classified(learners, settingsOf(model.run)));
  }

  private checkNoOverlap(learners: Inspection["learners"]): Promise<void> {
    const { store, wasm } = this.options;
    return checkNoOverlap(store.directory, learners, settingsOf(store.model.run).dataframe, wasm);
  }

  /** Has jobs that start now run the run's revision, and deletes those that nobody runs any more. */
  async point(before?: string): Promise<void> {
    const { directory, model } = this.options.store;
    await pointAt(model.run.revision, directory);
    // A job that is just starting may have read the name of the revision before.
    const kept = new Set([model.run.revision, ...(before ? [before] : [])]);
    for (const { state, revision } of model.learners.values()) if (state === "running" && revision) kept.add(revision);
    await deleteRevisions(directory, kept);
  }
}

async function checkIsThere(learnersFile: string): Promise<void> {
  try {
    await access(learnersFile);
  } catch (error) {
    if (errnoOf(error) !== "ENOENT") throw error;
    throw new AdaptiveError(
      "no-learners-file",
      `${learnersFile} is gone.`,
      "Put it back; until then the run has the code that it had.",
    );
  }
}

import { access } from "node:fs/promises";
import { join } from "node:path";
import type { EditedParts, StudyComparison } from "../control/studyComparison";
import { classified } from "../state/classes";
import { AdaptiveError, errnoOf } from "../state/errors";
import type { Model } from "../state/model";
import type { RunDirectory } from "../state/runDirectory";
import { settingsOf } from "../state/settings";
import { copyCode, revisionOf } from "./code";
import { compareLearners, countsOf, needsConsent, type Comparison } from "./compare";
import { inspectLearners, type Inspection } from "./inspect";
import { checkNoOverlap } from "./overlap";
import { hasNewSettings } from "./settings";

/** A run, as far as its study is compared with it. */
export interface ComparedRun {
  directory: RunDirectory;
  model: Model;
}

export interface ReaderOptions {
  /** Folder of the package that jobs import. */
  client: string;
  /** The database engine, to read the other runs of the folder. */
  wasm: Uint8Array;
}

/** Says how a study, as it is now, differs from its run; for the run nothing changes. */
export class StudyReader {
  protected read: { revision: string; learners: Inspection["learners"]; versions: string } | null = null;
  private comparing: Promise<StudyComparison | null> | null = null;

  constructor(
    private readonly compared: ComparedRun,
    private readonly options: ReaderOptions,
  ) {}

  /** What of the study differs from what the run has; runs no Python. */
  async edits(): Promise<EditedParts> {
    const { directory, model } = this.compared;
    const { run } = model;
    const [revision, settings] = await Promise.all([
      revisionOf(directory.path, settingsOf(run).include),
      hasNewSettings(join(directory.path, run.learnersFile), run),
    ]);
    return { code: this.isDoubted || revision !== run.revision, settings };
  }

  /** Jobs found other learners in the same code: it makes them of something else too. */
  private get isDoubted(): boolean {
    return this.compared.model.run.mismatches > 0;
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
    const { client } = this.options;
    const { directory, model } = this.compared;
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

  /** In the classes that they have by the settings of now. */
  protected comparisonWith(learners: Inspection["learners"]): Comparison {
    const { model } = this.compared;
    return compareLearners(model.learners.values(), classified(learners, settingsOf(model.run)));
  }

  protected checkNoOverlap(learners: Inspection["learners"]): Promise<void> {
    const { directory, model } = this.compared;
    return checkNoOverlap(directory, learners, settingsOf(model.run).dataframe, this.options.wasm);
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

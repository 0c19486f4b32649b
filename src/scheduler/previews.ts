import * as v from "valibot";
import { callPython } from "./python";
import { toAdaptiveError } from "./state/errors";
import { fnameOf, type LearnerId, type LearnerRow } from "./state/rows";
import { settingsOf } from "./state/settings";
import type { Store } from "./state/store";
import { previewSchema, type Preview } from "./workers/messages";

const kept = 64;
const deadlineMs = 60_000;

/** What `python -m adaptive_scheduler.preview` prints. */
const answerSchema = v.union([previewSchema, v.object({ error: v.object({ code: v.string(), message: v.string() }) })]);

/** The data of learners that are looked at: what their workers sent last, else what their files hold. */
export class Previews {
  private readonly newest = new Map<LearnerId, Preview>();

  constructor(
    private readonly store: Store,
    private readonly client: string,
    private readonly onDidPreview: (learner: LearnerId, preview: Preview) => void,
    private readonly onNothing: (learner: LearnerId, why: string | null) => void,
  ) {}

  put(learner: LearnerId, preview: Preview): void {
    this.newest.delete(learner);
    this.newest.set(learner, preview);
    for (const oldest of this.newest.keys()) if (this.newest.size > kept) this.newest.delete(oldest);
    this.onDidPreview(learner, preview);
  }

  /** Shows a learner that somebody begins to look at, or says that there is nothing to be shown. */
  async show(learner: LearnerId): Promise<void> {
    const row = this.store.model.learners.get(learner);
    if (!row) return;
    const preview = this.newest.get(learner);
    const isCurrent = preview && (row.state === "running" || preview.npoints === row.npoints);
    if (isCurrent) this.onDidPreview(learner, preview);
    else await this.showFile(learner, row);
  }

  private async showFile(learner: LearnerId, row: LearnerRow): Promise<void> {
    const { directory, model } = this.store;
    const { python, prelude } = settingsOf(model.run);
    // What a function of the study returned may need the study's code to be read.
    const path = [directory.code(model.run.revision), this.client];
    const call = { python, prelude, path, cwd: directory.path, module: "preview", deadlineMs };
    try {
      const answer = v.parse(answerSchema, await callPython({ ...call, args: previewArguments(row) }));
      if ("kind" in answer) this.put(learner, answer);
      else this.onNothing(learner, answer.error.code === "no-data" ? null : answer.error.message);
    } catch (error) {
      this.onNothing(learner, toAdaptiveError(error).message);
    }
  }
}

/** What `python -m adaptive_scheduler.preview` is to draw for a learner. */
export function previewArguments(row: Pick<LearnerRow, "fname" | "type" | "bounds">): string[] {
  const { type, bounds } = row;
  return ["--type", type, ...(bounds === null ? [] : ["--bounds", bounds]), "--", ...[fnameOf(row)].flat()];
}

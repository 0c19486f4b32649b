import * as v from "valibot";
import { callPython } from "./python";
import { fnameOf, type LearnerId, type LearnerRow } from "./state/rows";
import { settingsOf } from "./state/settings";
import type { Store } from "./state/store";
import { previewSchema, type Preview } from "./workers/messages";

const kept = 64;
const deadlineMs = 60_000;

/** The data of learners that are looked at: what their workers sent last, else what their files hold. */
export class Previews {
  private readonly newest = new Map<LearnerId, Preview>();

  constructor(
    private readonly store: Store,
    private readonly client: string,
    private readonly onDidPreview: (learner: LearnerId, preview: Preview) => void,
  ) {}

  put(learner: LearnerId, preview: Preview): void {
    this.newest.delete(learner);
    this.newest.set(learner, preview);
    for (const oldest of this.newest.keys()) if (this.newest.size > kept) this.newest.delete(oldest);
    this.onDidPreview(learner, preview);
  }

  /** Shows a learner that somebody begins to look at. One without data shows nothing. */
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
      this.put(learner, v.parse(previewSchema, await callPython({ ...call, args: previewArguments(row) })));
    } catch {
      // No file yet, or one that cannot be read: there is nothing to draw.
    }
  }
}

/** What `python -m adaptive_scheduler.preview` is to draw for a learner. */
export function previewArguments(row: Pick<LearnerRow, "fname" | "type" | "bounds">): string[] {
  const { type, bounds } = row;
  return ["--type", type, ...(bounds === null ? [] : ["--bounds", bounds]), "--", ...[fnameOf(row)].flat()];
}

import { readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import * as v from "valibot";
import type { Change } from "../state/changes";
import { type Failure, failureSchema } from "../state/failure";
import { isNotThere, makeFolder, readWhole, writeFileAtomically } from "../state/files";
import type { LearnerId } from "../state/rows";

const kept = 200;
const outputBytes = 16 * 1024;

/** The last failure of each learner that failed, kept when the job's own output is gone. */
export class Failures {
  private readonly tracebacks = new Map<LearnerId, string>();
  private writing: Promise<void> = Promise.resolve();

  constructor(
    private readonly folder: string,
    private readonly tail: (job: string, maxBytes: number) => Promise<{ text: string }>,
    private readonly onError: (error: unknown) => void,
  ) {}

  /** The traceback that goes with the learner's next failure. */
  note(learner: LearnerId, traceback: string): void {
    if (traceback !== "") this.tracebacks.set(learner, traceback);
  }

  /** Writes down the failures among changes that are on disk. */
  takeIn(changes: readonly Change[]): void {
    for (const change of changes) {
      if (change.kind !== "learnerReleased") continue;
      const { learner, job, error, time: at, how, state } = change;
      const traceback = this.tracebacks.get(learner) ?? null;
      this.tracebacks.delete(learner);
      // Not what a former job failed with, which a learner that is cut short or stopped keeps.
      const hasFailed = state === "failed" || (how === "failed" && state === "waiting");
      if (!hasFailed || error === null) continue;
      this.writing = this.writing.then(() => this.write(learner, { job, at, error, traceback })).catch(this.onError);
    }
  }

  async of(learner: number): Promise<Failure | null> {
    await this.writing;
    return readFailure(this.folder, learner);
  }

  /** Returns when everything is written. */
  close(): Promise<void> {
    return this.writing;
  }

  private async write(learner: LearnerId, failure: Omit<Failure, "output" | "earlier">): Promise<void> {
    const { text: output } = await this.tail(failure.job, outputBytes);
    const earlier = failure.traceback === null ? await this.lastTraced(learner) : null;
    await makeFolder(this.folder);
    const whole: Failure = { ...failure, earlier, output };
    await writeFileAtomically(fileOf(this.folder, learner), JSON.stringify(whole));
    await this.forgetOldest();
  }

  private async lastTraced(learner: LearnerId): Promise<Failure["earlier"]> {
    // One that is damaged is not worth the newest.
    const last = await readFailure(this.folder, learner).catch(() => null);
    if (!last || last.traceback === null) return last?.earlier ?? null;
    const { job, at, error, traceback } = last;
    return { job, at, error, traceback };
  }

  private async forgetOldest(): Promise<void> {
    const names = await readdir(this.folder);
    if (names.length <= kept) return;
    const files = await Promise.all(
      names.map(async (name) => ({ name, at: (await stat(join(this.folder, name))).mtimeMs })),
    );
    const oldest = files.sort((a, b) => a.at - b.at).slice(0, files.length - kept);
    for (const { name } of oldest) await rm(join(this.folder, name));
  }
}

/** A learner's last failure as it is kept, or null. */
export async function readFailure(folder: string, learner: number): Promise<Failure | null> {
  try {
    return v.parse(failureSchema, JSON.parse(String(await readWhole(fileOf(folder, learner)))));
  } catch (error) {
    if (isNotThere(error) || error instanceof SyntaxError || v.isValiError(error)) return null;
    throw error;
  }
}

function fileOf(folder: string, learner: number): string {
  return join(folder, `${learner}.json`);
}

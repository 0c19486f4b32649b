import { constants, open } from "node:fs/promises";
import { join } from "node:path";
import { realDisk, type Disk } from "../state/disk";
import { exitCodeOf } from "../clusters/exitCode";
import { isNotThere, readWhole } from "../state/files";
import type { Model } from "../state/model";
import type { JobRow } from "../state/rows";
import type { OwnEnd } from "./evidence";

/** Outputs of ended jobs that are kept, to be read when something went wrong. */
const keptOutputs = 200;

/** The files of jobs: their output to read, and what to delete once they have ended. */
export class JobFiles {
  private readonly endedJobs: string[];

  constructor(
    readonly folder: string,
    private readonly model: Model,
    private readonly disk: Disk = realDisk,
  ) {
    this.endedJobs = [...model.jobs.values()].filter(({ state }) => state === "ended").map(({ jobId }) => jobId);
  }

  /** The last bytes of what a job printed, from the start of a line on. */
  async tail(job: string, maxBytes: number): Promise<{ text: string; truncated: boolean }> {
    try {
      // Whatever a job has made of it: nobody may ever write into a pipe.
      const file = await open(join(this.folder, `${job}.out`), constants.O_RDONLY | constants.O_NONBLOCK);
      try {
        const { size } = await file.stat();
        const length = Math.min(size, maxBytes);
        const { buffer } = await file.read(Buffer.alloc(length), 0, length, size - length);
        const text = buffer.toString("utf8");
        const truncated = size > length;
        return { text: truncated ? text.slice(text.indexOf("\n") + 1) : text, truncated };
      } finally {
        await file.close();
      }
    } catch (error) {
      if (isNotThere(error)) return { text: "", truncated: false };
      throw error;
    }
  }

  /** Jobs that have written down their end. */
  async written(): Promise<Set<string>> {
    const names = await this.disk.readdir(this.folder).catch((error: unknown) => {
      // Deleted by somebody, and soon made anew.
      if (isNotThere(error)) return [];
      throw error;
    });
    return new Set(names.filter((name) => name.endsWith(".end")).map((name) => name.slice(0, -".end".length)));
  }

  /** What a job wrote down at its end in `<id>.end`, since it was last started anew: exit code, restart, signals. */
  async ownEnd({ jobId, restart }: JobRow): Promise<OwnEnd | null> {
    try {
      const words = String(await readWhole(join(this.folder, `${jobId}.end`), this.disk))
        .trim()
        .split(/\s+/);
      const [code, restarts = "0", ...signals] = words;
      const exitCode = exitCodeOf(code);
      return exitCode !== null && Number(restarts) === restart ? { exitCode, restart, signals } : null;
    } catch (error) {
      if (isNotThere(error)) return null;
      throw error;
    }
  }

  /** Deletes what jobs that have ended leave behind, except the output of the newest. */
  async tidy(jobs: readonly JobRow[]): Promise<void> {
    if (jobs.length === 0) return;
    for (const { jobId } of jobs) this.endedJobs.push(jobId);
    const forgotten = this.endedJobs.splice(0, this.endedJobs.length - keptOutputs).map((id) => `${id}.out`);
    const live = new Set([...this.model.liveJobs].map((id) => this.model.job(id).submission));
    const over = new Set(jobs.map(({ submission }) => submission).filter((submission) => !live.has(submission)));
    const own = jobs.flatMap(({ jobId }) => [`${jobId}.pid`, `${jobId}.end`]);
    for (const name of [...own, ...[...over].map((submission) => `${submission}.sh`), ...forgotten]) {
      await this.disk.rm(join(this.folder, name), { recursive: true, force: true });
    }
  }
}

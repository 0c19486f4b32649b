import { appendFile, rename, stat } from "node:fs/promises";
import { errnoOf } from "./state/errors";

const maxBytes = 1 << 20;

/** `scheduler.log`: one line an event, at most two megabytes with its predecessor. A full disk costs lines, never the scheduler. */
export class Log {
  private last: Promise<void> = Promise.resolve();

  constructor(private readonly path: string) {}

  write(message: string): void {
    const line = `${new Date().toISOString()} [${process.pid}] ${message}\n`;
    this.last = this.last.then(() => this.append(line)).catch(() => undefined);
  }

  /** Returns when everything is written. */
  flushed(): Promise<void> {
    return this.last;
  }

  private async append(line: string): Promise<void> {
    if ((await sizeOf(this.path)) > maxBytes) await rename(this.path, `${this.path}.1`);
    await appendFile(this.path, line, { mode: 0o600 });
  }
}

async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return 0;
    throw error;
  }
}

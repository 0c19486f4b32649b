import { appendFileSync, statSync } from "node:fs";
import { appendFile, rename, stat } from "node:fs/promises";
import { isNotThere, setAside } from "./state/files";

const maxBytes = 1 << 20;

/** `scheduler.log`: one line an event, at most two megabytes with its predecessor. A full disk costs lines, never the scheduler. */
export class Log {
  private last: Promise<void> = Promise.resolve();

  constructor(private readonly path: string) {}

  write(message: string): void {
    const line = lineOf(message);
    this.last = this.last.then(() => this.append(line)).catch(() => undefined);
  }

  /** Returns when everything is written. */
  flushed(): Promise<void> {
    return this.last;
  }

  /** Before the process ends, which waits for nothing. */
  writeAtOnce(message: string): void {
    try {
      if (statSync(this.path, { throwIfNoEntry: false })?.isFile() === false) return;
      appendFileSync(this.path, lineOf(message), { mode: 0o600 });
    } catch {
      // It is said elsewhere as well.
    }
  }

  private async append(line: string): Promise<void> {
    const found = await stat(this.path).catch((error: unknown) => {
      if (isNotThere(error)) return null;
      throw error;
    });
    // Into a pipe that nobody reads one would write for ever.
    if (found?.isFile() === false) await setAside(this.path);
    else if ((found?.size ?? 0) > maxBytes) await rename(this.path, `${this.path}.1`);
    await appendFile(this.path, line, { mode: 0o600 });
  }
}

function lineOf(message: string): string {
  return `${new Date().toISOString()} [${process.pid}] ${message}\n`;
}

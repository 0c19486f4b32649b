import { spawnSync } from "node:child_process";
import type { Readable } from "node:stream";

/** Follows what a terminal shows. */
export function shownBy(output: Readable): {
  until(words: string): Promise<void>;
  match(pattern: RegExp): Promise<RegExpExecArray>;
} {
  let shown = "";
  output.on("data", (chunk: Buffer) => (shown += chunk.toString()));
  const found = <T>(look: () => T | null) =>
    new Promise<T>((resolve, reject) => {
      const lookNow = (): void => {
        const what = look();
        if (what !== null) resolve(what);
      };
      output.on("data", lookNow).on("end", () => reject(new Error(`It ended, and had shown:\n${shown}`)));
      lookNow();
    });
  return {
    until: (words) => found(() => (shown.includes(words) ? undefined : null)),
    match: (pattern) => found(() => pattern.exec(shown)),
  };
}

/** Whether a process lives; one that has ended stays listed where nobody asks how. */
export function isAlive(pid: string): boolean {
  const { stdout } = spawnSync("ps", ["-o", "stat=", "-p", pid], { encoding: "utf8" });
  return /^[^Z\s]/.test(stdout);
}

import { chmod, mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { shellQuote } from "../scheduler/jobs/quote";
import type { Program } from "./program";

export const launcherName = "adaptive-scheduler";

/**
 * Makes the program a command that a shell finds by its name. It is written anew whenever editor or extension have
 * moved, so that whoever has its folder on PATH always gets the program of now.
 * @param folder gets the command, and nothing else should be in it
 */
export async function writeLauncher(folder: string, program: Program): Promise<void> {
  const file = join(folder, launcherName);
  const script = launcherScript(program);
  if ((await readFile(file, "utf8").catch(() => null)) === script) return;
  await mkdir(folder, { recursive: true });
  const partial = `${file}.${process.pid}`;
  await writeFile(partial, script);
  await chmod(partial, 0o755);
  // A shell may be reading the one before.
  await rename(partial, file);
}

function launcherScript({ argv: [runtime = "", ...words], env }: Program): string {
  const variables = Object.entries(env).map(([variable, value]) => `export ${variable}=${shellQuote(value)}\n`);
  return `#!/bin/sh
# Written by the extension Adaptive Scheduler: its program, run by the editor's own Node.
runtime=${shellQuote(runtime)}
# An editor that was updated has its Node elsewhere until it is opened again.
[ -x "$runtime" ] || runtime=node
${variables.join("")}exec "$runtime" ${words.map(shellQuote).join(" ")} "$@"
`;
}

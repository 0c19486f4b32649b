import { spawn } from "node:child_process";
import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { text } from "node:stream/consumers";
import { onTestFinished } from "vitest";
import { parseProbe, type Probe } from "../../../src/remote/deploy/probe";
import { probeScript, type ProbeWish } from "../../../src/remote/deploy/probeScript";
import { python } from "../program";

/** A home directory of a person on a head node, with these files in it; those in `bin/` can be run. */
export async function createHome(files: Record<string, string> = {}): Promise<string> {
  const home = await mkdtemp(join(tmpdir(), "adaptive-head-"));
  onTestFinished(() => rm(home, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 }));
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(home, name)), { recursive: true });
    await writeFile(join(home, name), content);
    if (dirname(name).endsWith("bin") || name.endsWith("/node")) await chmod(join(home, name), 0o755);
  }
  return home;
}

/** The environment that sshd gives to a command. */
export function loginEnv(home: string, shell = "/bin/sh"): Record<string, string> {
  return { HOME: home, SHELL: shell, USER: "ada", PATH: "/usr/local/bin:/usr/bin:/bin" };
}

/** Looks at this machine as at a head node whose login shell is `shell`: as sshd does, by `SHELL -c COMMAND`. */
export async function probe(home: string, shell = "/bin/sh", wish: Partial<ProbeWish> = {}): Promise<Probe> {
  const child = spawn(shell, ["-c", "sh"], { cwd: home, env: loginEnv(home, shell) });
  child.stdin.end(probeScript({ place: "~/.adaptive-scheduler", node: null, python, prelude: [], ...wish }));
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return parseProbe(stdout, stderr);
}

/** A program that answers as a Node of this version does when it is asked. */
export function nodeOf(version: string): string {
  return `#!/bin/sh\necho ${version}\n`;
}

import { execFile, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { chmod, mkdir, mkdtemp, readdir, readFile, readlink, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { text } from "node:stream/consumers";
import { promisify } from "node:util";
import { onTestFinished } from "vitest";
import type { Memento } from "vscode";
import { type Cluster, type ClusterWorld, connectCluster } from "../../../src/remote/deploy/connectCluster";
import { nodeRelease } from "../../../src/remote/deploy/nodeRelease";
import { parseProbe, type Probe } from "../../../src/remote/deploy/probe";
import { probeScript, type ProbeWish } from "../../../src/remote/deploy/probeScript";
import { localTransport } from "../../../src/remote/localTransport";
import type { CommandTransport, Transport } from "../../../src/remote/transport";
import { systemClock } from "../../../src/scheduler/state/clock";
import { python } from "../program";

export const root = resolve(import.meta.dirname, "../../..");
export const distFolder = join(root, "dist");
const architecture = process.arch === "arm64" ? "arm64" : "x64";
/** The pinned Node as npm has it; `scripts/setup.mjs` fetches it. */
export const npmArchive = join(root, `.node-archive/node-linux-${architecture}-${nodeRelease.version}.tgz`);

/** Every program of this machine but Node, in a new folder. */
export async function programsWithoutNode(folder: string): Promise<string> {
  await mkdir(folder);
  for (const name of await readdir("/usr/bin")) {
    if (!/^(node|nodejs)$/.test(name)) await symlink(join("/usr/bin", name), join(folder, name));
  }
  return folder;
}

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

/** What an editor remembers. */
export function memento(): Pick<Memento, "get" | "update"> {
  const values = new Map<string, unknown>();
  return {
    get: <T>(key: string, otherwise?: T) => (values.get(key) as T | undefined) ?? otherwise,
    update: (key: string, value: unknown) => Promise.resolve(void values.set(key, value)),
  };
}

/** A program that answers as a Node of this version does when it is asked. */
export function nodeOf(version: string): string {
  return `#!/bin/sh\necho ${version}\n`;
}

/** This machine, reached as the person whose home directory it is. */
export function headNode(home: string, env: Record<string, string> = {}) {
  const uploads: string[] = [];
  const steps: string[] = [];
  const transport: Transport = {
    exec: (argv, options) =>
      localTransport.exec(argv, {
        cwd: home,
        ...options,
        env: { ...loginEnv(home, "/bin/bash"), ...env, ...options.env },
      }),
    upload: (content, file, options) => {
      uploads.push(file);
      return localTransport.upload(content, file, options);
    },
  };
  const connect = async (different: Partial<ClusterWorld> = {}): Promise<Cluster> =>
    connectCluster({
      transport,
      clock: systemClock,
      signal: new AbortController().signal,
      wish: { place: "~/.adaptive-scheduler", node: null, python, prelude: [] },
      distFolder,
      fetching: { cacheFolder: join(home, "laptop"), download: () => Promise.reject(new Error("no network")) },
      onStep: (step) => steps.push(step),
      askForNode: () => Promise.reject(new Error("nobody is asked")),
      ...different,
    });
  const call = async ({ program }: Cluster, ...args: string[]): Promise<string> => {
    const [file = "", ...words] = [...program.argv, ...args];
    const { stdout } = await promisify(execFile)(file, words, { cwd: home, env: loginEnv(home) });
    return stdout;
  };
  return { transport, connect, call, uploads, steps };
}

/** As a site does that ends, with each session, whatever it has left running. */
export function endingSessions(transport: CommandTransport): Transport {
  return {
    exec: async (argv, options) => {
      const session = `ADAPTIVE_TEST_SESSION=${randomUUID()}`;
      const [name = "", value = ""] = session.split("=");
      const process = await transport.exec(argv, { ...options, env: { ...options.env, [name]: value } });
      return { ...process, exit: process.exit.then((exit) => killAll(session).then(() => exit)) };
    },
    upload: () => Promise.reject(new Error("nothing is uploaded")),
  };
}

/** On this machine; what Slurm started on one of its nodes is none of the session's. */
async function killAll(session: string): Promise<void> {
  const here = await readlink("/proc/self/ns/net");
  for (const pid of (await readdir("/proc")).filter((name) => /^\d+$/.test(name))) {
    if ((await readlink(`/proc/${pid}/ns/net`).catch(() => "")) !== here) continue;
    const environment = await readFile(`/proc/${pid}/environ`, "utf8").catch(() => "");
    if (environment.split("\0").includes(session)) process.kill(Number(pid), "SIGKILL");
  }
}

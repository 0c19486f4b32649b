import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { HostConfig } from "../../../../src/remote/ssh/hostConfig";

const run = promisify(execFile);
/** It wants to be called by its full path. */
const sshd = "/usr/sbin/sshd";

/** An OpenSSH server for a user of this machine, with keys and a configuration of its own. */
export interface RealSshd {
  /** How to reach it: its key is known, and the own key is let in. */
  host: HostConfig;
  folder: string;
  pid: number;
  /** What it has logged. */
  log(): string;
  /** Sends a signal to it and to all that serve its connections; what those have started goes on. */
  signal(name: NodeJS.Signals): Promise<void>;
  /** Starts one that has ended again. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/**
 * @param settings gives further lines of sshd_config, and may put what they need into the server's folder
 * @param user who logs in; another than the own one takes root
 */
export async function startSshd(
  settings: (folder: string) => Promise<readonly string[]> | readonly string[],
  user = userInfo().username,
): Promise<RealSshd> {
  const folder = await mkdtemp(join(tmpdir(), "adaptive-sshd-"));
  // It reads who may log in as the one who wants to.
  await chmod(folder, 0o755);
  const at = (name: string): string => join(folder, name);
  await Promise.all(
    ["host_key", "user_key"].map((name) => run("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", at(name)])),
  );
  const port = await freePort();
  const hostKey = await readFile(at("host_key.pub"), "utf8");
  await writeFile(at("known_hosts"), `[127.0.0.1]:${port} ${hostKey}`);
  const ownLines = [
    `Port ${port}`,
    "ListenAddress 127.0.0.1",
    `HostKey ${at("host_key")}`,
    `AuthorizedKeysFile ${at("user_key.pub")}`,
    `PidFile ${at("pid")}`,
    "UsePAM no",
    "StrictModes no",
    "PasswordAuthentication no",
    "LogLevel VERBOSE",
  ];
  // What is set first counts.
  await writeFile(at("sshd_config"), [...(await settings(folder)), ...ownLines, ""].join("\n"));
  if (process.getuid?.() === 0) await mkdir("/run/sshd", { recursive: true, mode: 0o755 });
  let log = "";
  const start = async (): Promise<ChildProcess> => {
    const child = spawn(sshd, ["-D", "-e", "-f", at("sshd_config")], { stdio: ["ignore", "ignore", "pipe"] });
    const before = log.length;
    child.stderr.setEncoding("utf8").on("data", (text: string) => (log += text));
    const ended = once(child, "exit");
    while (!log.includes("Server listening", before)) {
      await Promise.race([once(child.stderr, "data"), ended]);
      if (child.exitCode !== null) throw new Error(`sshd ended:\n${log}`);
    }
    return child;
  };
  let child = await start();
  const host: HostConfig = {
    name: "cluster",
    hostName: "127.0.0.1",
    port,
    user,
    identityFiles: [at("user_key")],
    identitiesOnly: false,
    agent: null,
    userKnownHostsFiles: [at("known_hosts")],
    globalKnownHostsFiles: [],
    hostKeyAlias: undefined,
    hostKeyChecking: "yes",
    jumps: [],
    proxyCommand: null,
    methods: ["publickey", "keyboard-interactive", "password"],
    connectTimeoutMs: 60_000,
  };
  return {
    host,
    folder,
    get pid() {
      return child.pid ?? 0;
    },
    log: () => log,
    signal: async (name) => {
      for (const pid of await servers(child.pid ?? 0)) send(pid, name);
    },
    restart: async () => {
      child = await start();
    },
    stop: async () => {
      if (child.exitCode === null && child.signalCode === null) {
        const ended = once(child, "exit");
        child.kill("SIGCONT");
        child.kill("SIGTERM");
        await ended;
      }
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** A server and the processes of its connections, which have its name. */
async function servers(listener: number): Promise<number[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const texts = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/stat`, "utf8").catch(() => "")));
  const children = texts.flatMap((text) => {
    const [, pid, parent] = /^(\d+) \(sshd[^)]*\) \S (\d+)/.exec(text) ?? [];
    return pid === undefined ? [] : [{ pid: Number(pid), parent: Number(parent) }];
  });
  const family = [listener];
  for (const one of family) family.push(...children.filter(({ parent }) => parent === one).map(({ pid }) => pid));
  return family;
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended with the one that started it.
  }
}

/** A port that nobody listens on just now. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const port = portOf(server.address());
  server.close();
  await once(server, "close");
  return port;
}

export function portOf(address: AddressInfo | string | null): number {
  if (address === null || typeof address === "string") throw new Error("It does not listen on a port");
  return address.port;
}

import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { HostConfig } from "../../../../src/remote/ssh/hostConfig";

const run = promisify(execFile);
/** It wants to be called by its full path. */
const sshd = "/usr/sbin/sshd";

/** An OpenSSH server for the own user on this machine, with keys and a configuration of its own. */
export interface RealSshd {
  /** How to reach it: its key is known, and the own key is let in. */
  host: HostConfig;
  folder: string;
  pid: number;
  /** What it has logged. */
  log(): string;
  stop(): Promise<void>;
}

/** @param settings gives further lines of sshd_config, and may put what they need into the server's folder */
export async function startSshd(
  settings: (folder: string) => Promise<readonly string[]> | readonly string[],
): Promise<RealSshd> {
  const folder = await mkdtemp(join(tmpdir(), "adaptive-sshd-"));
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
  const child = spawn(sshd, ["-D", "-e", "-f", at("sshd_config")], { stdio: ["ignore", "ignore", "pipe"] });
  let log = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (log += text));
  const ended = once(child, "exit");
  while (!log.includes("Server listening")) {
    await Promise.race([once(child.stderr, "data"), ended]);
    if (child.exitCode !== null) throw new Error(`sshd ended:\n${log}`);
  }
  const host: HostConfig = {
    name: "cluster",
    hostName: "127.0.0.1",
    port,
    user: userInfo().username,
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
    pid: child.pid ?? 0,
    log: () => log,
    stop: async () => {
      if (child.exitCode === null && child.signalCode === null) {
        child.kill("SIGCONT");
        child.kill("SIGTERM");
        await ended;
      }
      await rm(folder, { recursive: true, force: true });
    },
  };
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

import { spawn } from "node:child_process";
import { subscribe } from "node:diagnostics_channel";
import { once } from "node:events";
import { mkdir } from "node:fs/promises";
import type { Socket } from "node:net";
import { join, resolve } from "node:path";
import { type Cluster, connectCluster } from "../src/remote/deploy/connectCluster";
import { connectSsh } from "../src/remote/ssh/connect";
import type { SshConnection } from "../src/remote/ssh/sshConnection";
import type { Transport } from "../src/remote/transport";
import { systemClock } from "../src/scheduler/state/clock";
import { type RealSshd, startSshd } from "../test/integration/remote/ssh/realSshd";
import { sshWorld } from "../test/integration/remote/ssh/sshWorld";

const root = resolve(__dirname, "../..");
/** The extension's bundles. */
export const distFolder = join(root, "dist");
/** One with what jobs need. */
export const python = join(root, ".venv/bin/python");

/** Of all connections of this process so far, which are those of SSH. */
const sockets: Socket[] = [];
subscribe("net.client.socket", (message) => sockets.push((message as { socket: Socket }).socket));

/** What has gone over the wire in both directions. */
export function wireBytes(): number {
  return sockets.reduce((sum, { bytesRead, bytesWritten }) => sum + bytesRead + bytesWritten, 0);
}

/** A person's account on a head node: this machine, behind an sshd of its own, with another home directory. */
export class SshAccount {
  readonly place: string;
  readonly signal = new AbortController().signal;
  private readonly enoughSessions = new Map<string, boolean>();

  private constructor(
    readonly home: string,
    private readonly sshd: RealSshd,
  ) {
    this.place = join(home, ".adaptive-scheduler");
  }

  /** @param environment what commands there find besides HOME */
  static async create(folder: string, environment: Readonly<Record<string, string>>): Promise<SshAccount> {
    const home = join(folder, "home");
    await mkdir(home);
    const variables = Object.entries({ HOME: home, ...environment }).map(([name, value]) => `${name}=${value}`);
    return new SshAccount(home, await startSshd(() => [`SetEnv ${variables.join(" ")}`]));
  }

  connect(): Promise<SshConnection> {
    const { signal } = this;
    return connectSsh("hpc", sshWorld({ hpc: this.sshd.host }, { enoughSessions: this.enoughSessions }), signal);
  }

  prepare(transport: Transport): Promise<Cluster> {
    const { signal } = this;
    return connectCluster({
      ...{ transport, clock: systemClock, signal, distFolder, onStep: () => undefined },
      wish: { place: "~/.adaptive-scheduler", node: process.execPath, python, prelude: [] },
      fetching: { cacheFolder: this.home, download: () => Promise.reject(new Error("Nothing is to be downloaded.")) },
      askForNode: () => Promise.resolve(null),
    });
  }

  /** Runs a command by OpenSSH's own client. */
  async plainSsh(command: string, input: Uint8Array = Buffer.alloc(0)): Promise<void> {
    const { port, user, hostName, identityFiles, userKnownHostsFiles } = this.sshd.host;
    const options = [`UserKnownHostsFile=${userKnownHostsFiles.join(" ")}`, `IdentityFile=${identityFiles.join(" ")}`];
    const args = ["-F", "none", ...options.flatMap((option) => ["-o", option]), "-p", String(port)];
    const ssh = spawn("ssh", [...args, `${user}@${hostName}`, command], { stdio: ["pipe", "ignore", "inherit"] });
    ssh.stdin.end(input);
    const [exitCode] = (await once(ssh, "exit")) as [number | null];
    if (exitCode !== 0) throw new Error(`ssh ended with exit code ${exitCode}.`);
  }

  close(): Promise<void> {
    return this.sshd.stop();
  }
}

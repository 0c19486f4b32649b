import { randomUUID } from "node:crypto";
import { once } from "node:events";
import type { Duplex, Readable } from "node:stream";
import { setImmediate } from "node:timers/promises";
import type { Client, ClientChannel } from "ssh2";
import { AdaptiveError } from "../../scheduler/state/errors";
import type { ExecOptions, Exit, RunningProcess, Transport, UploadOptions } from "../transport";
import { AfterMarker } from "./afterMarker";
import type { HostConfig } from "./hostConfig";
import { commandLine, startScript } from "./remoteCommand";
import { cancelled, lost } from "./sshErrors";
import { uploadOver } from "./upload";

/** A host one is logged in to. All that is done there shares this one connection; it ends once, and for good. */
export class SshConnection implements Transport {
  /** Resolves, and never rejects, with why it ended. */
  readonly ended: Promise<AdaptiveError>;
  private endedBy: AdaptiveError | null = null;

  constructor(
    readonly host: HostConfig,
    private readonly client: Client,
    /** Carries this one; its own and disposed of with it. */
    private readonly via: SshConnection | null,
    log: (line: string) => void,
  ) {
    this.ended = new Promise((resolve) => {
      client.on("error", (error) => (this.endedBy ??= lost(host, error.message, { cause: error })));
      client.on("close", () => {
        this.endedBy ??= lost(host, "");
        via?.dispose();
        log(`${host.name}: ${this.endedBy.message}`);
        resolve(this.endedBy);
      });
    });
  }

  async exec(argv: readonly string[], options: ExecOptions): Promise<RunningProcess> {
    const { cwd, env, stdin, signal } = options;
    if (signal.aborted) throw cancelled();
    const marker = randomUUID();
    const channel = await this.open(commandLine(startScript({ argv, cwd, env }, marker)));
    const stdout = channel.pipe(new AfterMarker(marker));
    const stderr = channel.stderr.pipe(new AfterMarker(marker));
    const exit = this.exitOf(channel, [stdout, stderr], signal);
    // A process that ends without reading its input must not bring the editor down.
    channel.on("error", () => undefined);
    const [pid] = await Promise.all([stdout.word, stderr.word]);
    if (pid === null || pid === "program" || pid === "folder") {
      throw this.endedBy ?? notStarted(this.host, pid, argv[0] ?? "", cwd, `${stdout.noise}${stderr.noise}`);
    }
    const end = (): void => {
      void this.kill(pid, channel);
      for (const stream of [stdout, stderr]) stream.resume();
    };
    if (signal.aborted) end();
    else signal.addEventListener("abort", end, { once: true });
    void exit.then(() => signal.removeEventListener("abort", end));
    if (stdin !== undefined) channel.end(stdin);
    return { stdin: channel, stdout, stderr, exit };
  }

  upload(content: Uint8Array, file: string, options: UploadOptions): Promise<void> {
    return uploadOver(this, content, file, options);
  }

  /** A stream to a port as seen from there, for a host that is reached through this one. */
  async forward(hostName: string, port: number): Promise<Duplex> {
    return new Promise((resolve, reject) => {
      this.client.forwardOut("127.0.0.1", 0, hostName, port, (error, channel) => {
        if (error === undefined) return resolve(channel);
        const message = `${this.host.name} does not let anybody through to ${hostName}:${port}: ${error.message}`;
        reject(
          new AdaptiveError("jump-refused", message, "Check ProxyJump in your SSH configuration.", { cause: error }),
        );
      });
    });
  }

  dispose(): void {
    this.endedBy ??= new AdaptiveError("closed", `The connection to ${this.host.name} was closed`);
    this.client.end();
    this.client.destroy();
    this.via?.dispose();
  }

  private open(line: string): Promise<ClientChannel> {
    return new Promise((resolve, reject) => {
      if (this.endedBy !== null) throw this.endedBy;
      this.client.exec(line, (error, channel) => (error === undefined ? resolve(channel) : reject(error)));
    });
  }

  private async exitOf(channel: ClientChannel, outputs: readonly Duplex[], signal: AbortSignal): Promise<Exit> {
    let exit: Exit | null = null;
    channel.on("exit", (code: number | null, killedBy?: string) => {
      exit = { code, signal: code === null ? (killedBy ?? null) : null };
    });
    const closed = (stream: Readable): Promise<void> => new Promise((resolve) => stream.once("close", resolve));
    const read = outputs.map(closed);
    await closed(channel);
    // Whoever means to read has begun to; nobody waits for what nobody reads.
    await setImmediate();
    await Promise.all(read.filter((_, i) => outputs[i]?.readableFlowing !== null));
    if (exit !== null) return exit;
    if (signal.aborted) return { code: null, signal: "SIGTERM" };
    return { code: null, signal: null, lost: this.endedBy ?? lost(this.host, "a command ended without an exit code") };
  }

  /** By a command of its own: SSH's signals come with OpenSSH 7.9 only, and ssh2 sends none behind the end of the input. */
  private async kill(pid: string, channel: ClientChannel): Promise<void> {
    try {
      const killer = await this.open(commandLine(`kill -TERM -${pid} 2>/dev/null || kill -TERM ${pid}`));
      killer.resume().stderr.resume();
      await once(killer, "close");
    } catch {
      // Without a connection nothing can be done from here.
    }
    channel.close();
  }
}

function notStarted(
  { name }: HostConfig,
  missing: string | null,
  program: string,
  cwd: string | undefined,
  said: string,
): AdaptiveError {
  if (missing === null) {
    const words = said.trim().split("\n").at(-1)?.trim() ?? "";
    const message = `${name} runs no commands${words === "" ? "" : `: ${words}`}`;
    return new AdaptiveError("not-started", message, `Check that ssh ${name} works in a terminal.`, { cause: said });
  }
  const what = missing === "program" ? program : `the folder ${cwd ?? ""}`;
  return new AdaptiveError(
    "not-started",
    `${program} could not be started on ${name} (ENOENT)`,
    `Check that ${what} exists there.`,
  );
}

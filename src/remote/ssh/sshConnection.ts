import { randomUUID } from "node:crypto";
import { once } from "node:events";
import type { Duplex, Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import type { Client, ClientChannel, PseudoTtyOptions } from "ssh2";
import { AdaptiveError } from "../../scheduler/state/errors";
import type {
  ExecOptions,
  Exit,
  RunningProcess,
  Terminal,
  TerminalOptions,
  TerminalTransport,
  UploadOptions,
} from "../transport";
import { whenRead } from "../whenRead";
import { AfterMarker } from "./afterMarker";
import type { HostConfig } from "./hostConfig";
import { Relay, relayArgv } from "./relay";
import { commandLine, type RemoteCommand, startScript } from "./remoteCommand";
import { hasSessions, isRefusedSession } from "./sessions";
import { beginsNothing, cancelled, lost, noSession, notStarted, tooMuchNoise } from "./sshErrors";
import { uploadOver } from "./upload";

const maxOpenings = 20;
const betweenOpeningsMs = 250;
const probeDeadlineMs = 8000;
/** Start-up files on a slow shared file system. */
const startDeadlineMs = 120_000;
/** A host that does not even do that is left alone. */
const killDeadlineMs = 10_000;

export interface SshConnectionWorld {
  enoughSessions: Map<string, boolean>;
  log: (line: string) => void;
}

/** A host one is logged in to. All that is done there shares this one connection; it ends once, and for good. */
export class SshConnection implements TerminalTransport {
  /** Resolves, and never rejects, with why it ended. */
  readonly ended: Promise<AdaptiveError>;
  private endedBy: AdaptiveError | null = null;
  private relay: Promise<Relay | null> | null = null;

  constructor(
    readonly host: HostConfig,
    private readonly client: Client,
    /** Carries this one; its own and disposed of with it. */
    private readonly via: SshConnection | null,
    private readonly world: SshConnectionWorld,
  ) {
    this.ended = new Promise((resolve) => {
      client.on("error", (error) => (this.endedBy ??= lost(host, error.message, { cause: error })));
      client.on("close", () => {
        this.endedBy ??= lost(host, "");
        via?.dispose();
        world.log(`${host.name}: ${this.endedBy.message}`);
        resolve(this.endedBy);
      });
    });
  }

  async exec(argv: readonly string[], options: ExecOptions): Promise<RunningProcess> {
    if (options.signal.aborted) throw cancelled();
    const relay = await unlessAborted(this.sharing(), options.signal);
    return relay === null ? this.execAlone(argv, options) : relay.exec(argv, options);
  }

  async terminal(argv: readonly string[], options: TerminalOptions): Promise<Terminal> {
    const { cwd, env, size, signal } = options;
    if (signal.aborted) throw cancelled();
    const relay = await unlessAborted(this.sharing(), signal);
    if (relay !== null) return relay.terminal(argv, options);
    const pty = { rows: size.rows, cols: size.columns, term: "xterm-256color" };
    const { channel, outputs, exit } = await this.start({ argv, cwd, env }, signal, pty);
    return {
      input: channel,
      output: outputs[0],
      resize: ({ rows, columns }) => channel.setWindow(rows, columns, 0, 0),
      exit,
    };
  }

  upload(content: Uint8Array, file: string, options: UploadOptions): Promise<void> {
    return uploadOver(this, content, file, options);
  }

  /** A stream to a port as seen from there, for a host that is reached through this one. */
  async forward(hostName: string, port: number, signal: AbortSignal): Promise<Duplex> {
    const opening = new Promise<Duplex>((resolve, reject) => {
      this.client.forwardOut("127.0.0.1", 0, hostName, port, (error, channel) => {
        if (error === undefined) return resolve(channel);
        const message = `${this.host.name} does not let anybody through to ${hostName}:${port}: ${error.message}`;
        reject(
          new AdaptiveError("jump-refused", message, "Check ProxyJump in your SSH configuration.", { cause: error }),
        );
      });
    });
    return unlessAborted(opening, signal).catch((error: unknown) => {
      opening.then(
        (channel) => channel.destroy(),
        () => undefined,
      );
      throw error;
    });
  }

  /** Resolves when the peer has answered; ends the connection when it does not, sooner than its keep-alive would. */
  async probe(deadlineMs = probeDeadlineMs): Promise<void> {
    if (this.endedBy !== null) return;
    let isAnswered = false;
    const giveUp = (): void => {
      if (isAnswered) return;
      this.endedBy ??= lost(this.host, "it does not answer");
      this.client.destroy();
    };
    // An answer that came while this computer was busy is read before it is missed.
    const deadline = setTimeout(() => setImmediate(giveUp), deadlineMs);
    // ssh2 has no question for this. To a port that nobody took, given back, every server says something.
    const answered = new Promise<void>((resolve) => {
      this.client.unforwardIn("127.0.0.1", 1, () => {
        isAnswered = true;
        resolve();
      });
    });
    await Promise.race([answered, this.ended]);
    clearTimeout(deadline);
  }

  dispose(): void {
    this.endedBy ??= new AdaptiveError("closed", `The connection to ${this.host.name} was closed`);
    this.client.end();
    this.client.destroy();
    this.via?.dispose();
  }

  /** What commands share a session over; null where each may have its own. */
  private sharing(): Promise<Relay | null> {
    this.relay ??= this.startRelay().catch((error: unknown) => {
      this.relay = null;
      throw error;
    });
    return this.relay;
  }

  private async startRelay(): Promise<Relay | null> {
    if (this.endedBy !== null) throw this.endedBy;
    const { name } = this.host;
    const { enoughSessions, log } = this.world;
    const isEnough = enoughSessions.get(name) ?? (await hasSessions(this.client, AbortSignal.timeout(startDeadlineMs)));
    enoughSessions.set(name, isEnough);
    if (isEnough) return null;
    const relay = new Relay(await this.execAlone(relayArgv, { signal: new AbortController().signal }), {
      notStarted: (missing, program, cwd) => notStarted(this.host, missing, program, cwd, ""),
      lost: () => this.endedBy ?? lost(this.host, "the process that its commands share has ended"),
    });
    const isUp = await relay.isUp;
    log(`${name}: allows few sessions; ${isUp ? "commands share one" : "there is no Python 3 to share one with"}`);
    return isUp ? relay : null;
  }

  private async execAlone(argv: readonly string[], { cwd, env, stdin, signal }: ExecOptions): Promise<RunningProcess> {
    const { channel, outputs, exit } = await this.start({ argv, cwd, env }, signal);
    if (stdin !== undefined) channel.end(stdin);
    return { stdin: channel, stdout: outputs[0], stderr: outputs[1], exit };
  }

  /** Starts a command in a session of its own; a host that does not begin with it is not waited for any longer. */
  private async start(command: RemoteCommand, cancelling: AbortSignal, pty?: PseudoTtyOptions) {
    const deadline = AbortSignal.timeout(startDeadlineMs);
    try {
      return await this.begin(command, cancelling, AbortSignal.any([cancelling, deadline]), pty);
    } catch (error) {
      throw deadline.aborted && !cancelling.aborted ? beginsNothing(this.host) : error;
    }
  }

  /** @param waiting ends the waiting for its first word */
  private async begin(command: RemoteCommand, signal: AbortSignal, waiting: AbortSignal, pty?: PseudoTtyOptions) {
    const marker = randomUUID();
    const opening = this.open(commandLine(startScript(command, marker, pty !== undefined)), waiting, pty);
    const channel = await unlessAborted(opening, waiting).catch((error: unknown) => {
      opening.then(discard, () => undefined);
      throw error;
    });
    const stdout = channel.pipe(new AfterMarker(marker));
    const stderr = channel.stderr.pipe(new AfterMarker(marker));
    const outputs = [stdout, stderr] as const;
    let noteKilled = (): void => undefined;
    const killed = new Promise<Exit>((resolve) => (noteKilled = () => resolve({ code: null, signal: "SIGTERM" })));
    const exit = Promise.race([this.exitOf(channel, outputs), killed]);
    // A process that ends without reading its input must not bring the editor down.
    channel.on("error", () => undefined);
    // Of one that prints without end nothing more is waited for.
    const both = stdout.word.then((word) => (stdout.isTooMuch || pty ? word : stderr.word.then(() => word)));
    const words = Promise.race([both, stderr.word.then(() => (stderr.isTooMuch ? null : both))]);
    const pid = await unlessAborted(words, waiting).catch((error: unknown) => {
      discard(channel);
      throw error;
    });
    if (pid === null || pid === "program" || pid === "folder") {
      discard(channel);
      if (stdout.isTooMuch || stderr.isTooMuch) throw tooMuchNoise(this.host, stdout.noise || stderr.noise);
      const said = `${stdout.noise}${stderr.noise}`;
      throw this.endedBy ?? notStarted(this.host, pid, command.argv[0] ?? "", command.cwd, said);
    }
    const end = (): void => {
      void this.kill(pid, channel).then(noteKilled);
      for (const stream of outputs) stream.resume();
    };
    if (signal.aborted) end();
    else signal.addEventListener("abort", end, { once: true });
    void exit.then(() => signal.removeEventListener("abort", end));
    return { channel, outputs, exit };
  }

  /** A server frees a session a moment after it has ended. */
  private async open(line: string, signal: AbortSignal, pty?: PseudoTtyOptions): Promise<ClientChannel> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.openNow(line, pty);
      } catch (error) {
        if (this.endedBy !== null) throw this.endedBy;
        if (!isRefusedSession(error)) throw lost(this.host, String(error), { cause: error });
        if (signal.aborted) throw cancelled();
        if (attempt === maxOpenings) throw noSession(this.host, error);
        await sleep(betweenOpeningsMs);
      }
    }
  }

  private openNow(line: string, pty?: PseudoTtyOptions): Promise<ClientChannel> {
    return new Promise((resolve, reject) => {
      if (this.endedBy !== null) throw this.endedBy;
      const options = pty === undefined ? {} : { pty };
      this.client.exec(line, options, (error, channel) => (error === undefined ? resolve(channel) : reject(error)));
    });
  }

  private async exitOf(channel: ClientChannel, outputs: readonly Readable[]): Promise<Exit> {
    let exit: Exit | null = null;
    channel.on("exit", (code: number | null, killedBy?: string) => {
      exit = { code, signal: code === null ? (killedBy ?? null) : null };
    });
    await new Promise((resolve) => channel.once("close", resolve));
    await whenRead(outputs);
    if (exit !== null) return exit;
    return { code: null, signal: null, lost: this.endedBy ?? lost(this.host, "a command ended without an exit code") };
  }

  /** By a command of its own: SSH's signals come with OpenSSH 7.9 only, and ssh2 sends none behind the end of the input. */
  private async kill(pid: string, channel: ClientChannel): Promise<void> {
    try {
      const patience = AbortSignal.timeout(killDeadlineMs);
      const killing = this.openNow(commandLine(`kill -TERM -${pid} 2>/dev/null || kill -TERM ${pid}`));
      const killer = await unlessAborted(killing, patience);
      killer.resume().stderr.resume();
      await once(killer, "close", { signal: patience });
    } catch {
      // Where there is no session for it.
      channel.signal("TERM");
    }
    channel.close();
  }
}

/** Nobody waits for it any more. */
function discard(channel: ClientChannel): void {
  channel.on("error", () => undefined).resume();
  channel.stderr.resume();
  channel.close();
}

/** The promise's own outcome, unless that is cancelled before. */
function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(cancelled());
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}

import { PassThrough, type Readable, Writable } from "node:stream";
import * as v from "valibot";
import program from "../../../python/relay.py";
import { AdaptiveError } from "../../scheduler/state/errors";
import type { ExecOptions, Exit, RunningProcess, Terminal, TerminalOptions } from "../transport";
import { whenRead } from "../whenRead";

/** As in the program. */
const windowBytes = 256 * 1024;
const headBytes = 9;
/** Of a frame; the relay sends pieces of 32 KiB. */
const maxFrameBytes = 1 << 20;

/** Runs the relay with whatever Python 3 is there; `platform-python` is that of Red Hat's own tools. */
export const relayArgv: readonly string[] = [
  "/bin/sh",
  "-c",
  'for python in python3 /usr/libexec/platform-python; do command -v "$python" >/dev/null && exec "$python" -c "$1"; done; exit 127',
  "sh",
  program,
];

export interface RelayWorld {
  /** Why a command could not be started: what is missing is its `program` or its `folder`. */
  notStarted(missing: string, program: string, cwd: string | undefined): AdaptiveError;
  /** Why the relay has ended. */
  lost(exit: Exit): AdaptiveError;
}

/** Many commands over one process: `python/relay.py` describes how. */
export class Relay {
  /** Resolves with whether the program runs; where there is no Python it does not. */
  readonly isUp: Promise<boolean>;
  private readonly commands = new Map<number, RelayedCommand>();
  private received = Buffer.alloc(0);
  private last = 0;
  private endedBy: AdaptiveError | null = null;

  constructor(
    private readonly process: RunningProcess,
    private readonly world: RelayWorld,
  ) {
    const itself = new RelayedCommand((letter) => this.send(letter, 0));
    this.commands.set(0, itself);
    this.isUp = itself.started.then(
      () => true,
      () => false,
    );
    process.stdout.on("data", (chunk: Buffer) => this.hear(chunk));
    process.stdin.on("error", () => undefined);
    process.stderr.resume();
    void process.exit.then((exit) => this.end(world.lost(exit)));
  }

  /** As a transport does it. */
  async exec(argv: readonly string[], { stdin, ...options }: ExecOptions): Promise<RunningProcess> {
    const command = await this.open(argv, options, {});
    if (stdin !== undefined) command.stdin.end(stdin);
    return command;
  }

  /** As a transport does it. */
  async terminal(argv: readonly string[], { size, env, ...options }: TerminalOptions): Promise<Terminal> {
    const command = await this.open(argv, { ...options, env: { TERM: "xterm-256color", ...env } }, { size });
    return {
      input: command.stdin,
      output: command.stdout,
      resize: (to) => command.send("r", Buffer.from(JSON.stringify(to))),
      exit: command.exit,
    };
  }

  /** Ends it, and what runs over it hears that its input has ended. */
  dispose(): void {
    this.process.stdin.end();
  }

  private async open(
    argv: readonly string[],
    { cwd, env, signal }: Omit<ExecOptions, "stdin">,
    more: object,
  ): Promise<RelayedCommand> {
    if (signal.aborted) throw new AdaptiveError("cancelled", "Cancelled");
    if (this.endedBy !== null) throw this.endedBy;
    const number = (this.last += 1);
    const command = new RelayedCommand((letter, payload) => this.send(letter, number, payload));
    this.commands.set(number, command);
    this.send("o", number, Buffer.from(JSON.stringify({ argv, cwd, env, ...more })));
    const end = (): void => {
      command.kill();
      command.cancel(new AdaptiveError("cancelled", "Cancelled"));
    };
    signal.addEventListener("abort", end, { once: true });
    void command.exit.then(() => signal.removeEventListener("abort", end));
    const missing = await command.started;
    if (missing !== null) throw this.world.notStarted(missing, argv[0] ?? "", cwd);
    return command;
  }

  private send(letter: string, number: number, payload: Uint8Array = Buffer.alloc(0)): void {
    const head = Buffer.alloc(headBytes);
    head.write(letter, 0, "latin1");
    head.writeUInt32BE(number, 1);
    head.writeUInt32BE(payload.length, 5);
    this.process.stdin.write(Buffer.concat([head, payload]));
  }

  /** What comes from a host is no reason to fail here, nor to keep it: such a relay is given up. */
  private hear(chunk: Buffer): void {
    if (this.endedBy !== null) return;
    try {
      this.take(chunk);
    } catch (cause) {
      this.end(new AdaptiveError("bad-relay", "The host sent something else than output of commands", "", { cause }));
      this.dispose();
    }
  }

  private end(why: AdaptiveError): void {
    this.endedBy ??= why;
    for (const command of this.commands.values()) command.lose(this.endedBy);
    this.commands.clear();
    this.received = Buffer.alloc(0);
  }

  private take(chunk: Buffer): void {
    this.received = Buffer.concat([this.received, chunk]);
    while (this.received.length >= headBytes) {
      const end = headBytes + this.received.readUInt32BE(5);
      if (end > headBytes + maxFrameBytes) throw new RangeError("a frame that is too long");
      if (this.received.length < end) return;
      const letter = this.received.toString("latin1", 0, 1);
      const number = this.received.readUInt32BE(1);
      const payload = this.received.subarray(headBytes, end);
      this.received = this.received.subarray(end);
      this.commands.get(number)?.hear(letter, payload);
      if (letter === "x" || letter === "m") this.commands.delete(number);
    }
  }
}

/** One command, as the client sees it. */
class RelayedCommand implements RunningProcess {
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  readonly exit: Promise<Exit>;
  /** Resolves with what is missing for it, or null. */
  readonly started: Promise<string | null>;
  private readonly outputs: Readonly<Record<string, PassThrough>>;
  private inputAllowed = windowBytes;
  private hasEnded = false;
  private whenAllowed: (() => void) | null = null;
  private resolveExit: (exit: Exit) => void = () => undefined;
  private resolveStart: (missing: string | null) => void = () => undefined;
  private rejectStart: (why: AdaptiveError) => void = () => undefined;

  constructor(readonly send: (letter: string, payload?: Uint8Array) => void) {
    const [stdout, stderr] = [new PassThrough(), new PassThrough()];
    this.outputs = { "1": stdout, "2": stderr };
    this.stdout = stdout;
    this.stderr = stderr;
    this.stdin = new Writable({
      write: (chunk: Buffer, _encoding, done) => this.write(chunk, done),
      final: (done) => {
        this.send("i");
        done();
      },
    });
    const ended = new Promise<Exit>((resolve) => (this.resolveExit = resolve));
    this.exit = ended.then((exit) => whenRead([stdout, stderr]).then(() => exit));
    this.started = new Promise((resolve, reject) => {
      this.resolveStart = resolve;
      this.rejectStart = reject;
    });
  }

  kill(): void {
    this.send("k");
    for (const output of Object.values(this.outputs)) output.resume();
  }

  /** Nobody waits for its start any more. */
  cancel(why: AdaptiveError): void {
    this.rejectStart(why);
  }

  hear(letter: string, payload: Buffer): void {
    switch (letter) {
      case "s":
        return this.resolveStart(null);
      case "m":
        return this.resolveStart(payload.toString());
      case "i":
        this.inputAllowed += payload.readUInt32BE(0);
        return this.whenAllowed?.();
      case "x":
        return this.end(v.parse(exitSchema, JSON.parse(payload.toString())));
      default:
        return this.pass(letter, payload);
    }
  }

  lose(why: AdaptiveError): void {
    this.rejectStart(why);
    this.end({ code: null, signal: null, lost: why });
  }

  private end(exit: Exit): void {
    this.hasEnded = true;
    this.whenAllowed?.();
    for (const output of Object.values(this.outputs)) output.end();
    this.resolveExit(exit);
  }

  private pass(letter: string, payload: Buffer): void {
    const output = this.outputs[letter];
    // It may send as much as was allowed, and no more than that waits here.
    if ((output?.writableLength ?? 0) + payload.length > windowBytes) throw new RangeError("more than was allowed");
    if (payload.length === 0) output?.end();
    // Whoever has taken it may have as much again.
    else output?.write(payload, () => this.send(letter, countOf(payload.length)));
  }

  private write(chunk: Buffer, done: () => void): void {
    // Nobody takes what is left when it ends.
    if (this.hasEnded) return done();
    const piece = chunk.subarray(0, this.inputAllowed);
    if (piece.length > 0) this.send("i", piece);
    this.inputAllowed -= piece.length;
    if (piece.length === chunk.length) return done();
    this.whenAllowed = () => {
      this.whenAllowed = null;
      this.write(chunk.subarray(piece.length), done);
    };
  }
}

const exitSchema = v.object({ code: v.nullable(v.number()), signal: v.nullable(v.string()) });

function countOf(bytes: number): Buffer {
  const count = Buffer.alloc(4);
  count.writeUInt32BE(bytes);
  return count;
}

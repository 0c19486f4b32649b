import type { Readable, Writable } from "node:stream";

/** How commands are run on the machine where a scheduler lives: this one, or one reached over SSH. */
export interface Transport {
  /**
   * Starts a command; `argv` is passed on word by word, no shell reads it.
   * @throws AdaptiveError when it cannot be started
   */
  exec(argv: readonly string[], options: ExecOptions): Promise<RunningProcess>;
}

export interface ExecOptions {
  /** Written to standard input, which is then closed; without it, standard input stays open. */
  stdin?: string;
  cwd?: string;
  /** Added to the environment. */
  env?: Readonly<Record<string, string>>;
  /** Ends the process. */
  signal: AbortSignal;
}

export interface RunningProcess {
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Resolves, and never rejects, when the process has ended and its output is read. */
  readonly exit: Promise<Exit>;
}

export interface Exit {
  /** Null when a signal ended it. */
  code: number | null;
  signal: string | null;
}

import type { Readable, Writable } from "node:stream";
import type { AdaptiveError } from "../scheduler/state/errors";

/** The machine where a scheduler lives: this one, or one reached over SSH. */
export interface Transport extends CommandTransport {
  /**
   * Puts a file there, whole or not at all: under another name first, then, when its SHA-256 is right, renamed.
   * Missing folders are made, for its owner only.
   * @param file absolute path
   * @throws AdaptiveError `upload-failed`, `disk-full`, `cancelled`, or that of `exec`
   */
  upload(content: Uint8Array, file: string, options: UploadOptions): Promise<void>;
}

/** The shell that a person has there, as at a login. */
export const loginShell: readonly string[] = ["sh", "-c", 'exec "${SHELL:-sh}" -l'];

/** One on which a person may also work. */
export interface TerminalTransport extends Transport {
  /**
   * Starts a command in a terminal, as `exec` does; a login shell is `loginShell`.
   * @throws AdaptiveError as `exec`
   */
  terminal(argv: readonly string[], options: TerminalOptions): Promise<Terminal>;
}

/** How commands are run there; who only runs commands asks for no more. */
export interface CommandTransport {
  /** Absent for this computer. */
  readonly host?: { readonly name: string };
  /**
   * Starts a command in the environment of a plain command, not of a login. `argv` is passed on word by word: whatever
   * shell the person has there, none reads it. Standard output is the command's alone, without what the files of that
   * shell print.
   * @throws AdaptiveError `not-started` when there is no such program or folder, `cancelled`
   */
  exec(argv: readonly string[], options: ExecOptions): Promise<RunningProcess>;
}

export interface ExecOptions {
  /** Written to standard input, which is then closed; without it, standard input stays open. */
  stdin?: string | Uint8Array;
  /** Absolute path; without it the home directory there, and here the editor's own. */
  cwd?: string;
  /** Added to the environment. */
  env?: Readonly<Record<string, string>>;
  /** Ends the process. */
  signal: AbortSignal;
}

export interface UploadOptions {
  /** Permissions, by default 0o600. */
  mode?: number;
  /** Told how many bytes have been sent. */
  onProgress?: (sentBytes: number) => void;
  signal: AbortSignal;
}

export interface TerminalOptions extends Omit<ExecOptions, "stdin"> {
  size: TerminalSize;
}

/** In characters. */
export interface TerminalSize {
  rows: number;
  columns: number;
}

export interface Terminal {
  readonly input: Writable;
  /** What is to be shown. */
  readonly output: Readable;
  resize(size: TerminalSize): void;
  /** As of a process. */
  readonly exit: Promise<Exit>;
}

export interface RunningProcess {
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Resolves, and never rejects, when the process has ended and its output is read. */
  readonly exit: Promise<Exit>;
}

export interface Exit {
  /** Null when a signal ended it, or nobody knows. */
  code: number | null;
  signal: string | null;
  /** Why nobody knows: the connection was lost, and the process may run on. */
  lost?: AdaptiveError;
}

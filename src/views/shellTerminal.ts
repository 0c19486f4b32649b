import { PassThrough } from "node:stream";
import type { Pseudoterminal, TerminalDimensions } from "vscode";
import { Emitter } from "../remote/event";
import type { Exit, Terminal, TerminalSize } from "../remote/transport";
import { type AdaptiveError, toAdaptiveError } from "../scheduler/state/errors";
import { sentence } from "./format";
import { plain } from "./plain";

/**
 * Starts the shell.
 * @param onStep told what is being waited for
 * @param signal ends it
 */
export type StartShell = (size: TerminalSize, onStep: (step: string) => void, signal: AbortSignal) => Promise<Terminal>;

/** A shell on the run's machine in a terminal of the editor. One that did not end well stays to be read until a key is pressed. */
export class ShellTerminal implements Pseudoterminal {
  private readonly written = new Emitter<string>();
  private readonly closed = new Emitter<number | void>();
  readonly onDidWrite = this.written.event;
  readonly onDidClose = this.closed.event;
  /** What is typed before the shell is there waits for it. */
  private readonly typed = new PassThrough();
  private readonly closing = new AbortController();
  private size: TerminalSize = { rows: 24, columns: 80 };
  private shell: Terminal | null = null;
  private ended: { code: number | undefined } | null = null;

  constructor(private readonly start: StartShell) {}

  open(dimensions: TerminalDimensions | undefined): void {
    if (dimensions !== undefined) this.size = dimensions;
    void this.run();
  }

  /** A person has closed it. */
  close(): void {
    this.closing.abort();
  }

  handleInput(text: string): void {
    if (this.ended === null) this.typed.write(text);
    else this.closed.fire(this.ended.code);
  }

  setDimensions(dimensions: TerminalDimensions): void {
    this.size = dimensions;
    this.shell?.resize(dimensions);
  }

  private async run(): Promise<void> {
    const { size } = this;
    try {
      const shell = await this.start(size, (step) => this.say(`${step}…`), this.closing.signal);
      this.shell = shell;
      if (this.size !== size) shell.resize(this.size);
      this.typed.pipe(shell.input);
      shell.output.setEncoding("utf8").on("data", (text: string) => this.written.fire(text));
      const exit = await shell.exit;
      this.end(exit.code ?? undefined, lastWords(exit));
    } catch (error) {
      this.end(undefined, wordsOf(toAdaptiveError(error)));
    }
  }

  private end(code: number | undefined, words: string | null): void {
    this.shell = null;
    this.ended = { code };
    if (words === null || this.closing.signal.aborted) return this.closed.fire(code);
    // What ran may have left another screen, and the cursor hidden.
    this.written.fire("\x1b[?1047l\x1b[!p");
    this.say(`${words} Press any key to close.`);
  }

  private say(words: string): void {
    this.written.fire(`\r\n\x1b[2m${plain(words)}\x1b[0m\r\n`);
  }
}

/** What is to be said of how a shell ended; null when it just ended. */
export function lastWords({ code, signal, lost }: Exit): string | null {
  if (lost !== undefined) return `${wordsOf(lost)} Jobs go on.`;
  if (code === 0) return null;
  return code === null ? `Ended by ${signal ?? "a signal"}.` : `Ended with exit code ${code}.`;
}

function wordsOf({ message, hint }: AdaptiveError): string {
  return `${sentence(message)}${hint === "" ? "" : ` ${hint}`}`;
}

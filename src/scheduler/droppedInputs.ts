/** Where inputs come from. */
export type Source = "a worker" | "a client" | "the socket" | "attach";

const noteEveryMs = 60_000;
const maxWhyLength = 200;

/**
 * No input ends the scheduler: what cannot be understood is dropped and noted here. Of each source a line at once and
 * then one a minute that counts the others, so that a flood does not fill the disk; and never what came, which may be
 * a secret or pose as a line of the log.
 */
export class DroppedInputs {
  private readonly noted = new Map<Source, { at: number; unsaid: number }>();

  constructor(
    private readonly write: (line: string) => void,
    private readonly now: () => number,
  ) {}

  /** @param why in our words */
  note(source: Source, why: string): void {
    const last = this.noted.get(source);
    if (last && this.now() - last.at < noteEveryMs) {
      last.unsaid++;
      return;
    }
    const others = last && last.unsaid > 0 ? `, as were ${last.unsaid} more since the last such line` : "";
    this.write(`a message of ${source} was dropped (${printable(why)})${others}`);
    this.noted.set(source, { at: this.now(), unsaid: 0 });
  }

  /** Takes in one input; what goes wrong costs that input alone. */
  async guard(source: Source, act: () => Promise<unknown> | void): Promise<void> {
    try {
      await act();
    } catch (error) {
      this.note(source, placeOf(error));
    }
  }
}

/** What an unforeseen error was and where, without its message: that of a parser quotes what it read. */
function placeOf(error: unknown): string {
  if (!(error instanceof Error)) return "an error that is none";
  const frame = /^ +at .*$/m.exec(error.stack ?? "")?.[0].trim() ?? "nowhere";
  return `${error.name} ${frame}`;
}

function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, "?").slice(0, maxWhyLength);
}

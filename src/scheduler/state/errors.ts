/**
 * An error meant for a person: what happened, and what to do next. Errors of libraries and of the
 * operating system are turned into one at the edge where they arise.
 */
export class AdaptiveError extends Error {
  override readonly name = "AdaptiveError";
  /** The next step, as a sentence; empty when the message says it already. */
  readonly hint: string;
  /** A line for a shell of that machine, which is the next step; null when there is none. */
  readonly command: string | null;

  constructor(
    /** Stable, for programs: e.g. `python-missing`. */
    readonly code: string,
    message: string,
    hint = "",
    options: ErrorOptions & { command?: string } = {},
  ) {
    super(readable(message), options);
    this.hint = readable(hint);
    this.command = options.command ?? null;
  }
}

const maxWordsLength = 2000;
/** Programs say last what went wrong. */
const keptEndLength = 500;

/** Words may quote a file or what a program printed, which may be anything: nobody reads pages. */
function readable(words: string): string {
  if (words.length <= maxWordsLength) return words;
  return `${words.slice(0, maxWordsLength - keptEndLength - 1)}…${words.slice(-keptEndLength)}`;
}

/** Any thrown value as an AdaptiveError; one that is not already is `disk-full` or `unexpected`. */
export function toAdaptiveError(error: unknown): AdaptiveError {
  if (error instanceof AdaptiveError) return error;
  if (isDiskFull(error)) return diskFull(pathOf(error), error);
  const message = error instanceof Error ? error.message : String(error);
  return new AdaptiveError("unexpected", message, "", { cause: error });
}

/** The code of an operating system error (`ENOENT`), or undefined for anything else. */
export function errnoOf(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}

/** What an operating system error is about, where it says so. */
export function pathOf(error: unknown): string | null {
  return error instanceof Error && "path" in error && typeof error.path === "string" ? error.path : null;
}

export function isDiskFull(error: unknown): error is Error {
  return ["ENOSPC", "EDQUOT"].includes(errnoOf(error) ?? "");
}

/** @param path something on that disk, as far as it is known */
export function diskFull(path: string | null, cause: unknown): AdaptiveError {
  const what = path === null ? "The disk is full." : `The disk of ${path} is full.`;
  return new AdaptiveError("disk-full", what, "Make room and try again; nothing is lost.", { cause });
}

/** What could not even be started: it is not there, or is no program. */
export function commandMissing(program: string, cause: Error): AdaptiveError {
  const isAbsent = errnoOf(cause) === "ENOENT";
  const message = isAbsent ? `There is no ${program} on PATH here.` : `${program} cannot be run: ${cause.message}.`;
  const hint = program === "bash" ? "Jobs and their Python are run with it: install it, or start where it is." : "";
  return new AdaptiveError("command-missing", message, hint, { cause });
}

/**
 * An error meant for a person: what happened, and what to do next. Errors of libraries and of the
 * operating system are turned into one at the edge where they arise.
 */
export class AdaptiveError extends Error {
  override readonly name = "AdaptiveError";

  constructor(
    /** Stable, for programs: e.g. `python-missing`. */
    readonly code: string,
    message: string,
    /** The next step, as a sentence; empty when the message says it already. */
    readonly hint = "",
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** Any thrown value as an AdaptiveError; one that is not already is `unexpected`. */
export function toAdaptiveError(error: unknown): AdaptiveError {
  if (error instanceof AdaptiveError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new AdaptiveError("unexpected", message, "", { cause: error });
}

/** The code of an operating system error (`ENOENT`), or undefined for anything else. */
export function errnoOf(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}

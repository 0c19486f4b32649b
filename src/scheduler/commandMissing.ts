import { AdaptiveError, errnoOf } from "./state/errors";

/** What could not even be started: it is not there, or is no program. */
export function commandMissing(program: string, cause: Error): AdaptiveError {
  const isAbsent = errnoOf(cause) === "ENOENT";
  const message = isAbsent ? `There is no ${program} on PATH here.` : `${program} cannot be run: ${cause.message}.`;
  const hint = program === "bash" ? "Jobs and their Python are run with it: install it, or start where it is." : "";
  return new AdaptiveError("command-missing", message, hint, { cause });
}

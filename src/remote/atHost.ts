import { AdaptiveError, toAdaptiveError } from "../scheduler/state/errors";
import type { CommandTransport } from "./transport";

/**
 * What went wrong with something that was asked of a machine, in words that name the host: a person may know several,
 * and a path in what it says is none of this computer's.
 */
export function atHost({ host }: Pick<CommandTransport, "host">, error: unknown): AdaptiveError {
  const known = toAdaptiveError(error);
  const { code, message, hint, command } = known;
  if (host === undefined || code === "cancelled" || message.includes(host.name)) return known;
  const options = { cause: known, ...(command !== null && { command }) };
  return new AdaptiveError(code, `${host.name}: ${message}`, hint, options);
}

import { AdaptiveError } from "../../scheduler/state/errors";
import type { Probe } from "./probe";

const elsewhere = 'or choose another place: "installFolder" of this host in adaptive.clusters.';

/**
 * What keeps anything from being installed, or null.
 * @param neededBytes of what is missing there
 */
export function placeProblem({ place }: Pick<Probe, "place">, neededBytes: number): AdaptiveError | null {
  const { path, problem, freeBytes } = place;
  if (problem !== null) return installError(path, problem);
  if (freeBytes === null || freeBytes >= neededBytes) return null;
  return fullError(path, `${megabytes(freeBytes)} MB are free, ${megabytes(neededBytes)} MB are needed`);
}

/** What the system said while something was installed, in words for a person. */
export function installError(place: string, said: string): AdaptiveError {
  const lines = said.trim().split("\n");
  // The cause comes before what follows from it, such as tar's own "Exiting with failure status".
  const full = lines.find((line) => /no space left|quota exceeded/i.test(line));
  if (full !== undefined) return fullError(place, full);
  const denied = lines.find((line) =>
    /permission denied|read-only file system|not permitted|not a directory|nonexistent/i.test(line),
  );
  if (denied !== undefined) {
    return new AdaptiveError(
      "not-writable",
      `Nothing can be written to ${place} on the head node (${denied}).`,
      `Make it writable, ${elsewhere}`,
      { cause: said },
    );
  }
  const last = lines.at(-1) ?? "";
  return new AdaptiveError(
    "install-failed",
    `The scheduler could not be installed in ${place}: ${last || "the head node did not say why"}`,
    "See the log.",
    { cause: said },
  );
}

function fullError(place: string, why: string): AdaptiveError {
  return new AdaptiveError(
    "disk-full",
    `There is no room for the scheduler in ${place} on the head node (${why}).`,
    `Delete something there, ask the site for a larger quota, ${elsewhere}`,
  );
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0);
}

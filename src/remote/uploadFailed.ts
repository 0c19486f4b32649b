import { AdaptiveError } from "../scheduler/state/errors";

/** Why a file could not be put on a machine, said the same of each. */
export function uploadFailed(file: string, isFull: boolean, cause: string): AdaptiveError {
  return isFull
    ? new AdaptiveError("disk-full", `There is no room for ${file}`, "Make room there or raise your quota.", { cause })
    : new AdaptiveError("upload-failed", `${file} could not be written: ${cause}`, "Check that you may write there.", {
        cause,
      });
}

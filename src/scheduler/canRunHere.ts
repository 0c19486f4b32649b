/**
 * The program's first import: where it cannot run it says so in a sentence, before anything is loaded
 * that such a machine does not have, and whose stack trace would help nobody.
 */
import { exitCodes } from "./commandLine/program";
import { printFailure } from "./commandLine/printFailure";
import { AdaptiveError } from "./state/errors";

const onWindows = new AdaptiveError(
  "windows",
  "Studies run on Linux and macOS: Windows has no bash for their jobs.",
  "Open the folder in WSL, or on the cluster's head node with Remote - SSH, and install the extension there.",
);

if (process.platform === "win32") end(onWindows);
process.once("uncaughtException", endLoading);

/** From here on an error that nobody handles is a bug, whose stack trace helps. */
export function loaded(): void {
  process.off("uncaughtException", endLoading);
}

function endLoading(cause: Error): void {
  const [why = ""] = cause.message.split("\n");
  const here = `${process.platform}-${process.arch} with Node ${process.versions.node}`;
  end(
    new AdaptiveError(
      "not-loaded",
      `The scheduler cannot run on this machine (${here}): ${why}`,
      "It runs on Linux and macOS, with x64 or arm64 processors and Node 18 or newer.",
      { cause },
    ),
  );
}

function end(error: AdaptiveError): never {
  printFailure(process.argv, error);
  process.exit(exitCodes.error);
}

import { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { formatBytes } from "../control/bytes";
import { AdaptiveError } from "../state/errors";
import type { RunDirectory } from "../state/runDirectory";
import { receiveStudy } from "../study/receive";
import { listResults, packResults } from "../study/results";
import { exitCodes, type Program } from "./program";
import { formatCount, plural } from "../state/counts";

/** Takes the files of a study from standard input into a folder; the editor's half is `remote/studySync`. */
export async function receive(folder: string, from: string, json: boolean, program: Program): Promise<number> {
  const received = await receiveStudy(folder, from, process.stdin);
  const { missing, changed, removed, keptAside } = received;
  if (json) program.printJson(received);
  else if (missing.length > 0) program.print(`Nothing was changed: ${missing.join(", ")} must be sent.`);
  else {
    program.print(`New: ${plural(changed, "file")}; gone: ${formatCount(removed)}.`);
    keptAside.forEach((path) => program.print(`What was edited here is now in ${path}`));
  }
  return exitCodes.success;
}

function nothingToPack({ path }: RunDirectory): AdaptiveError {
  return new AdaptiveError(
    "usage",
    "Standard input names no data file for --pack to send.",
    `Name some, one a line, of those that this lists: adaptive-scheduler results ${path}`,
  );
}

/** Lists a run's data files, or gives those named on standard input, one a line, as a pack. */
export async function results(
  directory: RunDirectory,
  { json, packed }: { json: boolean; packed: boolean },
  program: Program,
): Promise<number> {
  if (packed) {
    const paths = (await text(process.stdin)).split("\n").filter(Boolean);
    if (paths.length === 0) throw nothingToPack(directory);
    // Standard output stays open: the program's last words go there too.
    await pipeline(Readable.from(packResults(directory.path, paths)), process.stdout, { end: false });
    return exitCodes.success;
  }
  const files = await listResults(directory, await program.assets.wasm());
  if (json) program.printJson({ folder: directory.path, files });
  else files.forEach(({ path, size }) => program.print(`${formatBytes(size).padStart(10)}  ${path}`));
  return exitCodes.success;
}

import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import * as v from "valibot";
import { pack, type PackedFile } from "../../scheduler/control/pack";
import { AdaptiveError } from "../../scheduler/state/errors";
import { atHost } from "../atHost";
import { exchangeForAnswer, type Reach } from "./exchange";

const receivedSchema = v.object({
  missing: v.array(v.string()),
  changed: v.number(),
  removed: v.number(),
  /** What somebody had edited on the cluster, under its new name there. */
  keptAside: v.array(v.string()),
});
/** What came of it, and what is there now: SHA-256 by path. */
export type Received = v.InferOutput<typeof receivedSchema> & { sent: Readonly<Record<string, string>> };

/** It names at most all files of a study. */
const maxAnswerBytes = 32 << 20;
/** Somebody may be editing. */
const attempts = 3;

/**
 * Brings a folder on the cluster in line with files of this computer: names them all, and sends those that are
 * missing or different there.
 * @param paths relative to the folder
 * @param there absolute path on the cluster; made when it is not there
 * @param sender who sends and from where, in words
 * @throws AdaptiveError `changed-meanwhile`, what the program there says, or that of the transport
 */
export async function sendStudy(
  reach: Reach,
  folder: string,
  paths: readonly string[],
  there: string,
  sender: string,
): Promise<Received> {
  let missing: readonly string[] = [];
  for (let attempt = 0; attempt < attempts; attempt++) {
    const files = await Promise.all(paths.map((path) => describeFile(folder, path)));
    const received = await send(reach, folder, files, new Set(missing), ["receive", there, "--from", sender, "--json"]);
    if (received.missing.length === 0) {
      return { ...received, sent: Object.fromEntries(files.map(({ path, sha256 }) => [path, sha256])) };
    }
    ({ missing } = received);
    const strange = missing.find((path) => !paths.includes(path));
    if (strange !== undefined) throw notOfStudy(reach, strange);
  }
  throw new AdaptiveError(
    "changed-meanwhile",
    `${missing.slice(0, 5).join(", ")} changed while the study was sent.`,
    "Try again.",
  );
}

function notOfStudy({ transport }: Reach, path: string): AdaptiveError {
  const what = `The scheduler program asks for ${path}, which is no file of the study.`;
  return atHost(transport, new AdaptiveError("bad-answer", what, "Nothing of it was sent; see the log."));
}

/** @param path relative to the folder */
export async function describeFile(folder: string, path: string): Promise<PackedFile & { sha256: string }> {
  const hash = createHash("sha256");
  const { size, mode } = await stat(join(folder, path));
  await pipeline(createReadStream(join(folder, path)), hash);
  return { path, size, isExecutable: (mode & 0o100) !== 0, sha256: hash.digest("hex") };
}

async function send(
  reach: Reach,
  folder: string,
  files: readonly PackedFile[],
  withContent: ReadonlySet<string>,
  args: readonly string[],
): Promise<v.InferOutput<typeof receivedSchema>> {
  const packed = files.map((file) => (withContent.has(file.path) ? file : { ...file, size: null }));
  const stream = pack(packed, (path) => createReadStream(join(folder, path)));
  return exchangeForAnswer(reach, args, stream, { schema: receivedSchema, maxBytes: maxAnswerBytes });
}

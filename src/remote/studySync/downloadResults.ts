import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { lstat, mkdir, rename, rm, statfs } from "node:fs/promises";
import { dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import * as v from "valibot";
import { formatBytes } from "../../scheduler/control/bytes";
import { unpack } from "../../scheduler/control/pack";
import { AdaptiveError, errnoOf } from "../../scheduler/state/errors";
import { judgeDataName } from "./dataName";
import { exchange, exchangeForAnswer, type Reach } from "./exchange";
import { type Ledger, type Place, placeAside, planDownload, type Refused, type ResultFile } from "./planDownload";

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const resultsSchema = v.object({
  files: v.array(v.object({ path: v.string(), size: count, modifiedMs: v.pipe(v.number(), v.finite()) })),
});
/** Of 100 000 learners with a data frame each, some 40 MB. */
const maxListBytes = 256 << 20;
/** How much a file may have grown since it was listed. */
const maxGrowth = 2;
const maxGrownBytes = 64 << 20;
const looksAtOnce = 64;

export interface Downloading {
  /** The run's state folder on the cluster. */
  run: string;
  /** The study's folder on this computer. */
  folder: string;
  /** The study's own files, relative to its folder. */
  own: ReadonlySet<string>;
  /** Kept from one download to the next. */
  ledger: { load(): Ledger; save(ledger: Ledger): void };
  /** What a person has agreed to have written into the study's folder, kept likewise. */
  agreed: ReadonlySet<string>;
  /** Shows a person what would be written that they have not agreed to; false when they would rather not. */
  agree(places: readonly Place[]): Promise<boolean>;
  onProgress: (doneBytes: number, ofBytes: number) => void;
}

export interface Downloaded {
  fetched: number;
  unchanged: number;
  /** Where files of this computer are now that were in the way. */
  keptAside: string[];
  /** What the cluster listed and was not written here. */
  refused: readonly Refused[];
}

/**
 * Fetches the data files of a run that are new or have changed. What the cluster lists is a stranger's word: names are
 * judged, a person agrees to the places, and nothing is written that was not asked for.
 * @throws AdaptiveError `cancelled`, `disk-full`, `bad-pack`, what the program there says, or that of the transport
 */
export async function downloadResults(
  reach: Reach,
  { run, folder, own, ledger, agreed, agree, onProgress }: Downloading,
): Promise<Downloaded> {
  const asking = { schema: resultsSchema, maxBytes: maxListBytes };
  const { files } = await exchangeForAnswer(reach, ["results", run, "--json"], [], asking);
  const last = ledger.load();
  const here = new Map<string, "file" | { why: string }>();
  const paths = files.map(({ path }) => path).filter((path) => judgeDataName(path).kind === "data");
  for (let i = 0; i < paths.length; i += looksAtOnce) {
    const looks = paths.slice(i, i + looksAtOnce).map(async (path) => [path, await look(folder, path)] as const);
    for (const [path, found] of await Promise.all(looks)) if (found !== null) here.set(path, found);
  }
  const { fetch, unchanged, refused, toAgree } = planDownload(files, {
    ...{ ledger: last, here, own, agreed },
    foldsNames: process.platform !== "linux",
  });
  if (toAgree.length > 0 && !(await agree(toAgree))) throw new AdaptiveError("cancelled", "Cancelled");
  const keptAside = fetch.length === 0 ? [] : await fetchAll(reach, { run, folder, ledger, onProgress }, fetch);
  return { fetched: fetch.length, unchanged, keptAside, refused };
}

/** @returns where files of this computer are now that were in the way */
async function fetchAll(
  reach: Reach,
  { run, folder, ledger, onProgress }: Pick<Downloading, "run" | "folder" | "ledger" | "onProgress">,
  wanted: readonly ResultFile[],
): Promise<string[]> {
  const ofBytes = wanted.reduce((sum, { size }) => sum + size, 0);
  await checkSpace(folder, ofBytes);
  const asked = new Map(wanted.map((file) => [file.path, file]));
  const known = new Map(Object.entries(ledger.load()));
  const keptAside: string[] = [];
  let doneBytes = 0;
  await exchange(
    reach,
    ["results", run, "--pack"],
    wanted.map(({ path }) => `${path}\n`),
    (stdout) =>
      unpack(stdout, async ({ path, size }, content) => {
        const file = asked.get(path);
        // Only what was asked for is written here, once.
        if (file === undefined || size === null) throw badPack("holds a file that nobody asked for");
        asked.delete(path);
        if (size > Math.max(file.size * maxGrowth, file.size + maxGrownBytes)) {
          throw badPack(`holds a file of ${formatBytes(size)} that was listed with ${formatBytes(file.size)}`);
        }
        const found = await look(folder, path);
        if (found !== null && found !== "file") throw inTheWay(path, found.why);
        const sha256 = await fetchOne(folder, path, content, (bytes) => onProgress((doneBytes += bytes), ofBytes));
        const aside = await settle(folder, path, sha256, known.get(path)?.sha256);
        if (aside !== null) keptAside.push(aside);
        known.set(path, { size: file.size, modifiedMs: file.modifiedMs, sha256 });
      }).then(() => true),
  ).finally(() => ledger.save(Object.fromEntries(known)));
  return keptAside;
}

/** @returns its SHA-256 */
async function fetchOne(
  folder: string,
  path: string,
  content: AsyncIterable<Uint8Array>,
  onBytes: (bytes: number) => void,
): Promise<string> {
  const hash = createHash("sha256");
  const partial = partialOf(folder, path);
  await mkdir(dirname(partial), { recursive: true });
  await rm(partial, { force: true });
  try {
    await pipeline(
      content,
      async function* (chunks: AsyncIterable<Uint8Array>) {
        for await (const chunk of chunks) {
          hash.update(chunk);
          onBytes(chunk.length);
          yield chunk;
        }
      },
      createWriteStream(partial, { flags: "wx" }),
    );
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
  return hash.digest("hex");
}

/** Puts a file that was fetched into its place; what is there and is nobody's but this computer's is kept beside it. */
async function settle(folder: string, path: string, fetched: string, last: string | undefined): Promise<string | null> {
  const own = await sha256Of(join(folder, path));
  const aside = own === null ? null : placeAside(path, own, fetched, last);
  if (aside !== null) await rename(join(folder, path), join(folder, aside));
  await rename(partialOf(folder, path), join(folder, path));
  return aside;
}

function partialOf(folder: string, path: string): string {
  return `${join(folder, path)}.${process.pid}.part`;
}

async function sha256Of(file: string): Promise<string | null> {
  const hash = createHash("sha256");
  try {
    await pipeline(createReadStream(file), hash);
    return hash.digest("hex");
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return null;
    throw error;
  }
}

/** What is where a file would be written: nothing, a file, or what must not be written through or over. */
async function look(folder: string, path: string): Promise<"file" | { why: string } | null> {
  const names = path.split("/");
  for (let depth = 1; depth <= names.length; depth++) {
    const at = names.slice(0, depth).join("/");
    const stats = await lstat(join(folder, at)).catch((error: unknown) => {
      if (errnoOf(error) === "ENOENT") return null;
      throw error;
    });
    if (stats === null) return null;
    if (stats.isSymbolicLink()) return { why: `goes through the link ${at}: a real folder or file is written to` };
    if (depth === names.length) return stats.isFile() ? "file" : { why: "is no file here" };
    if (!stats.isDirectory()) return { why: `would be in ${at}, which is no folder here` };
  }
  return null;
}

async function checkSpace(folder: string, bytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  if (bytes <= bavail * bsize) return;
  throw new AdaptiveError(
    "disk-full",
    `The data is ${formatBytes(bytes)}, and ${folder} has room for ${formatBytes(bavail * bsize)}.`,
    "Make room, and download again.",
  );
}

function badPack(why: string): AdaptiveError {
  return new AdaptiveError(
    "bad-pack",
    `What the cluster sent ${why}; the rest was not taken.`,
    "Download again. If it happens again, tell whoever looks after that cluster: its answers are not our program's.",
  );
}

function inTheWay(path: string, why: string): AdaptiveError {
  return new AdaptiveError("in-the-way", `${path} ${why}.`, "Move it away, and download again.");
}

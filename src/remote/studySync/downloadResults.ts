import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { mkdir, rename, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { text } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import * as v from "valibot";
import { unpack } from "../../scheduler/control/pack";
import { errnoOf } from "../../scheduler/state/errors";
import { answerOf } from "../launch";
import { exchange, type Reach } from "./exchange";
import { type Ledger, placeAside, planDownload, type ResultFile } from "./planDownload";

const resultsSchema = v.object({
  files: v.array(v.object({ path: v.string(), size: v.number(), modifiedMs: v.number() })),
});

export interface Downloading {
  /** The run's state folder on the cluster. */
  run: string;
  /** The study's folder on this computer. */
  folder: string;
  /** Kept from one download to the next. */
  ledger: { load(): Ledger; save(ledger: Ledger): void };
  onProgress: (doneBytes: number, ofBytes: number) => void;
}

export interface Downloaded {
  fetched: number;
  unchanged: number;
  /** Where files of this computer are now that were in the way. */
  keptAside: string[];
}

/** Fetches the data files of a run that are new or have changed. */
export async function downloadResults(
  reach: Reach,
  { run, folder, ledger, onProgress }: Downloading,
): Promise<Downloaded> {
  const said = await exchange(reach, ["results", run, "--json"], [], async (stdout) => await text(stdout));
  const { files } = answerOf("results", resultsSchema, said);
  const last: Record<string, Ledger[string]> = { ...ledger.load() };
  const wanted = planDownload(files, last, await existing(folder, files));
  const keptAside: string[] = [];
  const byPath = new Map(wanted.map((file) => [file.path, file]));
  const ofBytes = wanted.reduce((sum, { size }) => sum + size, 0);
  let doneBytes = 0;
  if (wanted.length > 0) {
    const names = wanted.map(({ path }) => `${path}\n`);
    await exchange(reach, ["results", run, "--pack"], names, (stdout) =>
      unpack(stdout, async ({ path }, content) => {
        const asked = byPath.get(path);
        // Only what was asked for is written here.
        if (asked === undefined) return;
        const fetched = await fetchOne(folder, path, content, (bytes) => onProgress((doneBytes += bytes), ofBytes));
        const aside = await settle(folder, path, fetched, last);
        if (aside !== null) keptAside.push(aside);
        last[path] = { size: asked.size, modifiedMs: asked.modifiedMs, sha256: fetched };
      }).then(() => true),
    ).finally(() => ledger.save(last));
  }
  return { fetched: wanted.length, unchanged: files.length - wanted.length, keptAside };
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
  await pipeline(
    content,
    async function* (chunks: AsyncIterable<Uint8Array>) {
      for await (const chunk of chunks) {
        hash.update(chunk);
        onBytes(chunk.length);
        yield chunk;
      }
    },
    createWriteStream(partial),
  );
  return hash.digest("hex");
}

/** Puts a file that was fetched into its place; what is there and is nobody's but this computer's is kept beside it. */
async function settle(folder: string, path: string, fetched: string, ledger: Ledger): Promise<string | null> {
  const own = await sha256Of(join(folder, path));
  const aside = own === null ? null : placeAside(path, own, fetched, ledger);
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

async function existing(folder: string, files: readonly ResultFile[]): Promise<ReadonlySet<string>> {
  const found = await Promise.all(
    files.map(({ path }) =>
      stat(join(folder, path)).then(
        () => path,
        () => null,
      ),
    ),
  );
  return new Set(found.filter((path) => path !== null));
}

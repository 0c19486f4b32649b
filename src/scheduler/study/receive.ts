import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { chmod, mkdir, readFile, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import * as v from "valibot";
import { isSafePath, unpack, type PackedFile } from "../control/pack";
import { AdaptiveError, errnoOf } from "../state/errors";
import { writeFileAtomically } from "../state/files";
import { RunDirectory } from "../state/runDirectory";

/** The files of a study by their content: SHA-256 by path, relative to its folder. */
export type Contents = Readonly<Record<string, string>>;

/** What was sent last: what differs from it was edited here. */
const sentSchema = v.object({
  /** Who sent it and from where, in words. */
  from: v.string(),
  contents: v.record(v.pipe(v.string(), v.check(isSafePath)), v.string()),
});
type Sent = v.InferOutput<typeof sentSchema>;

/** What became of a study's folder. */
export interface Received {
  /** Still to be sent; nothing was changed as long as there is one. */
  missing: string[];
  changed: number;
  removed: number;
  /** Where files are now that somebody had edited here. */
  keptAside: string[];
}

const sentFile = ".adaptive-sent.json";

/**
 * Brings a study's folder on a cluster in line with the one it was sent from. What was never sent (data, what people
 * put there) stays, and what somebody edited here is kept beside its new version.
 *
 * @param from who sends it and from where, in words; two studies of one name must not become one
 * @param input a pack of all its files, each with its hash; those that are here already need only be named
 * @throws AdaptiveError `other-study`, `bad-pack`, `disk-full`, `not-writable`
 */
export async function receiveStudy(folder: string, from: string, input: AsyncIterable<Uint8Array>): Promise<Received> {
  const staging = join(folder, `.adaptive-incoming-${process.pid}`);
  try {
    const last = await readSent(folder);
    if (last !== null && last.from !== from) throw otherStudy(folder, last.from);
    const sent = last?.contents ?? {};
    await mkdir(staging, { recursive: true, mode: 0o700 });
    const { wanted, arrived } = await readInput(input, staging);
    const here = await contentsOf(folder, Object.keys({ ...sent, ...wanted }));
    const plan = planReceipt(wanted, sent, here, arrived);
    if (plan.missing.length > 0) return { missing: plan.missing, changed: 0, removed: 0, keptAside: [] };
    for (const { path, aside } of plan.aside) await rename(join(folder, path), join(folder, aside));
    for (const path of plan.place) {
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await rename(join(staging, path), join(folder, path));
    }
    for (const path of plan.remove) await rm(join(folder, path));
    await writeFileAtomically(join(folder, sentFile), JSON.stringify({ from, contents: wanted }));
    const keptAside = plan.aside.map(({ aside }) => aside);
    return { missing: [], changed: plan.place.length, removed: plan.remove.length, keptAside };
  } catch (error) {
    throw new RunDirectory(folder, ".adaptive").explain(error);
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

/** What is to be done with a folder that has `here` where `sent` was sent last and `wanted` is to be. */
export function planReceipt(wanted: Contents, sent: Contents, here: Contents, arrived: Contents) {
  const different = Object.keys(wanted).filter((path) => here[path] !== wanted[path]);
  return {
    missing: different.filter((path) => arrived[path] !== wanted[path]),
    place: different,
    remove: Object.keys(sent).filter((path) => !Object.hasOwn(wanted, path) && here[path] === sent[path]),
    aside: different.flatMap((path) => {
      const own = here[path];
      if (own === undefined || own === sent[path]) return [];
      return [{ path, aside: `${path}.edited-${own.slice(0, 8)}` }];
    }),
  };
}

async function readInput(
  input: AsyncIterable<Uint8Array>,
  staging: string,
): Promise<{ wanted: Contents; arrived: Contents }> {
  const wanted: Record<string, string> = {};
  const arrived: Record<string, string> = {};
  await unpack(input, async (file, content) => {
    if (file.sha256 !== undefined) wanted[file.path] = file.sha256;
    if (file.size !== null) arrived[file.path] = await save(file, content, staging);
  });
  return { wanted, arrived };
}

async function save(file: PackedFile, content: AsyncIterable<Uint8Array>, staging: string): Promise<string> {
  const path = join(staging, file.path);
  const hash = createHash("sha256");
  await mkdir(dirname(path), { recursive: true });
  await pipeline(
    content,
    async function* (chunks: AsyncIterable<Uint8Array>) {
      for await (const chunk of chunks) {
        hash.update(chunk);
        yield chunk;
      }
    },
    createWriteStream(path),
  );
  if (file.isExecutable) await chmod(path, 0o755);
  return hash.digest("hex");
}

async function readSent(folder: string): Promise<Sent | null> {
  try {
    return v.parse(sentSchema, JSON.parse(await readFile(join(folder, sentFile), "utf8")));
  } catch (error) {
    // Without it everything that differs is taken for edited here, and kept.
    if (errnoOf(error) === "ENOENT" || errnoOf(error) === "ENOTDIR") return null;
    if (error instanceof SyntaxError || v.isValiError(error)) return null;
    throw error;
  }
}

function otherStudy(folder: string, from: string): AdaptiveError {
  return new AdaptiveError(
    "other-study",
    `${folder} holds the study of ${from}.`,
    `Give this study's folder another name or send it elsewhere ("runRoot" of this host in adaptive.clusters); to go on with that one from here, delete ${join(folder, sentFile)}.`,
  );
}

async function contentsOf(folder: string, paths: readonly string[]): Promise<Contents> {
  const contents: Record<string, string> = {};
  for (const path of paths) {
    const hash = createHash("sha256");
    try {
      await pipeline(createReadStream(join(folder, path)), hash);
      contents[path] = hash.digest("hex");
    } catch (error) {
      if (errnoOf(error) !== "ENOENT" && errnoOf(error) !== "ENOTDIR") throw error;
    }
  }
  return contents;
}

import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { access, mkdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import { AdaptiveError, errnoOf, toAdaptiveError } from "../../scheduler/state/errors";
import { type Architecture, type NodeArchive, nodeRelease } from "./nodeRelease";

/** Where a person wants to take Node from: an archive on this computer, or a site. */
export type NodeSource = { kind: "file"; path: string } | { kind: "site"; from: NodeArchive["from"] };

export interface NodeFetching {
  /** On this computer. */
  cacheFolder: string;
  /** `fetch`. */
  download: (url: string, signal: AbortSignal) => Promise<AsyncIterable<Uint8Array>>;
  signal: AbortSignal;
}

/**
 * Fetches the pinned Node onto this computer and checks it; one that was fetched from a site before is there already.
 * @returns the program alone, compressed, as a file
 * @throws AdaptiveError `node-not-fetched`, `node-checksum`, `node-not-unpacked`, `cancelled`
 */
export async function fetchNode(
  architecture: Architecture,
  source: NodeSource,
  { cacheFolder, download, signal }: NodeFetching,
): Promise<string> {
  const target = join(cacheFolder, programName(architecture));
  const partial = `${target}.${process.pid}.part`;
  const downloaded = `${target}.${process.pid}.archive`;
  if (source.kind === "site" && (await exists(target))) return target;
  await mkdir(cacheFolder, { recursive: true });
  try {
    const archives = nodeRelease.archives[architecture];
    const wanted = archives.filter((one) => source.kind === "file" || source.from === one.from);
    const [first] = wanted;
    const file = source.kind === "file" ? source.path : downloaded;
    if (source.kind === "site" && first) await save(first.url, downloaded, download, signal);
    const sha256 = await sha256Of(file);
    const archive = wanted.find((one) => one.sha256 === sha256);
    if (archive === undefined) throw wrongArchive(source, sha256, archives);
    await extract(file, archive.member, partial, signal);
    await rename(partial, target);
    return target;
  } catch (error) {
    if (signal.aborted) throw new AdaptiveError("cancelled", "Cancelled");
    throw error;
  } finally {
    await rm(partial, { force: true });
    await rm(downloaded, { force: true });
  }
}

function programName(architecture: Architecture): string {
  return `node-${nodeRelease.version}-linux-${architecture}.gz`;
}

async function save(url: string, file: string, download: NodeFetching["download"], signal: AbortSignal): Promise<void> {
  try {
    await pipeline(Readable.from(await download(url, signal)), createWriteStream(file), { signal });
  } catch (error) {
    throw new AdaptiveError(
      "node-not-fetched",
      `Node could not be downloaded from ${new URL(url).host}: ${toAdaptiveError(error).message}`,
      `Check this computer's network and proxy, or download ${url} by hand and choose that file.`,
      { cause: error },
    );
  }
}

async function sha256Of(file: string): Promise<string> {
  const hash = createHash("sha256");
  try {
    await pipeline(createReadStream(file), hash);
  } catch (error) {
    throw new AdaptiveError(
      "node-not-fetched",
      `${file} cannot be read (${errnoOf(error) ?? String(error)}).`,
      "Choose another file.",
      { cause: error },
    );
  }
  return hash.digest("hex");
}

/** By the system's own tar, which knows gzip and xz. */
async function extract(file: string, member: string, target: string, signal: AbortSignal): Promise<void> {
  const tar = spawn("tar", ["-xOf", file, member], { stdio: ["ignore", "pipe", "pipe"], signal });
  let said = "";
  tar.stderr.setEncoding("utf8").on("data", (text: string) => (said += text));
  const ended = new Promise<void>((resolve, reject) => {
    tar.on("error", reject);
    tar.on("close", (code) =>
      code === 0 ? resolve() : reject(new Error(said.trim() || `exit code ${code ?? "none"}`)),
    );
  });
  try {
    await Promise.all([ended, pipeline(tar.stdout, createGzip(), createWriteStream(target), { signal })]);
  } catch (error) {
    throw new AdaptiveError(
      "node-not-unpacked",
      `${file} could not be unpacked: ${toAdaptiveError(error).message}`,
      "Choose the archive that ends in .tar.gz or .tgz: tar knows it everywhere.",
      { cause: error },
    );
  }
}

function wrongArchive(source: NodeSource, sha256: string, archives: readonly NodeArchive[]): AdaptiveError {
  const what = source.kind === "file" ? source.path : `What came from ${source.from}`;
  return new AdaptiveError(
    "node-checksum",
    `${what} is not the Node that is expected: its SHA-256 is ${sha256}.`,
    source.kind === "file"
      ? `Choose one of ${archives.map(({ name }) => name).join(", ")}.`
      : "Something on the way has changed it: try another source, and tell whoever runs your network.",
  );
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

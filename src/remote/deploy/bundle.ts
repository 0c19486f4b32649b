import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import * as v from "valibot";
import { AdaptiveError } from "../../scheduler/state/errors";
import type { Platform } from "./chooseNode";
import { tarOf, type TarFile } from "./tar";

/** What is installed on a head node. */
export interface Bundle {
  /** Made of its content: the same for the same. */
  name: string;
  /** A compressed tar archive. */
  archive(): Promise<Uint8Array>;
}

const zeromqBuild = "node_modules/zeromq/build";
const manifestFile = `${zeromqBuild}/manifest.json`;

/**
 * The scheduler for one platform: its program, the Python package and ZeroMQ's native code of that platform alone.
 * @param distFolder where the extension's bundles lie
 * @throws AdaptiveError `unsupported-machine` when there is no native code for it
 */
export async function bundleFor(platform: Platform, distFolder: string): Promise<Bundle> {
  const { manifest, build } = nativeBuild(await readFile(join(distFolder, manifestFile), "utf8"), platform);
  const folders = ["scheduler", "python", "node_modules"];
  const paths = (await Promise.all(folders.map((folder) => filesIn(distFolder, folder)))).flat();
  const wanted = ["sql-wasm.wasm", ...paths].filter((path) => isWanted(path, build)).sort();
  const files = await Promise.all(
    wanted.map(async (path): Promise<TarFile> => {
      const content = path === manifestFile ? Buffer.from(manifest) : await readFile(join(distFolder, path));
      return { path, content, isExecutable: path === "scheduler/main.js" };
    }),
  );
  return {
    name: nameOf(files),
    archive: () => promisify(gzip)(tarOf(files), { level: 9 }),
  };
}

function isWanted(path: string, build: string): boolean {
  if (path.endsWith(".map")) return false;
  return !path.startsWith(`${zeromqBuild}/`) || path === build || path === manifestFile;
}

/** ZeroMQ's build for a platform, and the manifest of it alone, from which its loader chooses. */
export function nativeBuild(manifest: string, platform: Platform): { build: string; manifest: string } {
  const builds = Object.entries(v.parse(v.record(v.string(), v.string()), JSON.parse(manifest)));
  const found = builds.find(([key]) => {
    const { os, arch, libc } = v.parse(buildSchema, JSON.parse(key));
    return os === platform.os && arch === platform.architecture && libc === platform.libc;
  });
  if (found === undefined) {
    throw new AdaptiveError(
      "unsupported-machine",
      `There is no scheduler for ${platform.os} with ${platform.libc} on ${platform.architecture}.`,
      "Choose another head node of this cluster.",
    );
  }
  return { build: `${zeromqBuild}/${found[1]}`, manifest: JSON.stringify(Object.fromEntries([found])) };
}
const buildSchema = v.object({ os: v.string(), arch: v.string(), libc: v.string() });

async function filesIn(root: string, folder: string): Promise<string[]> {
  const entries = await readdir(join(root, folder), { withFileTypes: true, recursive: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(root, join(entry.parentPath, entry.name)).split(sep).join("/"));
}

function nameOf(files: readonly TarFile[]): string {
  const hash = createHash("sha256");
  for (const { path, content } of files) hash.update(`${path}\0${content.length}\0`).update(content);
  return hash.digest("hex").slice(0, 16);
}

import { createHash, type Hash } from "node:crypto";
import { copyFile, mkdir, readdir, readFile, rename, rm, stat } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { AdaptiveError } from "../state/errors";
import type { RunDirectory } from "../state/runDirectory";

const maxFileBytes = 10 << 20;
const maxFiles = 2000;
const maxDepth = 8;
const skippedFolders = new Set(["node_modules", "__pycache__", "site-packages"]);

/**
 * Copies the study's Python files into the run as an immutable revision: jobs that run keep the code
 * they were started with, whatever is edited meanwhile.
 *
 * @returns the revision's name, made of its content
 */
export async function copyCode(folder: string, directory: RunDirectory): Promise<string> {
  return copyByContent(await pythonFiles(folder, folder, 0), folder, (revision) => directory.code(revision));
}

/** The name that a copy of the study's Python files would have. */
export async function revisionOf(folder: string): Promise<string> {
  return hashOf(await pythonFiles(folder, folder, 0), folder);
}

/** Where the package that jobs import would be copied to. */
export async function clientFolderOf(assets: string, directory: RunDirectory): Promise<string> {
  return directory.at("client", await revisionOf(join(assets, "python")));
}

/** Copies the package that jobs import into the run: the one place that every job is sure to see. */
export async function copyClient(assets: string, directory: RunDirectory): Promise<string> {
  const folder = join(assets, "python");
  const hash = await copyByContent(await pythonFiles(folder, folder, 0), folder, (hash) =>
    directory.at("client", hash),
  );
  return directory.at("client", hash);
}

async function copyByContent(
  files: readonly string[],
  from: string,
  folderOf: (hash: string) => string,
): Promise<string> {
  const hash = await hashOf(files, from);
  const folder = folderOf(hash);
  if (await exists(folder)) return hash;
  const aside = `${folder}.${process.pid}.tmp`;
  await rm(aside, { recursive: true, force: true });
  for (const file of files) {
    await mkdir(join(aside, dirname(file)), { recursive: true });
    await copyFile(join(from, file), join(aside, file));
  }
  await rename(aside, folder);
  return hash;
}

async function pythonFiles(root: string, folder: string, depth: number): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  if (entries.some(({ name }) => name === "pyvenv.cfg")) return [];
  const files: string[] = [];
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(folder, entry.name);
    if (entry.isDirectory() && !entry.name.startsWith(".") && !skippedFolders.has(entry.name) && depth < maxDepth) {
      files.push(...(await pythonFiles(root, path, depth + 1)));
    } else if (entry.isFile() && entry.name.endsWith(".py") && (await stat(path)).size <= maxFileBytes) {
      files.push(relative(root, path));
    }
    if (files.length > maxFiles) {
      throw new AdaptiveError(
        "too-many-files",
        `${root} holds more than ${maxFiles} Python files.`,
        "Put the learners file into a folder of its own, with the modules that it imports.",
      );
    }
  }
  return files;
}

async function hashOf(files: readonly string[], from: string): Promise<string> {
  const hash: Hash = createHash("sha256");
  for (const file of files) {
    const content = await readFile(join(from, file));
    hash.update(`${file}\0${content.length}\0`).update(content);
  }
  return hash.digest("hex").slice(0, 16);
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

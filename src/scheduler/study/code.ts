import { createHash, type Hash } from "node:crypto";
import type { Dirent } from "node:fs";
import { copyFile, mkdir, readdir, readFile, rename, rm, rmdir, stat } from "node:fs/promises";
import { dirname, join, relative, resolve, sep } from "node:path";
import { AdaptiveError, errnoOf } from "../state/errors";
import { writeFileAtomically } from "../state/files";
import { remarksOnNames, walkFolder } from "../state/folderWalk";
import type { RunDirectory } from "../state/runDirectory";

const maxFileBytes = 10 << 20;
const maxFiles = 2000;
const maxDepth = 8;
/** What is larger is not read to see whether it is a revision still. */
const maxRevisionBytes = 1 << 30;
const skippedFolders = new Set(["node_modules", "__pycache__", "site-packages"]);

/**
 * Copies the study's code into the run as an immutable revision: jobs that run keep the code they
 * were started with, whatever is edited meanwhile.
 *
 * @param include files and folders, relative to the study's folder, besides its Python files
 * @returns the revision's name, made of its content
 * @throws AdaptiveError `too-many-files`, `bad-include`
 */
export async function copyCode(folder: string, include: readonly string[], directory: RunDirectory): Promise<string> {
  return copyByContent(await codeFiles(folder, include), folder, (revision) => directory.code(revision));
}

/** The name that the study's code would have as a revision now. */
export async function revisionOf(folder: string, include: readonly string[]): Promise<string> {
  return hashOf(await codeFiles(folder, include), folder);
}

/** Says to jobs that start from now on which revision is theirs. */
export function pointAt(revision: string, directory: RunDirectory): Promise<void> {
  return writeFileAtomically(directory.currentRevision, `${revision}\n`);
}

/** Deletes the revisions that nobody runs: their own files, and no others. */
export async function deleteRevisions(directory: RunDirectory, kept: ReadonlySet<string>): Promise<void> {
  for (const entry of await readdir(directory.at("code"), { withFileTypes: true })) {
    if (entry.isDirectory() && !kept.has(entry.name)) await deleteRevision(directory.code(entry.name), entry.name);
  }
}

/**
 * A revision is what its name says it is. One that is not holds a file that somebody else put there, a learner
 * perhaps, and stays; nothing is deleted by a folder, in which something may just have been written.
 */
async function deleteRevision(folder: string, revision: string): Promise<void> {
  if (!(await filesOfWhole(folder, revision))) return;
  const entries = await readdir(folder, { withFileTypes: true, recursive: true });
  const pathOf = ({ parentPath, name }: Dirent) => relative(folder, join(parentPath, name));
  const files = entries.filter((entry) => !entry.isDirectory()).map(pathOf);
  for (const path of files) await rm(join(folder, path), { force: true });
  const folders = entries.filter((entry) => entry.isDirectory()).map(pathOf);
  for (const path of ["", ...folders].sort().reverse()) await rmdir(join(folder, path)).catch(throwUnlessNotEmpty);
}

/** The files of a revision, without what Python keeps beside them; null when it is not what its name says. */
export async function filesOfWhole(folder: string, revision: string): Promise<string[] | null> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true });
  const own = entries.filter((entry) => !entry.isDirectory() && !entry.parentPath.split(sep).includes("__pycache__"));
  // A pipe would be read for ever.
  if (!own.every((entry) => entry.isFile())) return null;
  const files = own.map(({ parentPath, name }) => relative(folder, join(parentPath, name))).sort();
  const sizes = await Promise.all(files.map(async (path) => (await stat(join(folder, path))).size));
  if (sizes.reduce((a, b) => a + b, 0) > maxRevisionBytes) return null;
  return (await hashOf(files, folder)) === revision ? files : null;
}

function throwUnlessNotEmpty(error: unknown): void {
  if (errnoOf(error) !== "ENOTEMPTY" && errnoOf(error) !== "EEXIST") throw error;
}

/** Where the package that jobs import would be copied to. */
export async function clientFolderOf(assets: string, directory: RunDirectory): Promise<string> {
  return directory.at("client", await revisionOf(join(assets, "python"), []));
}

/** Copies the package that jobs import into the run: the one place that every job is sure to see. */
export async function copyClient(assets: string, directory: RunDirectory): Promise<string> {
  const folder = join(assets, "python");
  const hash = await copyByContent(await codeFiles(folder, []), folder, (hash) => directory.at("client", hash));
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
  await mkdir(aside, { recursive: true });
  for (const file of files) {
    await mkdir(join(aside, dirname(file)), { recursive: true });
    await copyFile(join(from, file), join(aside, file));
  }
  await rename(aside, folder);
  return hash;
}

/** The files that a revision of the study would have now. */
export async function codeFiles(folder: string, include: readonly string[]): Promise<string[]> {
  const { files } = await pythonFiles(folder);
  for (const name of include) files.push(...(await includedFiles(folder, name)));
  return [...new Set(files)].sort();
}

/** What a person should know of the study's folder: what is no part of the run's code although it may be meant to be. */
export async function remarksOnCode(folder: string): Promise<string[]> {
  return remarksOnNames(folder, (await pythonFiles(folder)).unnamable, "the run's code");
}

async function includedFiles(folder: string, name: string): Promise<string[]> {
  const path = resolve(folder, name);
  const refuse = (why: string, hint: string) => new AdaptiveError("bad-include", `include: ${name} ${why}.`, hint);
  if (!path.startsWith(folder + sep)) {
    throw refuse("is not in the study's folder", "Name files and folders relative to the study's folder.");
  }
  try {
    const found = await stat(path);
    if (found.isDirectory()) {
      const { files } = await walkFolder(path, { enters: () => true, takes: () => true });
      return files.map((file) => relative(folder, join(path, file.path)));
    }
    if (found.size > maxFileBytes) {
      throw refuse(`is larger than ${maxFileBytes >> 20} MB`, "Read it from the run's folder, which jobs work in.");
    }
    return [relative(folder, path)];
  } catch (error) {
    if (errnoOf(error) === "ENOENT") throw refuse("is not there", "Correct the name.");
    throw error;
  }
}

async function pythonFiles(root: string): Promise<{ files: string[]; unnamable: string[] }> {
  const { files, unnamable } = await walkFolder(root, {
    enters: (name, depth) => !name.startsWith(".") && !skippedFolders.has(name) && depth < maxDepth,
    takes: (path) => path.endsWith(".py"),
    onFound: (count) => {
      if (count > maxFiles) throw tooMany(root);
    },
  });
  const code = files.filter(({ sizeBytes }) => sizeBytes <= maxFileBytes);
  return { files: code.map(({ path }) => path), unnamable };
}

function tooMany(root: string): AdaptiveError {
  return new AdaptiveError(
    "too-many-files",
    `${root} holds more than ${maxFiles} Python files.`,
    "Put the learners file into a folder of its own, with the modules that it imports.",
  );
}

/** The name of a revision, made of its content. */
export async function hashOf(files: readonly string[], from: string): Promise<string> {
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

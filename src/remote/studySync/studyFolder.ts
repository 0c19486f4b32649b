import { spawn } from "node:child_process";
import { lstat, readdir } from "node:fs/promises";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { AdaptiveError, errnoOf } from "../../scheduler/state/errors";
import type { StudyEntry } from "./plan";

const maxFiles = 20_000;
/** Never part of a study, with or without git. */
const foreign = new Set([".git", "node_modules", "__pycache__", "site-packages", ".ipynb_checkpoints"]);

/**
 * The files of a study's folder, sorted; links are followed nowhere.
 * @throws AdaptiveError `too-many-files`
 */
export async function readStudyFolder(folder: string): Promise<StudyEntry[]> {
  const ignored = await ignoredPaths(folder);
  const entries: StudyEntry[] = [];
  const visit = async (inside: string): Promise<void> => {
    const found = await readdir(join(folder, inside), { withFileTypes: true });
    // A Python environment.
    if (inside !== "" && found.some(({ name }) => name === "pyvenv.cfg")) return;
    for (const entry of found) {
      const path = inside === "" ? entry.name : `${inside}/${entry.name}`;
      if (entry.name.startsWith(".adaptive") || foreign.has(entry.name)) continue;
      if (entry.isDirectory()) await visit(path);
      else if (entry.isFile()) {
        const { size } = await lstat(join(folder, path));
        entries.push({ path, size, isIgnored: isIn(ignored, path) });
      }
      if (entries.length > maxFiles) throw tooMany(folder);
    }
  };
  await visit("");
  return entries.sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** As git says it: files, and folders as a whole; none where there is no git. */
async function ignoredPaths(folder: string): Promise<ReadonlySet<string>> {
  const args = ["ls-files", "--others", "--ignored", "--exclude-standard", "--directory", "-z"];
  const git = spawn("git", args, { cwd: folder, stdio: ["ignore", "pipe", "ignore"] });
  const failed = new Promise<Error>((resolve) => git.on("error", resolve));
  const said = await Promise.race([buffer(git.stdout), failed]);
  if (said instanceof Error) {
    if (errnoOf(said) === "ENOENT") return new Set();
    throw said;
  }
  const paths = said.toString("utf8").split("\0").filter(Boolean);
  return new Set(paths.map((path) => path.replace(/\/$/, "")));
}

/** Whether the path or a folder around it is among them. */
function isIn(paths: ReadonlySet<string>, path: string): boolean {
  for (let at = path.length; at > 0; at = path.lastIndexOf("/", at - 1)) if (paths.has(path.slice(0, at))) return true;
  return false;
}

function tooMany(folder: string): AdaptiveError {
  return new AdaptiveError(
    "too-many-files",
    `${folder} holds more than ${maxFiles} files.`,
    "Put the study into a folder of its own: it is sent to the cluster.",
  );
}

import { spawn } from "node:child_process";
import { basename } from "node:path";
import { buffer } from "node:stream/consumers";
import { AdaptiveError, errnoOf } from "../../scheduler/state/errors";
import { walkFolder } from "../../scheduler/state/folderWalk";
import { isNamedBy, type StudyEntry } from "./plan";

const maxFiles = 20_000;
/** Never part of a study, with or without git. */
const foreign = new Set([".git", "node_modules", "__pycache__", "site-packages", ".ipynb_checkpoints"]);

/**
 * The files of a study's folder, sorted, and behind links to folders its code; and which have no name that can be sent.
 * @param include files and folders, relative to the folder, that are code too
 * @throws AdaptiveError `too-many-files`
 */
export async function readStudyFolder(
  folder: string,
  include: readonly string[] = [],
): Promise<{ entries: StudyEntry[]; unnamable: readonly string[] }> {
  const ignored = await ignoredPaths(folder);
  const isOurs = (name: string): boolean => name.startsWith(".adaptive") || foreign.has(name);
  const { files, unnamable } = await walkFolder(folder, {
    enters: (name) => !isOurs(name),
    takes: (path, isBehindLink) =>
      !isOurs(basename(path)) && (!isBehindLink || path.endsWith(".py") || isNamedBy(include, path)),
    onFound: (count) => {
      if (count > maxFiles) throw tooMany(folder);
    },
  });
  const entries = files.map(({ path, sizeBytes }) => ({ path, size: sizeBytes, isIgnored: isIn(ignored, path) }));
  return { entries, unnamable };
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

import type { EditedParts } from "../../scheduler/control/studyComparison";
import { readIncludes } from "./includes";
import { isNamedBy, planStudy, type StudyPlan } from "./plan";
import { describeFile } from "./sendStudy";
import { readStudyFolder } from "./studyFolder";

/** What was sent: SHA-256 by path. */
export type SentFiles = Readonly<Record<string, string>>;

export interface FolderPlan extends StudyPlan {
  /** What cannot be sent because its name is not UTF-8. */
  unnamable: readonly string[];
}

/**
 * What of a study's folder goes to a cluster.
 * @param downloaded files that a run's data was downloaded into
 */
export async function planFolder(folder: string, downloaded?: ReadonlySet<string>): Promise<FolderPlan> {
  const include = await readIncludes(folder);
  const { entries, unnamable } = await readStudyFolder(folder, include);
  return { ...planStudy(entries, include, downloaded), unnamable };
}

/** What of a study was edited since it was sent: the files that jobs get, and `adaptive.json`. */
export async function editedSince(
  sent: SentFiles,
  folder: string,
  downloaded?: ReadonlySet<string>,
): Promise<EditedParts> {
  const { send } = await planFolder(folder, downloaded);
  const files = await Promise.all(send.map(({ path }) => describeFile(folder, path)));
  const now = Object.fromEntries(files.map(({ path, sha256 }) => [path, sha256]));
  return editedParts(sent, now, await readIncludes(folder));
}

/** @param include files and folders, relative to the study's, that jobs get besides Python files */
export function editedParts(sent: SentFiles, now: SentFiles, include: readonly string[]): EditedParts {
  const paths = [...new Set([...Object.keys(sent), ...Object.keys(now)])];
  const edited = paths.filter((path) => sent[path] !== now[path]);
  return {
    code: edited.some((path) => path.endsWith(".py") || isNamedBy(include, path)),
    settings: edited.includes("adaptive.json"),
  };
}

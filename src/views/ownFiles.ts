/** Jobs run a copy of the study, perhaps on another machine; its author knows the files it was copied from. */
import { posix } from "node:path";
import type { Place } from "./messagePlace";

const copied = /\/\.adaptive[^/\n]*\/code\/[0-9a-f]+\//g;
const quotedCopy = /"[^"\n]*\/\.adaptive[^/"\n]*\/code\/[0-9a-f]+\//g;

/**
 * A text with the copies of the study's files named as the files themselves.
 * @param folder of the study on this computer; null when that is not known
 */
export function inStudy(text: string, folder: string | null): string {
  const own = folder === null ? text : text.replaceAll(quotedCopy, () => `"${folder}/`);
  return own.replaceAll(copied, "/");
}

/**
 * The line of the study where a traceback ends: in the innermost of its own files; null when there is none.
 * What a job wrote is a stranger's: no path of it leads out of the folder.
 */
export function placeInStudy(traceback: string | null, folder: string | null): Place | null {
  if (folder === null) return null;
  const frames = [...inStudy(traceback ?? "", folder).matchAll(/^ *File "([^"\n]+)", line (\d+)/gm)];
  const own = frames.filter(([, file = ""]) => isOwn(file, folder)).at(-1);
  return own ? { file: own[1] ?? "", line: Number(own[2]) } : null;
}

/** Packages lie in the study's folder too, where it has an environment of its own. */
function isOwn(file: string, folder: string): boolean {
  if (!file.startsWith(`${folder}/`) || posix.normalize(file) !== file) return false;
  const parts = file.slice(folder.length + 1).split("/");
  return parts.every((part) => !part.startsWith(".") && part !== "site-packages");
}

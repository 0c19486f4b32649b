import { dirname, join, resolve } from "node:path";
import {
  findNodeAtLocation,
  getNodeValue,
  parseTree,
  printParseErrorCode,
  type Node,
  type ParseError,
} from "jsonc-parser";
import { AdaptiveError, errnoOf } from "../state/errors";
import { readText } from "../state/files";
import { tooDeepAt, tooDeepWords } from "../state/nesting";
import { badSetting, parseSettings, type Place } from "../state/parseSettings";
import { studySchema, type Layer } from "../state/settings";

/** What an `adaptive.json` says, and where. */
export interface StudyFile extends Place {
  layer: Layer;
  lineOf: NonNullable<Place["lineOf"]>;
}

/** The study file that belongs to a learners file: beside it. */
export const studyFileOf = (learnersFile: string): string => join(dirname(resolve(learnersFile)), "adaptive.json");

/**
 * Reads a study file; one that does not exist says nothing.
 *
 * @throws AdaptiveError `bad-setting` naming the file, the line and the setting
 */
export async function readStudyFile(path: string): Promise<StudyFile> {
  try {
    return parseStudyFile(path, await readText(path));
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return { name: path, layer: {}, lineOf: () => null };
    if (errnoOf(error) === "EISDIR") {
      throw new AdaptiveError("bad-setting", `${path} is a folder, not a file.`, "Remove or rename it.");
    }
    throw error;
  }
}

/** JSON, in which comments and commas before a closing bracket do no harm, as in the settings of the editor. */
export function parseStudyFile(path: string, text: string): StudyFile {
  const lineAt = (offset: number) => text.slice(0, offset).split("\n").length;
  const badLine = (offset: number, key: string[], words: string) =>
    badSetting({ name: path, lineOf: () => lineAt(offset) }, key, words);
  const deepAt = tooDeepAt(text);
  if (deepAt !== null) throw badLine(deepAt, [], tooDeepWords);
  const errors: ParseError[] = [];
  const root = parseTree(text, errors, { allowTrailingComma: true });
  const [error] = errors;
  if (error) throw badLine(error.offset, [], `this is not JSON (${wordsOf(error)})`);
  if (!root) throw badLine(0, [], "this is not JSON (it is empty)");
  const twice = findRepeated(root);
  if (twice) throw badLine(twice.second.offset, [twice.key], `line ${lineAt(twice.first.offset)} says it already`);
  const lineOf = (keys: readonly (string | number)[]): number | null => {
    const value = findNodeAtLocation(root, [...keys]);
    // Of a value that takes several lines, the one with its name.
    return value ? lineAt((value.parent?.type === "property" ? value.parent : value).offset) : null;
  };
  const { $schema: _, ...layer } = parseSettings(studySchema, getNodeValue(root), { name: path, lineOf });
  return { name: path, layer, lineOf };
}

/** `CommaExpected` as a person reads it. */
function wordsOf({ error }: ParseError): string {
  return printParseErrorCode(error)
    .replace(/(?!^)[A-Z]/g, (letter) => ` ${letter}`)
    .toLowerCase();
}

/** A name that an object has twice, of which JSON would silently take the last. */
function findRepeated(node: Node): { key: string; first: Node; second: Node } | null {
  const seen = new Map<string, Node>();
  for (const child of node.children ?? []) {
    const [name] = child.children ?? [];
    if (child.type === "property" && name) {
      const key = String(name.value);
      const first = seen.get(key);
      if (first) return { key, first, second: child };
      seen.set(key, child);
    }
    const inside = findRepeated(child);
    if (inside) return inside;
  }
  return null;
}

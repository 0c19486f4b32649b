import * as v from "valibot";
import { AdaptiveError } from "./errors";
import { nearest } from "./nearest";
import { isTooDeep } from "./nesting";
import { goalEntries, isSettingName, profileSchema, settingNames, studySchema } from "./settings";

/** Where settings were written, for the words of an error. */
export interface Place {
  /** Path of a file, or a name such as `--set`. */
  name: string;
  /** Of the error, when not `bad-setting`. */
  code?: string;
  /** The line of what is at a path of keys, counted from 1; absent where there are no lines. */
  lineOf?: (path: readonly (string | number)[]) => number | null;
}

/**
 * Reads settings that a person wrote.
 *
 * @throws AdaptiveError `bad-setting`, e.g. `adaptive.json:4: goal.npoints: expected a whole number above 0, but got "many"`
 */
export function parseSettings<S extends v.GenericSchema>(schema: S, value: unknown, place: Place): v.InferOutput<S> {
  // Which is an object too, but means nothing here.
  if (Array.isArray(value)) throw badSetting(place, [], `expected an object, but got ${excerpt(value)}`);
  const result = v.safeParse(schema, value);
  if (result.success) return result.output;
  throw badSetting(place, pathOf(result.issues[0]), wordsOf(result.issues[0]));
}

/** @param path of the setting; empty for the whole */
export function badSetting(place: Place, path: readonly (string | number)[], words: string): AdaptiveError {
  const line = place.lineOf?.(path);
  const name = path.length > 0 ? `${path.join(".")}: ` : "";
  const sentence = words.endsWith("?") ? words : `${words}.`;
  return new AdaptiveError(
    place.code ?? "bad-setting",
    `${place.name}${line ? `:${line}` : ""}: ${name}${sentence}`,
    "Correct it and start again; nothing was changed.",
  );
}

/** What is wrong with a value, without its name: `expected a whole number above 0, but got "many"`. */
export function wordsOf(issue: v.BaseIssue<unknown>): string {
  const isKey = issue.path?.at(-1)?.origin === "key";
  if (isKey && issue.expected !== "never") return "this is missing";
  if (isKey) return unknownName(pathOf(issue).join("."));
  return `${issue.message}, but got ${excerpt(issue.input)}`;
}

/** Why there is no setting of this name, with the one that was probably meant. */
export function unknownName(name: string): string {
  const home = isSettingName(name) && homeOf(name);
  if (home) return `this setting belongs in ${home}`;
  const meant = nearest(name, knownNames);
  return `there is no such setting${meant === null ? "" : `; did you mean ${meant}?`}`;
}

const knownNames = [...settingNames, ...goalEntries];

/** The one place where a setting may be written, besides being typed; null for those that have several. */
function homeOf(name: string): string | null {
  const [outer = ""] = name.split(".");
  const [isStudy, isProfile] = [Object.hasOwn(studySchema.entries, outer), Object.hasOwn(profileSchema.entries, outer)];
  if (isStudy === isProfile) return null;
  return isStudy ? "adaptive.json beside the learners file" : "the user setting adaptive.clusters";
}

function pathOf(issue: v.BaseIssue<unknown>): (string | number)[] {
  return (issue.path ?? []).map(({ key }) => key as string | number);
}

function excerpt(value: unknown): string {
  if (isTooDeep(value)) return "something nested very deep";
  const text = JSON.stringify(value) as string | undefined;
  if (text === undefined) return "nothing";
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
}

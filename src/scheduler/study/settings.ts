import { availableParallelism } from "node:os";
import { resolve } from "node:path";
import { isDeepStrictEqual } from "node:util";
import {
  conflictIn,
  lapsedIn,
  mergeSettings,
  overlay,
  rememberedLayer,
  valueIn,
  valuesOf,
  withValue,
  type Layers,
  type Machine,
  type OriginalValue,
  type Origin,
  type Origins,
  type TypedSettings,
} from "../state/layers";
import { badSetting, parseSettings } from "../state/parseSettings";
import { AdaptiveError, toAdaptiveError } from "../state/errors";
import { checkNames, parseClassFilter } from "../state/filter";
import { parameterNames } from "../state/parameters";
import type { LearnerRow } from "../state/rows";
import {
  profileSchema,
  settingNames,
  settingsOf,
  type Configuration,
  type Layer,
  type Queue,
  type SettingName,
  type Settings,
} from "../state/settings";
import { readStudyFile, studyFileOf, type StudyFile } from "./studyFile";
import { withHome } from "./dataPlaces";

/** What was typed at the start, and the profile of the cluster as the editor or a file gave it. */
export interface StartOptions {
  learnersFile: string;
  /** Null when nobody said: the run's, or this computer. A run that exists stays where it is. */
  cluster: Queue | null;
  typed: TypedSettings;
  /** JSON; null when nobody gave one, which leaves what an earlier start said. */
  profile: string | null;
}

/** Everything that says something about a run. */
export interface Sources {
  layers: Layers;
  studyFile: StudyFile;
  machine: Machine;
  /** What a run that exists goes by. */
  before: Settings | null;
}

/**
 * Reads everything that says something about a run.
 *
 * @param remembered the settings of a run that exists: what was typed at its earlier starts holds on
 * @throws AdaptiveError `bad-setting` naming the file, the line and the setting
 */
export async function readSources(options: StartOptions, remembered: Configuration | null): Promise<Sources> {
  const studyFile = await readStudyFile(studyFileOf(options.learnersFile));
  const { set, unset } = options.typed;
  const typedBefore = unset.reduce(
    (layer, name) => withValue(layer, name, undefined),
    remembered ? rememberedLayer(remembered, "typed") : {},
  );
  const profile =
    options.profile === null ? (remembered ? rememberedLayer(remembered, "profile") : {}) : readProfile(options);
  const queue = (remembered && settingsOf(remembered).queue) ?? options.cluster ?? "local";
  return {
    layers: { typed: overlay(typedBefore, absolute(set)), study: studyFile.layer, profile },
    studyFile,
    machine: { cores: availableParallelism(), queue },
    before: remembered && settingsOf(remembered),
  };
}

/**
 * Merges everything that says something about a run, as a run's row holds it.
 *
 * @throws AdaptiveError `bad-setting` naming the file, the line and the setting
 */
export async function configurationOf(options: StartOptions, remembered: Configuration | null): Promise<Configuration> {
  const sources = await readSources(options, remembered);
  const conflict = conflictOf(sources);
  if (conflict) throw conflict;
  const { settings, origins } = mergeSettings(sources.layers, sources.machine);
  if (remembered && settings.queue !== sources.machine.queue) {
    const where = { name: placeOf(sources.studyFile, origins.queue, "queue") };
    throw badSetting(where, ["queue"], `expected "${sources.machine.queue}", where this run has its jobs`);
  }
  return { settings: JSON.stringify(settings), origins: JSON.stringify(origins) };
}

/**
 * Whether the next start would take something else from the study file than the run has; so it is
 * too when the file cannot be read.
 */
export async function hasNewSettings(learnersFile: string, run: Configuration): Promise<boolean> {
  const nothingTyped = { set: {}, unset: [] };
  try {
    const options = { learnersFile, cluster: null, typed: nothingTyped, profile: null };
    const { layers, machine } = await readSources(options, run);
    const next = mergeSettings(layers, machine);
    const now = { settings: settingsOf(run), origins: JSON.parse(run.origins) as Origins };
    return settingNames
      .filter((name) => [now, next].some(({ origins }) => origins[name] === "study"))
      .some((name) => !isDeepStrictEqual(valueIn(now.settings, name), valueIn(next.settings, name)));
  } catch {
    return true;
  }
}

/**
 * Why the settings do not go together, or not with the time that it is; or null.
 *
 * @param now milliseconds since the epoch
 */
export function conflictOf(
  { layers, studyFile, machine, before }: Sources,
  now: number = Date.now(),
): AdaptiveError | null {
  const { settings, origins } = mergeSettings(layers, machine);
  // A run whose time is up is resumed all the same.
  const isNewGoal = !before || !isDeepStrictEqual(settings.goal, before.goal);
  const conflict = conflictIn(settings) ?? (isNewGoal ? lapsedIn(settings.goal, now) : null);
  if (!conflict) return null;
  // What somebody wrote has to change, not what is so by default.
  const culprit = origins[conflict.name] === "default" ? conflict.other : conflict.name;
  const { name, within = [], message } = conflict;
  const place = placeOf(studyFile, origins[culprit], culprit, ...(culprit === name ? within : []));
  return badSetting({ name: place }, [name, ...within], message);
}

/**
 * Makes sure that the parameters by which classes are told apart are some that learners have.
 *
 * @throws AdaptiveError `bad-setting` naming the file, the line and the setting
 */
export async function checkClasses(
  learnersFile: string,
  configuration: Configuration,
  learners: Iterable<Pick<LearnerRow, "combo">>,
): Promise<void> {
  const { classes } = settingsOf(configuration);
  if (classes.length === 0) return;
  const parameters = parameterNames(Array.from(learners, ({ combo }) => combo));
  for (const [i, { where }] of classes.entries()) {
    try {
      checkNames(parseClassFilter(where), parameters);
    } catch (error) {
      const { classes: origin = "default" } = JSON.parse(configuration.origins) as Partial<Origins>;
      const within = [i, "where"];
      const place = placeOf(await readStudyFile(studyFileOf(learnersFile)), origin, "classes", ...within);
      const { message, hint } = toAdaptiveError(error);
      throw new AdaptiveError("bad-setting", `${place}: classes.${within.join(".")}: ${message}`, hint);
    }
  }
}

/** What the layers say of a setting, the strongest first, and where each says it. */
export function valuesWithPlaces(sources: Sources, name: SettingName): (OriginalValue & { where: string })[] {
  return valuesOf(sources.layers, name, sources.machine).map((value) => ({
    ...value,
    where: placeOf(sources.studyFile, value.origin, name),
  }));
}

function placeOf(
  { name: file, lineOf }: StudyFile,
  origin: Origin,
  name: SettingName,
  ...within: (string | number)[]
): string {
  if (origin !== "study") return origin;
  const line = lineOf([...name.split("."), ...within]);
  return line === null ? file : `${file}:${line}`;
}

function readProfile({ cluster, profile }: StartOptions): Layer {
  return parseProfile(profile ?? "{}", `the profile of ${cluster ?? "local"}`);
}

/**
 * What is set for a machine, as JSON.
 *
 * @throws AdaptiveError `bad-setting`
 */
export function parseProfile(text: string, name: string): Layer {
  return parseSettings(profileSchema, parseJson(text, name), { name });
}

function parseJson(text: string, name: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw badSetting({ name }, [], "this is not JSON");
  }
}

/** A path is meant from here, not from the run's directory; a bare name is looked up on PATH. */
function absolute(layer: Layer): Layer {
  return layer.python?.includes("/") ? { ...layer, python: resolve(withHome(layer.python)) } : layer;
}

import * as v from "valibot";
import {
  aboutSetting,
  asSettings,
  settingNames,
  type Configuration,
  type Goal,
  type Layer,
  type Queue,
  type SettingName,
  type Settings,
} from "./settings";

/** Where a value came from, the strongest first: what was typed, the study file, the profile, or the default. */
export const origins = ["typed", "study", "profile", "default"] as const;
export type Origin = (typeof origins)[number];
export type Origins = Record<SettingName, Origin>;

export type Layers = Record<Exclude<Origin, "default">, Layer>;

/** What defaults depend on. */
export interface Machine {
  cores: number;
  /** Of the cluster that a person named, or that a run is on. */
  queue: Queue;
}

/** Merges the layers: of each setting, the first layer that says something wins. */
export function mergeSettings(layers: Layers, machine: Machine): { settings: Settings; origins: Origins } {
  let settings: Layer = {};
  const chosen: Partial<Origins> = {};
  for (const name of settingNames) {
    const [strongest] = valuesOf(layers, name, machine);
    settings = withValue(settings, name, strongest?.value);
    chosen[name] = strongest?.origin ?? "default";
  }
  return { settings: asSettings(settings), origins: chosen as Origins };
}

/** What a person types at a start. */
export interface TypedSettings {
  set: Layer;
  /** Not to hold any more, though typed at an earlier start. */
  unset: readonly SettingName[];
}

export interface OriginalValue {
  origin: Origin;
  value: unknown;
}

/** What each layer says of a setting, the strongest first; the default is always among them. */
export function valuesOf(layers: Layers, name: SettingName, machine: Machine): OriginalValue[] {
  const all = { ...layers, default: defaults(layers, machine) };
  return origins
    .map((origin) => ({ origin, value: valueIn(all[origin], name) }))
    .filter(({ value }) => value !== undefined);
}

/** What a layer says of a setting; undefined when it says nothing, null when it says that there is none. */
export function valueIn(layer: Layer | Settings, name: SettingName): unknown {
  const [outer = "", inner] = name.split(".");
  const value = (layer as Record<string, unknown>)[outer];
  return inner === undefined ? value : (value as Record<string, unknown> | undefined)?.[inner];
}

/** A layer with another value; with undefined it says nothing of that setting any more. */
export function withValue(layer: Layer, name: SettingName, value: unknown): Layer {
  const [outer = "", inner] = name.split(".");
  const own = (layer as Record<string, unknown>)[outer] as object | undefined;
  return dropUndefined({ ...layer, [outer]: inner === undefined ? value : dropUndefined({ ...own, [inner]: value }) });
}

/** Several layers of one origin as one, the later before the earlier. */
export function overlay(earlier: Layer, later: Layer): Layer {
  return settingNames.reduce((layer, name) => {
    const value = valueIn(later, name);
    return value === undefined ? layer : withValue(layer, name, value);
  }, earlier);
}

/** What a run remembers of one origin: the values that hold in it because of that. */
export function rememberedLayer({ settings, origins }: Configuration, origin: Origin): Layer {
  const values = JSON.parse(settings) as Settings;
  const chosen = JSON.parse(origins) as Partial<Origins>;
  return settingNames
    .filter((name) => chosen[name] === origin)
    .reduce((layer, name) => withValue(layer, name, valueIn(values, name)), {} as Layer);
}

/** Whether a text is what the row of a run holds as the origins of its settings. */
export function areOrigins(text: string): boolean {
  try {
    const origins: unknown = JSON.parse(text);
    return !Array.isArray(origins) && v.is(originsSchema, origins);
  } catch {
    return false;
  }
}
const originsSchema = v.record(v.string(), v.picklist(origins));

/** A setting that does not go with another one. */
export interface Conflict {
  name: SettingName;
  /** Where in it, when not all of it is meant. */
  within?: readonly (string | number)[];
  other: SettingName;
  /** E.g. `expected at most 2, …`. */
  message: string;
}

/** Seconds between two looks at a queue that is not our own, at least. */
export const fewestPollSeconds = 5;

/** What of the settings does not go together, or null. */
export function conflictIn({
  resources,
  classes,
  budget,
  queue,
  executor,
  launcher,
  pollSeconds,
}: Settings): Conflict | null {
  const tooMany = (cores = 1): string | null =>
    queue === "local" && cores > budget
      ? `expected at most ${budget}, the cores that jobs on this computer may use together (budget), but got ${cores}`
      : null;
  const message = tooMany(resources.cores);
  if (message !== null) return { name: "resources.cores", other: "budget", message };
  for (const [i, { resources }] of classes.entries()) {
    const message = tooMany(resources.cores);
    if (message !== null) return { name: "classes", within: [i, "resources", "cores"], other: "budget", message };
  }
  if (queue === "local" && launcher === "srun") {
    const message = `expected auto, mpiexec or none for jobs on this computer (queue), but got "srun"`;
    return { name: "launcher", other: "queue", message };
  }
  if (queue !== "local" && pollSeconds < fewestPollSeconds) {
    const message = `expected at least ${fewestPollSeconds} on a cluster (queue), which others ask too, but got ${pollSeconds}`;
    return { name: "pollSeconds", other: "queue", message };
  }
  if (executor === "mpi4py" && launcher === "none") {
    const message = `expected a launcher of MPI (launcher), but that is "none"`;
    return { name: "executor", other: "launcher", message };
  }
  return null;
}

/**
 * Why a goal has no moment to come: it has passed, or no calendar has it.
 *
 * @param now milliseconds since the epoch
 */
export function lapsedIn(goal: Goal | null, now: number): Conflict | null {
  if (goal?.endTime === undefined) return null;
  const [, date = "", clock = ""] = /^(\d+-\d+-\d+)[T ](.*)$/i.exec(goal.endTime) ?? [];
  const got = `, but got "${goal.endTime}"`;
  const lapsed = (message: string): Conflict => ({ name: "goal", within: ["endTime"], other: "goal", message });
  // `Date` takes 30 February for 2 March.
  const day = new Date(`${date}T00:00:00Z`);
  if (Number.isNaN(day.getTime()) || !day.toISOString().startsWith(date)) {
    return lapsed(`expected a day of the calendar${got}`);
  }
  // It knows no offset of hours alone.
  const moment = Date.parse(`${date}T${clock.toUpperCase().replace(/([+-]\d\d)$/, "$1:00")}`);
  if (moment > now) return null;
  return lapsed(`expected a moment to come (it is ${new Date(now).toISOString().slice(0, 19)}Z)${got}`);
}

function defaults({ typed, study, profile }: Layers, machine: Machine): Layer {
  const layer = settingNames.reduce((layer, name) => withValue(layer, name, aboutSetting(name).default), {} as Layer);
  const queue = typed.queue ?? study.queue ?? profile.queue ?? machine.queue;
  return { ...layer, queue: machine.queue, budget: machine.cores, pollSeconds: queue === "local" ? 1 : 60 };
}

function dropUndefined(object: object): Layer {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined));
}

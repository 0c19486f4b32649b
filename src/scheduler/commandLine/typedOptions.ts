import { withValue, type TypedSettings } from "../state/layers";
import { badSetting, unknownName, type Place } from "../state/parseSettings";
import { parseTyped } from "../state/settingWords";
import { isGoalEntry, isSettingName, type GoalEntry, type Layer, type SettingName } from "../state/settings";

/** Options that stand for a setting. */
export const settingOptions = {
  goal: "goal",
  "max-jobs": "maxJobs",
  walltime: "resources.walltime",
  cores: "budget",
  python: "python",
} as const satisfies Record<string, SettingName>;

/** What the options of a command line set, by name; `set` and `unset` any number of times. */
export type TypedOptions = Partial<Record<keyof typeof settingOptions, string | undefined>> & {
  set?: readonly string[] | undefined;
  unset?: readonly string[] | undefined;
};

/**
 * Reads the settings that were typed: `--walltime 4:00:00`, `--set retries=2`, `--unset goal`.
 *
 * @throws AdaptiveError `bad-setting` naming the option and the setting
 */
export function parseTypedOptions(options: TypedOptions): TypedSettings {
  let set: Layer = {};
  for (const [option, name] of Object.entries(settingOptions) as [keyof typeof settingOptions, SettingName][]) {
    const text = options[option];
    if (text !== undefined) set = withValue(set, name, valueOf(name, text, { name: `--${option}` }, []));
  }
  for (const assignment of options.set ?? []) set = assign(set, assignment);
  const unset = (options.unset ?? []).map((name) => {
    if (isSettingName(name)) return name;
    throw badSetting({ name: "--unset" }, [name], unknownName(name));
  });
  return { set, unset };
}

function assign(layer: Layer, assignment: string): Layer {
  const place = { name: "--set" };
  const [, name, text] = /^\s*([^=\s]+)\s*=(.*)$/s.exec(assignment) ?? [];
  if (name === undefined || text === undefined) {
    throw badSetting(place, [], `expected NAME=VALUE, but got "${assignment}"`);
  }
  // A goal is one setting, whose entries may be typed one by one.
  if (isGoalEntry(name)) {
    const entry = name.slice("goal.".length);
    return withValue(layer, "goal", { ...(layer.goal ?? {}), [entry]: valueOf(name, text, place, [name]) });
  }
  if (!isSettingName(name)) throw badSetting(place, [name], unknownName(name));
  return withValue(layer, name, valueOf(name, text, place, [name]));
}

function valueOf(name: SettingName | GoalEntry, text: string, place: Place, path: readonly string[]): unknown {
  const typed = parseTyped(name, text);
  if ("problem" in typed) throw badSetting(place, path, typed.problem);
  return typed.value;
}

import * as v from "valibot";
import type { ConfigEntry, ConfigReport } from "../scheduler/control/configReport";
import { conflictIn, type Origin, type TypedSettings, valueIn, withValue } from "../scheduler/state/layers";
import { aboutSetting, asSettings, isSettingName, type Layer, type SettingName } from "../scheduler/state/settings";
import { goalExamples, parseTyped, type Typed, valueWords } from "../scheduler/state/settingWords";

/** What was typed in the form: a value, or that what was typed before is to hold no more. */
export type Edits = ReadonlyMap<SettingName, { value: unknown } | "reset">;

/** A row of the form, in words. */
export type FormRow =
  | { kind: "start" | "try" | "place"; label: string; description: string }
  | { kind: "setting"; name: SettingName; label: string; description: string }
  | { kind: "reset"; name: SettingName; label: string; description: string }
  | { kind: "script" | "studyFile"; label: string; description: string };

/** The settings that the form always has; others only while a typed value overrides. */
const mainSettings: readonly SettingName[] = ["resources.cores", "resources.walltime", "goal", "maxJobs", "executor"];

const labels: Partial<Record<SettingName, string>> = {
  "resources.cores": "Cores per job",
  "resources.walltime": "Walltime",
  goal: "Goal",
  maxJobs: "Jobs at once",
  executor: "Executor",
  budget: "Cores together",
  python: "Python",
};
export const labelOf = (name: SettingName): string => labels[name] ?? name;

/** Nearly always the first failure is the first point. */
const tryWords = "recommended: shows what points give and cost";

/** Whether a learners file has a goal of its own: a function that is defined, assigned or imported at its outermost level. */
export const hasOwnGoal = (source: string): boolean =>
  /^(?:def goal\s*\(|goal\s*(?::[^=\n]*)?=(?!=)|from\s.*\bimport\b.*\bgoal\s*(?:,|\)|#|$))/m.test(source);

/** What the form shows besides the settings. */
interface FormFacts {
  /** Where the jobs run, in words. */
  place: string;
  hasStudyFile: boolean;
  /** The learners file whose `goal()` holds beside the setting, or null. */
  ownGoal: string | null;
}

/** The form as it stands; its first row starts the jobs. */
export function formRows(report: ConfigReport, edits: Edits, { place, hasStudyFile, ownGoal }: FormFacts): FormRow[] {
  // A run stays where it is, and has been tried or has begun.
  const isNew = report.run === null;
  const others = report.settings.filter((entry) => heldBy(entry, edits).origin === "typed").map(({ name }) => name);
  const names = [...mainSettings, ...others.filter((name) => !mainSettings.includes(name))];
  return [
    { kind: "start", label: "Start Jobs", description: problemOf(report, edits) ?? "" },
    { kind: "try", label: "Try One Point First", description: isNew ? tryWords : "" },
    ...(isNew ? [{ kind: "place" as const, label: "Where", description: place }] : []),
    ...names.flatMap((name): FormRow[] => {
      const entry = entryOf(report, name);
      const held = heldBy(entry, edits);
      const said = name === "goal" && ownGoal !== null ? withOwnGoal(held, ownGoal) : heldWords(name, held);
      const row: FormRow = { kind: "setting", name, label: labelOf(name), description: said };
      if (held.origin !== "typed") return [row];
      const description = heldWords(name, untyped(entry));
      return [row, { kind: "reset", name, label: `Reset ${labelOf(name)}`, description }];
    }),
    { kind: "script", label: "Preview Job Script", description: "" },
    { kind: "studyFile", label: `${hasStudyFile ? "Open" : "Create"} adaptive.json`, description: "" },
  ];
}

/** What is in the way of starting with these settings, or null. */
export function problemOf(report: ConfigReport, edits: Edits): string | null {
  const settings = report.settings.reduce(
    (layer, entry) => withValue(layer, entry.name, heldBy(entry, edits).value),
    {} as Layer,
  );
  const conflict = conflictIn(asSettings(settings));
  return conflict && `${labelOf(conflict.name)}: ${conflict.message}`;
}

/** The value that holds in the form, as it would be typed. */
export function textOf(report: ConfigReport, edits: Edits, name: SettingName): string {
  return valueWords(name, heldBy(entryOf(report, name), edits).value);
}

/** Reads what is typed into a row. */
export function readRow(report: ConfigReport, edits: Edits, name: SettingName, text: string): Typed {
  const typed = parseTyped(name, text);
  if ("problem" in typed) return typed;
  const problem = problemOf(report, withEdit(report, edits, name, typed));
  return problem !== null && problemOf(report, edits) === null ? { problem } : typed;
}

/** What may be typed into a row. */
export function hintOf(name: SettingName): string {
  if (name === "goal") return `${goalExamples.join(", ")}, or several with "or"; none goes on until you stop it.`;
  const { description, examples = [] } = aboutSetting(name);
  const forms = [...examples.map(String), ...(parsesNone(name) ? ["none"] : [])];
  return `${description.replaceAll("`", "")}${forms.length > 0 ? ` E.g. ${forms.join(", ")}.` : ""}`;
}

const parsesNone = (name: SettingName): boolean => "value" in parseTyped(name, "null");

/** The form after a row was edited; a value that holds anyway needs not be typed. */
export function withEdit(
  report: ConfigReport,
  edits: Edits,
  name: SettingName,
  edit: { value: unknown } | "reset",
): Edits {
  const entry = entryOf(report, name);
  const wasTyped = entry.next[0]?.origin === "typed";
  const isUnchanged =
    edit === "reset" ? !wasTyped : isSame(edit.value, (wasTyped ? entry.next[0] : untyped(entry))?.value);
  const others = [...edits].filter(([other]) => other !== name);
  return new Map(isUnchanged ? others : [...others, [name, edit]]);
}

/** What is told to the scheduler at the start. */
export function typedIn(edits: Edits): TypedSettings {
  let set: Layer = {};
  for (const [name, edit] of edits) if (edit !== "reset") set = withValue(set, name, edit.value);
  return { set, unset: [...edits].filter(([, edit]) => edit === "reset").map(([name]) => name) };
}

const memorySchema = v.object({
  /** Everything typed that would hold, by name. */
  values: v.record(v.string(), v.unknown()),
  resets: v.array(v.string()),
  /** Whether the run of the study was told. */
  isStarted: v.boolean(),
});
/** What is kept of the form when it closes. */
export type FormMemory = v.InferOutput<typeof memorySchema>;

export function remember(report: ConfigReport, edits: Edits, isStarted: boolean): FormMemory {
  const typed = report.settings.map((entry) => [entry.name, heldBy(entry, edits)] as const);
  return {
    values: Object.fromEntries(
      typed.flatMap(([name, { origin, value }]) => (origin === "typed" ? [[name, value]] : [])),
    ),
    resets: [...typedIn(edits).unset],
    isStarted,
  };
}

/** The goal after a start with what was typed, and whether it is another than the run has. */
export function goalAfter(report: ConfigReport, { set, unset }: TypedSettings): { goal: unknown; isNew: boolean } {
  const entry = entryOf(report, "goal");
  const typed = valueIn(set, "goal");
  const held = unset.includes("goal") ? untyped(entry) : (entry.next[0] ?? untyped(entry));
  const goal = typed === undefined ? held.value : typed;
  return { goal, isNew: entry.now !== null && !isSame(goal, entry.now.value) };
}

/** The form as it was left, as far as that still makes sense. What a run was told it remembers by itself. */
export function recall(report: ConfigReport, memory: unknown): Edits {
  const result = v.safeParse(memorySchema, memory);
  if (!result.success || (report.run !== null && result.output.isStarted)) return new Map();
  const { values, resets } = result.output;
  const set = Object.entries(values).flatMap(([name, value]): [SettingName, { value: unknown }][] => {
    const typed = isSettingName(name) ? parseTyped(name, JSON.stringify(value)) : null;
    return isSettingName(name) && typed && "value" in typed ? [[name, typed]] : [];
  });
  const reset = resets.filter(isSettingName).map((name) => [name, "reset"] as const);
  return [...set, ...reset].reduce<Edits>((edits, [name, edit]) => withEdit(report, edits, name, edit), new Map());
}

interface Held {
  value: unknown;
  origin: Origin;
  where: string;
}

function heldBy(entry: ConfigEntry, edits: Edits): Held {
  const edit = edits.get(entry.name);
  if (edit === "reset") return untyped(entry);
  return edit ? { value: edit.value, origin: "typed", where: "typed" } : (entry.next[0] ?? untyped(entry));
}

/** What holds without anything typed. */
function untyped(entry: ConfigEntry): Held {
  return entry.next.find(({ origin }) => origin !== "typed") ?? { value: null, origin: "default", where: "default" };
}

function heldWords(name: SettingName, { value, origin }: Held): string {
  const words = { typed: "typed", study: "adaptive.json", profile: "adaptive.clusters", default: "default" };
  return `${valueWords(name, value)} · ${words[origin]}`;
}

/** A learner is done once either goal is met. */
function withOwnGoal(held: Held, file: string): string {
  const own = `as goal() in ${file} says`;
  return held.value === null ? own : `${heldWords("goal", held)}, or ${own}`;
}

function entryOf(report: ConfigReport, name: SettingName): ConfigEntry {
  return report.settings.find((entry) => entry.name === name) ?? { name, now: null, next: [] };
}

const isSame = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

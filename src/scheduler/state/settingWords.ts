import * as v from "valibot";
import { schemaOf, type Goal, type GoalEntry, type ResourceClass, type Resources, type SettingName } from "./settings";
import { wordsOf } from "./parseSettings";
import { nounFor } from "./counts";

/** A value that was typed, or what is wrong with it. */
export type Typed = { value: unknown } | { problem: string };

/** The value of a setting as a person says it: `100 points or loss 0.01`. */
export function valueWords(name: SettingName, value: unknown): string {
  if (value === null) return "none";
  if (name === "goal") return goalWords(value as Goal);
  if (name === "classes" && Array.isArray(value) && value.length > 0) {
    return (value as ResourceClass[]).map(classWords).join("; ");
  }
  if (Array.isArray(value)) return value.length === 0 ? "none" : value.join("; ");
  return typeof value === "string" ? value : JSON.stringify(value);
}

function classWords({ name, where, resources }: ResourceClass): string {
  const asked = Object.entries(resources).map(
    ([key, value]) => `${key} ${valueWords(`resources.${key as keyof Resources}`, value)}`,
  );
  return `${name} where ${where}: ${asked.join(", ") || "nothing else"}`;
}

function goalWords({ npoints, loss, seconds, endTime }: Goal): string {
  const parts = [
    npoints === undefined ? [] : [`${npoints} ${nounFor(npoints, "point")}`],
    loss === undefined ? [] : [`loss ${loss}`],
    seconds === undefined ? [] : [durationWords(seconds)],
    endTime === undefined ? [] : [`until ${endTime}`],
  ];
  return parts.flat().join(" or ");
}

const units = [
  ["d", 86_400],
  ["h", 3600],
  ["min", 60],
  ["s", 1],
] as const;

function durationWords(seconds: number): string {
  const [unit, length] = units.find(([, length]) => seconds % length === 0) ?? ["s", 1];
  return `${seconds / length} ${unit}`;
}

/** Reads what was typed for a setting: as a person says it, or as JSON. */
export function parseTyped(name: SettingName | GoalEntry, text: string): Typed {
  const trimmed = text.trim();
  const readings = [
    ...(name === "goal" ? [parseGoal(trimmed)] : []),
    ...(trimmed === "none" ? [null] : []),
    parseJson(trimmed),
    trimmed,
  ].filter((reading) => reading !== undefined);
  const schema = schemaOf(name);
  const results = readings.map((reading) => v.safeParse(schema, reading));
  const good = results.find(({ success }) => success);
  if (good) return { value: good.output };
  const issues = results.flatMap((result) => result.issues?.[0] ?? []);
  // A reading of the right type says more than one that is not.
  const issue = issues.find(({ kind }) => kind === "validation") ?? issues[0];
  if (issue && (name !== "goal" || issue.path)) return { problem: wordsOf(issue) };
  return { problem: `expected ${goalExamples.join(", ")} or none, but got "${trimmed}"` };
}

/** Ways to type a goal. */
export const goalExamples = ["100 points", "loss 0.01", "10 min", "until 2027-01-31T18:00Z"] as const;

const number = "(\\d+(?:\\.\\d+)?(?:e[-+]?\\d+)?)";
const goalForms: readonly [RegExp, (text: string, unit?: string) => Goal][] = [
  [new RegExp(`^(?:npoints\\s*=\\s*)?${number}(?:\\s*points?)?$`, "i"), (text) => ({ npoints: Number(text) })],
  [new RegExp(`^loss\\s*(?:=|<=?|)\\s*${number}$`, "i"), (text) => ({ loss: Number(text) })],
  [new RegExp(`^seconds\\s*=\\s*${number}$`, "i"), (text) => ({ seconds: Number(text) })],
  [
    new RegExp(`^${number}\\s*(s|min|h|d)(?:s|ec(?:onds?)?|utes?|ours?|ays?)?$`, "i"),
    (text, unit) => ({ seconds: Number(text) * (units.find(([name]) => name === unit?.toLowerCase())?.[1] ?? 1) }),
  ],
  [
    /^(?:endTime\s*=\s*|until\s+)?(\d{4}-\S+)$/i,
    (moment) => ({ endTime: moment.replace(/(T\d\d:\d\d)(?![\d:])/, "$1:00") }),
  ],
];

/** A goal as it is typed: `100 points`, `loss=0.01 or 10 min`, `until 2027-01-31T18:00Z`; undefined when it is nothing of that kind. */
function parseGoal(text: string): object | undefined {
  const goal = {};
  for (const part of text.split(/\s*,\s*|\s+or\s+/)) {
    const read = goalForms.flatMap(([form, give]) => {
      const [, first, second] = form.exec(part) ?? [];
      return first === undefined ? [] : [give(first, second)];
    });
    if (!read[0]) return undefined;
    Object.assign(goal, read[0]);
  }
  return goal;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

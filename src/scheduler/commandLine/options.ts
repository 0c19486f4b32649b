import type { ParseArgsConfig } from "node:util";
import { nearest } from "../state/nearest";

/** Settings, as they are typed at a start. */
const typedOptions = {
  goal: { type: "string" },
  "max-jobs": { type: "string" },
  walltime: { type: "string" },
  cores: { type: "string" },
  python: { type: "string" },
  set: { type: "string", multiple: true },
  unset: { type: "string", multiple: true },
} as const;

/** All options that there are. */
export const options = {
  learners: { type: "string" },
  cluster: { type: "string" },
  ...typedOptions,
  port: { type: "string" },
  profile: { type: "string" },
  json: { type: "boolean" },
  stay: { type: "boolean" },
  detach: { type: "boolean" },
  "in-job": { type: "boolean" },
  gently: { type: "boolean" },
  "shut-down": { type: "boolean" },
  "no-start": { type: "boolean" },
  accept: { type: "boolean" },
  learner: { type: "string", multiple: true },
  known: { type: "string", multiple: true },
  mpi: { type: "boolean" },
  into: { type: "boolean" },
  wheels: { type: "string" },
  class: { type: "string" },
  where: { type: "string" },
  reopen: { type: "boolean" },
  "dry-run": { type: "boolean" },
  prune: { type: "boolean" },
  fork: { type: "boolean" },
  data: { type: "boolean" },
  yes: { type: "boolean" },
  pack: { type: "boolean" },
  from: { type: "string" },
  adopt: { type: "boolean" },
  help: { type: "boolean", short: "h" },
  version: { type: "boolean", short: "V" },
} as const satisfies ParseArgsConfig["options"];
type Option = keyof typeof options;

/** Also of commands that print nothing else: a program that reads us gets its errors so. */
const ofAll: readonly Option[] = ["json", "help", "version"];
const ofStart: readonly Option[] = [
  "learners",
  "cluster",
  "profile",
  ...(Object.keys(typedOptions) as (keyof typeof typedOptions)[]),
];
const ofLearners: readonly Option[] = ["where", "accept"];

/** What each command knows, besides those of all. */
const ofCommands: Readonly<Record<string, readonly Option[]>> = {
  run: [...ofStart, "port", "stay", "accept", "reopen", "fork", "adopt"],
  init: [...ofStart, "fork", "adopt"],
  config: ofStart,
  script: [...ofStart, "class"],
  try: [...ofStart, "learner", "where", "accept"],
  start: ["accept"],
  pause: [],
  set: ofStart,
  jobs: [],
  cancel: [],
  shell: [],
  serve: ["port", "detach", "in-job", "fork", "adopt"],
  pythons: ["known", "python", "profile"],
  environment: ["python", "profile", "mpi", "into", "wheels"],
  list: ["prune"],
  status: [],
  stop: ["gently", "shut-down"],
  update: ["accept", "dry-run"],
  retry: ofLearners,
  "stop-learner": ofLearners,
  reopen: ofLearners,
  failures: ["where"],
  delete: ["data", "yes", "dry-run"],
  results: ["pack"],
  receive: ["from"],
  attach: ["no-start"],
  help: [],
  version: [],
};

export const commandNames: readonly string[] = Object.keys(ofCommands);

/** The options of a command; all there are, of one that there is not. */
export function optionsOf(command: string): readonly string[] {
  const own = Object.hasOwn(ofCommands, command) ? ofCommands[command] : undefined;
  return own ? [...own, ...ofAll] : Object.keys(options);
}

/** Which option of those that were typed is none of the command's, in words; null when it knows each of them. */
export function unknownOption(
  args: readonly string[],
  command = args.find((arg) => commandNames.includes(arg)),
): string | null {
  const known = optionsOf(command ?? "");
  const end = args.indexOf("--");
  const given = (end < 0 ? args : args.slice(0, end)).filter((arg) => /^-[^-]|^--./.test(arg));
  const isKnown = (arg: string) =>
    arg.startsWith("--") ? known.includes(nameOf(arg)) : [...arg.slice(1)].every((letter) => letters.includes(letter));
  const wrong = given.find((arg) => !isKnown(arg));
  if (wrong === undefined) return null;
  const meant = nearest(nameOf(wrong), known);
  const guess = meant === null ? "." : `; did you mean --${meant}?`;
  return `${command ?? "adaptive-scheduler"} has no option ${wrong.split("=", 1)[0] ?? ""}${guess}`;
}

const letters = Object.values<{ type: string; short?: string }>(options).flatMap(({ short }) => short ?? []);

const nameOf = (arg: string): string => arg.replace(/^-+/, "").split("=", 1)[0] ?? "";

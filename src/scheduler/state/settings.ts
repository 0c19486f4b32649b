import * as v from "valibot";
import { AdaptiveError } from "./errors";

const positiveInteger = v.pipe(v.number(), v.safeInteger(), v.minValue(1));
const positiveNumber = v.pipe(v.number(), v.finite(), v.gtValue(0));

/** When a learner is finished; with several entries, when any of them is met. */
export const goalSchema = v.pipe(
  v.strictObject({
    npoints: v.optional(positiveInteger),
    loss: v.optional(positiveNumber),
    /** Seconds since the learner was given to its job. */
    seconds: v.optional(positiveNumber),
    /** A moment, ISO 8601 with its time zone. */
    endTime: v.optional(v.pipe(v.string(), v.isoTimestamp("expected a time such as 2027-01-31T18:00:00Z"))),
  }),
  v.check((goal) => Object.keys(goal).length > 0, "expected npoints, loss, seconds or endTime"),
);
export type Goal = v.InferOutput<typeof goalSchema>;

const executors = ["auto", "mpi4py", "process-pool", "loky"] as const;
const dataframeFormats = ["csv", "json", "parquet", "pickle"] as const;
export type DataframeFormat = (typeof dataframeFormats)[number];

/** As people and queues write it: `MINUTES`, `MINUTES:SECONDS`, `HOURS:MINUTES:SECONDS` or `DAYS-HOURS[:MINUTES[:SECONDS]]`; see sbatch(1). */
const walltimeSchema = v.pipe(
  v.string(),
  v.regex(/^(\d+-\d+(:[0-5]?\d){0,2}|\d+(:[0-5]?\d){0,2})$/, "expected a time such as 4:00:00 or 2-12:00:00"),
  v.check((text) => walltimeSeconds(text) > 0, "expected more than no time"),
);

/** Seconds of a walltime. */
export function walltimeSeconds(text: string): number {
  const [days, clock] = text.includes("-") ? (text.split("-") as [string, string]) : [null, text];
  const parts = clock.split(":").map(Number);
  const [hours = 0, minutes = 0, seconds = 0] = days !== null || parts.length === 3 ? parts : [0, ...parts];
  return ((Number(days ?? 0) * 24 + hours) * 60 + minutes) * 60 + seconds;
}

const resourcesSchema = v.strictObject({
  /** Worker processes of a job; locally one more process coordinates them, which needs no core. */
  cores: v.optional(positiveInteger),
  /** How long a job may take; it saves its learner and gives it back before that. */
  walltime: v.optional(v.nullable(walltimeSchema)),
});

/** What `adaptive.json` beside a learners file may say. */
export const studySchema = v.strictObject({
  $schema: v.optional(v.string()),
  goal: v.optional(v.nullable(goalSchema)),
  resources: v.optional(resourcesSchema),
  /** What evaluates the points of a learner: the ranks of an MPI job, or processes on one machine. */
  executor: v.optional(v.picklist(executors)),
  /** Save each learner's data as a data frame too. */
  dataframe: v.optional(v.nullable(v.picklist(dataframeFormats))),
  /** How often one point is evaluated again after an error before its learner fails. */
  retries: v.optional(v.pipe(v.number(), v.safeInteger(), v.minValue(0))),
  saveEverySeconds: v.optional(positiveNumber),
  /** Failed jobs after which a learner is `failed`. */
  maxFailures: v.optional(positiveInteger),
});

/** What the user setting `adaptive.clusters` says about one cluster. */
export const profileSchema = v.strictObject({
  python: v.optional(v.pipe(v.string(), v.minLength(1))),
  /** Shell lines before each Python of ours, e.g. `module load mpi`. */
  prelude: v.optional(v.array(v.string())),
  /** What starts the processes of a job; `auto` is the `mpiexec` beside the Python, else the one on PATH. */
  launcher: v.optional(v.picklist(["auto", "mpiexec", "none"])),
  resources: v.optional(resourcesSchema),
  maxJobs: v.optional(positiveInteger),
  pollSeconds: v.optional(positiveNumber),
  /** Cores of this machine that local jobs may use together. */
  budget: v.optional(positiveInteger),
});

const settingsSchema = v.strictObject({
  goal: v.nullable(goalSchema),
  resources: v.strictObject({ cores: positiveInteger, walltime: v.nullable(v.string()) }),
  executor: v.picklist(executors),
  dataframe: v.nullable(v.picklist(dataframeFormats)),
  retries: v.number(),
  saveEverySeconds: v.number(),
  maxFailures: v.number(),
  python: v.string(),
  prelude: v.array(v.string()),
  launcher: v.picklist(["auto", "mpiexec", "none"]),
  maxJobs: v.number(),
  pollSeconds: v.number(),
  budget: v.number(),
});
/** Everything a run goes by, merged; the rows of `runConfigured`. */
export type Settings = v.InferOutput<typeof settingsSchema>;

type Layer = Omit<v.InferOutput<typeof studySchema>, "$schema"> & v.InferOutput<typeof profileSchema>;
/** Where a value came from: what was typed, the study file, the profile, or the default. */
type Origin = "typed" | "study" | "profile" | "default";
export type Origins = Record<string, Origin>;

/**
 * Merges the layers, the first one that says something wins; `resources` is merged by entry.
 *
 * @returns the settings, and for each entry (`resources.cores`) the layer it came from
 */
export function mergeSettings(
  layers: Record<Exclude<Origin, "default">, Layer>,
  machineCores: number,
): { settings: Settings; origins: Origins } {
  const ordered: [Origin, Layer][] = [
    ["typed", layers.typed],
    ["study", layers.study],
    ["profile", layers.profile],
    ["default", defaults(machineCores)],
  ];
  const settings: Record<string, unknown> = {};
  const origins: Origins = {};
  for (const [origin, layer] of ordered) {
    for (const [path, value] of entries(layer)) {
      if (path in origins) continue;
      origins[path] = origin;
      const [name, entry] = path.split(".") as [string, string?];
      settings[name] = entry ? { ...(settings[name] as object | undefined), [entry]: value } : value;
    }
  }
  return { settings: v.parse(settingsSchema, settings), origins };
}

/** Settings and their origins, as the row of a run holds them: JSON. */
export interface Configuration {
  settings: string;
  origins: string;
}

/** The settings that a run's row holds. */
export function settingsOf(run: Pick<Configuration, "settings">): Settings {
  if (run.settings !== parsed?.text) {
    parsed = { text: run.settings, settings: v.parse(settingsSchema, JSON.parse(run.settings)) };
  }
  return parsed.settings;
}
let parsed: { text: string; settings: Settings } | null = null;

/**
 * Reads settings that a person wrote.
 *
 * @param where named in the error, e.g. the path of the file
 * @throws AdaptiveError `bad-setting` naming the setting and what was expected
 */
export function parseSettings<S extends v.GenericSchema>(schema: S, value: unknown, where: string): v.InferOutput<S> {
  const result = v.safeParse(schema, value);
  if (result.success) return result.output;
  const issue = result.issues[0];
  const path = v.getDotPath(issue);
  throw new AdaptiveError(
    "bad-setting",
    `${where}: ${path ? `the setting ${path}: ` : ""}${issue.message}.`,
    "Correct it and start again; nothing was changed.",
  );
}

function defaults(machineCores: number): Layer {
  return {
    goal: null,
    resources: { cores: 1, walltime: null },
    executor: "auto",
    dataframe: null,
    retries: 0,
    saveEverySeconds: 300,
    maxFailures: 3,
    python: "python3",
    prelude: [],
    launcher: "auto",
    maxJobs: 100,
    pollSeconds: 1,
    budget: machineCores,
  };
}

function entries(layer: Layer): [string, unknown][] {
  return Object.entries(layer)
    .filter(([, value]) => value !== undefined)
    .flatMap(([name, value]): [string, unknown][] =>
      name === "resources"
        ? Object.entries(value as object).map(([entry, inner]) => [`resources.${entry}`, inner])
        : [[name, value]],
    );
}

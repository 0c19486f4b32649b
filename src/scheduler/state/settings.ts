/**
 * Every setting of a run, said once: its shape, what it means, its default, and since when a changed
 * value holds. The types, the JSON schemas of the editor and the table in the README are made of this.
 */
import * as v from "valibot";
import { parseClassFilter } from "./filter";
import { toAdaptiveError } from "./errors";
import { defaultClass, tryClass } from "./rows";

/** What a setting's schema carries besides its shape; goes into the JSON schemas as it is. */
export interface About {
  /** Markdown. */
  description: string;
  /** Absent where it depends on the machine. */
  default?: unknown;
  examples?: readonly unknown[];
  enumDescriptions?: readonly string[];
  /** For what a value that was changed while a run goes on holds. */
  holds?: "at once" | "learners given to jobs since" | "jobs submitted since";
}
const about = <T>(setting: About) => v.metadata<T, Record<string, unknown>>({ ...setting });

const oneOf = <const T extends readonly string[]>(names: T) =>
  v.picklist(names, `expected ${names.map((name) => JSON.stringify(name)).join(", ")}`.replace(/, ([^,]*)$/, " or $1"));
const wholeAbove0 = "expected a whole number above 0";
const positiveInteger = v.pipe(v.number(wholeAbove0), v.safeInteger(wholeAbove0), v.minValue(1, wholeAbove0));
const wholeFrom0 = "expected a whole number, 0 or more";
const naturalNumber = v.pipe(v.number(wholeFrom0), v.safeInteger(wholeFrom0), v.minValue(0, wholeFrom0));
const numberAbove0 = "expected a number above 0";
const positiveNumber = v.pipe(v.number(numberAbove0), v.finite(numberAbove0), v.gtValue(0, numberAbove0));
const aText = "expected a text";
const anObject = "expected an object";

const aMoment = "expected a time with its zone, such as 2027-01-31T18:00:00Z";

/** When a learner is finished; with several entries, when any of them is met. */
export const goalSchema = v.pipe(
  v.strictObject(
    {
      npoints: v.optional(
        v.pipe(positiveInteger, about({ description: "Points that a learner has.", examples: [100] })),
      ),
      loss: v.optional(v.pipe(positiveNumber, about({ description: "A loss not above this.", examples: [0.01] }))),
      seconds: v.optional(
        v.pipe(
          positiveNumber,
          about({ description: "Seconds since the learner was given to its job.", examples: [600] }),
        ),
      ),
      endTime: v.optional(
        v.pipe(
          v.string(aMoment),
          v.isoTimestamp(aMoment),
          about({ description: "A moment, with its time zone.", examples: ["2027-01-31T18:00:00Z"] }),
        ),
      ),
    },
    `${anObject} with npoints, loss, seconds or endTime`,
  ),
  v.minEntries(1, "expected npoints, loss, seconds or endTime"),
);
export type Goal = v.InferOutput<typeof goalSchema>;

export const executors = ["auto", "mpi4py", "process-pool", "loky"] as const;
export const dataframeFormats = ["csv", "json", "parquet", "pickle"] as const;
export type DataframeFormat = (typeof dataframeFormats)[number];

const aScript = "expected the name of a Python file, such as run_learner.py";
const aWalltime = "expected a time such as 4:00:00 or 2-12:00:00";
/** A number looks like the minutes that a text of it would be. */
const aQuotedWalltime = 'expected a time in quotes, such as "90" for minutes or "4:00:00"';
/** As people and queues write it: `MINUTES`, `MINUTES:SECONDS`, `HOURS:MINUTES:SECONDS` or `DAYS-HOURS[:MINUTES[:SECONDS]]`; see sbatch(1). */
const walltimeSchema = v.pipe(
  v.string(aQuotedWalltime),
  v.regex(/^(\d+-\d+(:[0-5]?\d){0,2}|\d+(:[0-5]?\d){0,2})$/, aWalltime),
  v.check((text) => walltimeSeconds(text) > 0, "expected more than no time"),
  v.metadata({ patternErrorMessage: aWalltime }),
);

/** Seconds of a walltime. */
export function walltimeSeconds(text: string): number {
  const [days, clock] = text.includes("-") ? (text.split("-") as [string, string]) : [null, text];
  const parts = clock.split(":").map(Number);
  const [hours = 0, minutes = 0, seconds = 0] = days !== null || parts.length === 3 ? parts : [0, ...parts];
  return ((Number(days ?? 0) * 24 + hours) * 60 + minutes) * 60 + seconds;
}

/** Queues that jobs are submitted to. */
export const queues = ["local", "slurm"] as const;
export type Queue = (typeof queues)[number];

/** What goes into a line of the queue's own options must be one word of it. */
const queueWord = v.pipe(
  v.string(aText),
  v.regex(/^[^\s'"\\#]+$/, "expected a name without blanks, quotes, # and backslashes"),
);

const aMemory = "expected an amount of memory such as";
const aQuotedMemory = `${aMemory} "4G", in quotes`;

/** How an amount that was written as people write it is written here: `4 GB` as 4G, `1.5g` as 1536M. */
function memoryLike(text: string): string {
  const [, amount, unit] = /^\s*(\d+(?:\.\d+)?)\s*([kmgt])i?b?\s*$/i.exec(text) ?? [];
  if (amount === undefined || unit === undefined || Number(amount) === 0) return "4G or 500M";
  const units = "KMGT";
  const larger = units.indexOf(unit.toUpperCase());
  if (Number.isInteger(Number(amount)) || larger === 0) return `${Math.ceil(Number(amount))}${unit.toUpperCase()}`;
  return `${Math.ceil(Number(amount) * 1024)}${units.charAt(larger - 1)}`;
}

const resourcesSchema = v.strictObject(
  {
    cores: v.pipe(
      positiveInteger,
      about({
        description:
          "Cores of a job, each for one worker process. One more process coordinates them, which needs no core.",
        default: 1,
        holds: "jobs submitted since",
      }),
    ),
    walltime: v.pipe(
      v.nullable(walltimeSchema),
      about({
        description:
          "How long a job may take: `MINUTES`, `HOURS:MINUTES:SECONDS` or `DAYS-HOURS:MINUTES:SECONDS`. Before that it saves its learner and gives it back.",
        default: null,
        examples: ["4:00:00", "2-12:00:00"],
        holds: "jobs submitted since",
      }),
    ),
    nodes: v.pipe(
      v.nullable(positiveInteger),
      about({
        description: "Nodes that a job is spread over; none leaves it to the queue. Not for jobs of this computer.",
        default: null,
        holds: "jobs submitted since",
      }),
    ),
    memory: v.pipe(
      v.nullable(
        v.pipe(
          v.string(aQuotedMemory),
          v.regex(/^[1-9]\d*[KMGT]?$/, ({ input }) => `${aMemory} ${memoryLike(input)}`),
        ),
      ),
      about({
        description:
          "Memory for each core, e.g. `4G`; none asks for what the queue gives. Not for jobs of this computer.",
        default: null,
        examples: ["4G", "500M"],
        holds: "jobs submitted since",
      }),
    ),
    partition: v.pipe(
      v.nullable(queueWord),
      about({
        description: "Partition of the cluster; none is the cluster's own choice.",
        default: null,
        holds: "jobs submitted since",
      }),
    ),
    account: v.pipe(
      v.nullable(queueWord),
      about({
        description: "Account that the jobs are charged to; none is your usual one.",
        default: null,
        holds: "jobs submitted since",
      }),
    ),
    extraLines: v.pipe(
      v.array(v.string(aText), "expected a list of lines"),
      about({
        description: "More lines with options of the queue, e.g. `#SBATCH --qos=long`.",
        default: [],
        holds: "jobs submitted since",
      }),
    ),
  },
  `${anObject} with cores, walltime, nodes, memory, partition, account or extraLines`,
);

export type Resources = v.InferOutput<typeof resourcesSchema>;

const aClassName = "expected a name of letters, digits, - and _";
const reservedNames: readonly string[] = [defaultClass, tryClass];
const classSchema = v.strictObject(
  {
    name: v.pipe(
      v.string(aClassName),
      v.regex(/^[A-Za-z0-9_-]+$/, aClassName),
      v.check((name) => !reservedNames.includes(name), `expected another name than ${reservedNames.join(" and ")}`),
      about({ description: "Letters, digits, - and _." }),
    ),
    where: v.pipe(
      v.string(aText),
      v.check(
        (text) => problemOfFilter(text) === null,
        ({ input }) => `expected a filter of parameters such as n>=1000 (${problemOfFilter(input) ?? ""})`,
      ),
      about({ description: "Which learners: a filter of their parameters.", examples: ["n>=1000"] }),
    ),
    resources: v.pipe(
      v.partial(resourcesSchema),
      about({ description: "What its jobs ask for; what is not said here is as in `resources`." }),
    ),
  },
  `${anObject} with name, where and resources`,
);
export type ResourceClass = v.InferOutput<typeof classSchema>;

function problemOfFilter(text: string): string | null {
  try {
    parseClassFilter(text);
    return null;
  } catch (error) {
    return toAdaptiveError(error).message.replace(/^Filter, |\.$/g, "");
  }
}

const settingsSchema = v.strictObject(
  {
    goal: v.pipe(
      v.nullable(goalSchema),
      about({
        description:
          'When a learner is done: `{"npoints": 100}`, `{"loss": 0.01}`, `{"seconds": 600}`, `{"endTime": "2027-01-31T18:00:00Z"}`, or several, of which any ends it. Without one it goes on until you stop it, or to the function `goal(learner)` of the learners file.',
        default: null,
        examples: [{ npoints: 100 }, { loss: 0.01 }, { seconds: 600 }],
        holds: "learners given to jobs since",
      }),
    ),
    resources: resourcesSchema,
    classes: v.pipe(
      v.array(classSchema, "expected a list of classes"),
      v.checkItems(
        ({ name }, i, classes) => classes.findIndex((other) => other.name === name) === i,
        "expected a name that no class before has",
      ),
      about({
        description:
          'Learners whose jobs ask for something else: `[{"name": "large", "where": "n>=1000", "resources": {"cores": 16}}]`. `where` is a filter of their parameters; the first class that fits holds, and what its `resources` do not say is as in `resources`.',
        default: [],
        holds: "learners given to jobs since",
      }),
    ),
    executor: v.pipe(
      oneOf(executors),
      about({
        description: "What evaluates the points of a learner.",
        default: "auto",
        enumDescriptions: [
          "MPI where the job was started by an MPI launcher, else processes",
          "the ranks of the MPI job, as `mpi4py.futures` gives them",
          "processes on one machine, from `concurrent.futures`",
          "processes on one machine, from `loky`, which takes functions defined anywhere",
        ],
        holds: "jobs submitted since",
      }),
    ),
    dataframe: v.pipe(
      v.nullable(oneOf(dataframeFormats)),
      about({
        description:
          "Save each learner's data as a data frame too, beside its data file; needs `pandas`, and `parquet` needs `pyarrow`.",
        default: null,
        holds: "learners given to jobs since",
      }),
    ),
    script: v.pipe(
      v.nullable(v.pipe(v.string(aText), v.regex(/\.py$/, aScript))),
      about({
        description:
          "A Python file of the study that runs a learner in each job with `client_support.get_learner` and `is_done`, as the `run_learner.py` of the first version does. It is run again for each further learner. Without one, learners are run for you.",
        default: null,
        examples: ["run_learner.py"],
        holds: "jobs submitted since",
      }),
    ),
    include: v.pipe(
      v.array(v.string(aText), "expected a list of file names"),
      about({
        description:
          "Files and folders beside the learners file that its code reads where it lies, e.g. `params.csv`; Python files are taken along anyway.",
        default: [],
        holds: "jobs submitted since",
      }),
    ),
    retries: v.pipe(
      naturalNumber,
      about({
        description: "How often a point is evaluated again after an error before its learner fails.",
        default: 0,
        holds: "learners given to jobs since",
      }),
    ),
    saveEverySeconds: v.pipe(
      positiveNumber,
      about({
        description:
          "Most seconds between two saves of a running learner; the first comes after a minute, the next after two, and so on up to this. What a machine that is lost costs is what was computed since the last one.",
        default: 300,
        holds: "learners given to jobs since",
      }),
    ),
    maxFailures: v.pipe(
      positiveInteger,
      about({ description: "Failed jobs after which a learner is given up.", default: 3, holds: "at once" }),
    ),
    python: v.pipe(
      v.string(aText),
      v.minLength(1, "expected the path of a Python"),
      about({
        description:
          "The Python that runs the learners, with `adaptive`, `pyzmq` and `cloudpickle`, and for MPI `mpi4py`. In the editor, one in `.venv` beside the study comes before `python3`.",
        default: "python3",
        holds: "jobs submitted since",
      }),
    ),
    prelude: v.pipe(
      v.array(v.string(aText), "expected a list of shell lines"),
      about({
        description: "Shell lines before each Python, e.g. `module load mpi`.",
        default: [],
        holds: "jobs submitted since",
      }),
    ),
    launcher: v.pipe(
      oneOf(["auto", "srun", "mpiexec", "none"]),
      about({
        description: "What starts the processes of a job.",
        default: "auto",
        enumDescriptions: [
          "on this computer the `mpiexec` beside the Python, else the one on `PATH`; on Slurm the first of `srun` and `mpiexec` that is seen to join processes",
          "Slurm's `srun`, with the first of its kinds of MPI that is seen to join processes",
          "the `mpiexec` on `PATH`",
          "nothing: a job is one process, which starts others of its own",
        ],
        holds: "jobs submitted since",
      }),
    ),
    maxJobs: v.pipe(
      positiveInteger,
      about({ description: "At most so many jobs in the queue at a time.", default: 100, holds: "at once" }),
    ),
    pollSeconds: v.pipe(
      positiveNumber,
      about({
        description:
          "Seconds between two looks at the queue: 1 on this computer, 60 on a cluster, where less than 5 is refused.",
        holds: "at once",
      }),
    ),
    queue: v.pipe(
      oneOf(queues),
      about({
        description: "Where jobs are submitted to. A run stays with the queue that it was made for.",
        enumDescriptions: ["nowhere: they are processes of this computer", "Slurm, by its commands"],
      }),
    ),
    budget: v.pipe(
      positiveInteger,
      about({ description: "Cores of this computer that its jobs may use together.", holds: "at once" }),
    ),
  },
  anObject,
);
/** Everything a run goes by, merged; the rows of `runConfigured`. */
export type Settings = v.InferOutput<typeof settingsSchema>;

const { entries } = settingsSchema;
const resources = v.optional(v.pipe(v.partial(resourcesSchema), about({ description: "What a job asks for." })));

/** What `adaptive.json` beside a learners file may say. */
export const studySchema = v.strictObject(
  {
    $schema: v.optional(v.pipe(v.string(aText), v.metadata({ doNotSuggest: true }))),
    goal: v.optional(entries.goal),
    resources,
    classes: v.optional(entries.classes),
    executor: v.optional(entries.executor),
    dataframe: v.optional(entries.dataframe),
    script: v.optional(entries.script),
    include: v.optional(entries.include),
    retries: v.optional(entries.retries),
    saveEverySeconds: v.optional(entries.saveEverySeconds),
    maxFailures: v.optional(entries.maxFailures),
  },
  anObject,
);

/** What the user setting `adaptive.clusters` says about one cluster. */
export const profileSchema = v.strictObject(
  {
    python: v.optional(entries.python),
    prelude: v.optional(entries.prelude),
    launcher: v.optional(entries.launcher),
    resources,
    maxJobs: v.optional(entries.maxJobs),
    pollSeconds: v.optional(entries.pollSeconds),
    queue: v.optional(entries.queue),
    budget: v.optional(entries.budget),
  },
  anObject,
);

/** Of a host, what its runs do not go by. */
export const hostDefaults = {
  installFolder: "~/.adaptive-scheduler",
  runRoot: "~/adaptive-runs",
  schedulerInJob: false,
} as const;
const aPath = "expected an absolute path, or one that begins with ~/";
const remotePath = v.pipe(v.string(aPath), v.regex(/^(~\/|\/)/, aPath));
const aRunRoot = "expected an absolute path, or one that begins with ~/ or a variable, such as $SCRATCH/";

/** What the user setting `adaptive.clusters` says about an SSH host. */
export const clusterSchema = v.strictObject(
  {
    ...profileSchema.entries,
    node: v.optional(
      v.pipe(
        remotePath,
        about({ description: "The Node, 18 or newer, that runs the scheduler there; without it one is looked for." }),
      ),
    ),
    installFolder: v.optional(
      v.pipe(
        remotePath,
        about({
          description: "Where the scheduler is installed there: about 7 MB, with a Node of its own 130 MB.",
          default: hostDefaults.installFolder,
        }),
      ),
    ),
    runRoot: v.optional(
      v.pipe(
        v.string(aRunRoot),
        v.regex(/^(~\/|\/|\$\w|\$\{\w+\})/, aRunRoot),
        about({
          description:
            "Where runs are made there, each in a folder named as the study's; all nodes must see it. Variables of your login there, such as $SCRATCH, are replaced.",
          default: hostDefaults.runRoot,
        }),
      ),
    ),
    schedulerInJob: v.optional(
      v.pipe(
        v.boolean("expected true or false"),
        about({
          description:
            "Run schedulers there in a small job of the queue, where the site ends what a login session leaves running.",
          default: hostDefaults.schedulerInJob,
        }),
      ),
    ),
  },
  anObject,
);

/** What was typed at a start: anything. */
export const typedSchema = v.partial(v.strictObject({ ...entries, resources: v.partial(resourcesSchema) }, anObject));
/** Some settings, as one source of them has them. */
export type Layer = v.InferOutput<typeof typedSchema>;

const { goal, resources: _, ...others } = entries;
const schemas = {
  goal,
  "resources.cores": resourcesSchema.entries.cores,
  "resources.walltime": resourcesSchema.entries.walltime,
  "resources.nodes": resourcesSchema.entries.nodes,
  "resources.memory": resourcesSchema.entries.memory,
  "resources.partition": resourcesSchema.entries.partition,
  "resources.account": resourcesSchema.entries.account,
  "resources.extraLines": resourcesSchema.entries.extraLines,
  ...others,
} as const;
/** A setting that is merged as a whole, by its dotted name. */
export type SettingName = keyof typeof schemas;
export const settingNames = Object.keys(schemas) as SettingName[];
export const isSettingName = (name: string): name is SettingName => Object.hasOwn(schemas, name);

/** A part of the goal, which can be typed by itself. */
export type GoalEntry = `goal.${keyof Goal}`;
export const goalEntries = Object.keys(goalSchema.entries).map((entry) => `goal.${entry}`) as GoalEntry[];
export const isGoalEntry = (name: string): name is GoalEntry => (goalEntries as string[]).includes(name);

/** The schema of one setting. */
export function schemaOf(name: SettingName | GoalEntry): v.GenericSchema {
  return isGoalEntry(name) ? goalSchema.entries[name.slice("goal.".length) as keyof Goal].wrapped : schemas[name];
}

/** What there is to say of a setting. */
export const aboutSetting = (name: SettingName): About => v.getMetadata(schemaOf(name)) as unknown as About;

/** Settings and their origins, as the row of a run holds them: JSON. */
export interface Configuration {
  settings: string;
  origins: string;
}

/** The settings that a run's row holds. */
export function settingsOf(run: Pick<Configuration, "settings">): Settings {
  if (run.settings !== parsed?.text) parsed = { text: run.settings, settings: asSettings(completed(run.settings)) };
  return parsed.settings;
}
/** A run that was made before there were classes has none. */
const completed = (settings: string) => ({ classes: [], ...(JSON.parse(settings) as object) });
let parsed: { text: string; settings: Settings } | null = null;

/** @throws when one is missing or wrong */
export const asSettings = (settings: unknown): Settings => v.parse(settingsSchema, settings);

/** Whether a text is what the row of a run holds as its settings. */
export function areSettings(text: string): boolean {
  try {
    return v.is(settingsSchema, completed(text));
  } catch {
    return false;
  }
}

/** The simulation can fail: each rule that is broken on purpose is noticed, within some seeds. */
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { describe, expect, test } from "vitest";
import type { Cluster, QueuedJob } from "../../src/scheduler/clusters/cluster";
import type { NewChange } from "../../src/scheduler/state/changes";
import { simulate, scenarioOf } from "./simulate";
import { simulatedAdapter } from "./cluster";
import type { World } from "./world";

const wasm = await readFile(createRequire(import.meta.url).resolve("sql.js/dist/sql-wasm.wasm"));
const seeds = 60;

type Broken = [rule: string, breakRule: (world: World) => void, words: RegExp];

/** What the queue's adapter does otherwise. */
const withAdapter = (change: (adapter: Cluster) => Partial<Cluster>) => (world: World) => {
  const { rules } = world;
  rules.adapter = { ...rules.adapter, ...change(rules.adapter) };
};

/** Of two schedulers one does what the other knows nothing of. */
const splitBrain = /published (twice|otherwise|before)|before it was durable|is lost|is not what was published/;

const invariants: Record<string, Broken[]> = {
  "one live job per learner, as far as data is concerned": [
    ["a worker that saves whatever its epoch", ({ rules }) => (rules.epochsDecide = false), /was saved over/],
    [
      "two processes of a job that have one epoch",
      ({ rules }) => (rules.tellsProcessesApart = false),
      /epoch \d+ of learner \d+ is|was saved over/,
    ],
    [
      "an assignment that does not reach the file of epochs",
      ({ disk, directory }) => (disk.forgottenPath = directory.epochs),
      /epochs says/,
    ],
    ["a job that one listing without it ends", withAdapter(() => ({ isExact: true })), /was given up/],
    [
      "a scheduler that does not look whether the run is still its own",
      ({ rules }) => (rules.confirmsOwnership = rules.seesLaterIncarnations = false),
      splitBrain,
    ],
    [
      "a scheduler that takes the lock for its own for twenty seconds",
      ({ rules }) => {
        rules.confirmsEveryMs = 20_000;
        rules.seesLaterIncarnations = false;
      },
      splitBrain,
    ],
    [
      "a scheduler whose lock was put back, and that does not look for another's incarnation",
      ({ rules }) => (rules.seesLaterIncarnations = false),
      splitBrain,
    ],
  ],
  "what the queue lists is alive, and ends when the run is stopped": [
    [
      "jobs that are known by a comment that sites rewrite",
      ({ rules }) => (rules.adapter = simulatedAdapter(({ comment }) => comment !== null)),
      /was given up after|lives and spoke|more jobs beside/,
    ],
    [
      "a stop that cancels nothing that waits",
      withAdapter(({ cancel }) => ({ cancel: (_, force) => cancel([], force) })),
      /is stopped, and the queue has|is (running|waiting)|does not end|and nothing came of it/,
    ],
  ],
  "jobs of a class run its learners": [
    [
      "a job that gets learners of any class",
      ({ rules }) => (rules.classesCount = false),
      /job .* of .* has learner .* of/,
    ],
  ],
  "done stays done": [
    [
      "a learner that is done and waits again",
      ({ rules }) => (rules.recordsAs = alsoGivenBack),
      /was done, and is handed out again/,
    ],
    ["done said of what is not saved", ({ rules }) => (rules.savesBeforeDone = false), /is done with \d+ points saved/],
  ],
  "a learner's data is its own": [
    [
      "data among the scheduler's own files",
      ({ rules, directory }) => (rules.dataFolder = directory.at("code", "r1", "data")),
      /lies in the state folder/,
    ],
    [
      "jobs that do not say which of their points are saved",
      ({ rules }) => (rules.tellsWhatIsSaved = false),
      /is given back with \d+ points, and its data has/,
    ],
    ["a scheduler that deletes more than is its own", ({ disk }) => deleteDataToo(disk), /was deleted or changed/],
  ],
  "what is lost is made anew": [
    [
      "a scheduler that looks after none of its files",
      ({ rules }) => (rules.mendsFiles = false),
      /was lost for \d+ ms, and .* is not made anew/,
    ],
  ],
  "every learner ends": [
    ["a queue in which no job ever ends", withAdapter(withoutEnds), /is (running|waiting)/],
    [
      "points that a job was to try, and that nobody hears of",
      ({ rules }) => (rules.recordsAs = (change) => (change.kind === "pointsTried" ? [] : [change])),
      /before it was durable|nothing came of it/,
    ],
  ],
  "jobs ≤ maxJobs": [
    [
      "twice as many jobs as decided",
      withAdapter((adapter) => ({ submit: (order) => adapter.submit({ ...order, count: 2 * order.count }) })),
      /more jobs beside/,
    ],
    [
      "jobs that are submitted again because nobody answered",
      ({ rules }) => (rules.timeoutIsNoRefusal = false),
      /more jobs beside|was given up after/,
    ],
  ],
  "polls ≤ one per interval": [
    [
      "waits that follow the clock when it is set",
      ({ rules }) => (rules.waitsAreSteady = false),
      /the queue was asked again after/,
    ],
  ],
  "no answer before durability": [
    [
      "a worker answered before it is synced",
      ({ rules }) => (rules.answersWhenSynced = false),
      /answered .* before it was durable/,
    ],
    [
      "a command acknowledged before it is synced",
      ({ rules }) => (rules.acknowledgesWhenSynced = false),
      /acknowledged change \d+ before it was durable/,
    ],
    [
      "jobs submitted and cancelled before it is synced",
      ({ rules }) => (rules.actsWhenSynced = false),
      /was (made|cancelled) before (it|that) was durable/,
    ],
    [
      "a disk that loses what it has synced",
      ({ disk }) => (disk.isLying = true),
      /is lost|is in no journal|epochs says|was published otherwise|is not what was published|ended itself/,
    ],
  ],
};

describe.each(Object.entries(invariants))("%s", (_, broken) => {
  test.each(broken)("%s is noticed", async (_, breakRule, words) => {
    for (let seed = 1; seed <= seeds; seed++) {
      const { violation } = await simulate(seed, wasm, scenarioOf(seed), breakRule);
      if (violation === null) continue;
      expect(violation).toMatch(words);
      return;
    }
    throw new Error(`Not noticed in ${seeds} seeds.`);
  });
});

test("a seed determines everything", async () => {
  const [one, same] = [await simulate(7, wasm), await simulate(7, wasm)];
  expect(same).toEqual(one);
});

function alsoGivenBack(change: NewChange): readonly NewChange[] {
  if (change.kind !== "learnerDone") return [change];
  const { learner, job, npoints, loss } = change;
  const nothing = { failures: 0, fruitlessJobs: 0, error: null, requestNumber: null };
  return [
    change,
    {
      kind: "learnerReleased",
      learner,
      job,
      how: "given back",
      state: "waiting",
      reason: "",
      npoints,
      loss,
      ...nothing,
    },
  ];
}

/** Whoever deletes a file also deletes the first learner's data. */
function deleteDataToo(disk: World["disk"]): void {
  const honest = disk.for.bind(disk);
  disk.for = (owner) => {
    const files = honest(owner);
    const rm: typeof files.rm = async (path, options) => {
      await files.rm(path, options);
      await files.rm("/study/data/0.pickle", { force: true });
    };
    return { ...files, rm };
  };
}

/** Lists all that it has ever listed. */
function withoutEnds({ list }: Cluster): Partial<Cluster> {
  const listed = new Map<string, QueuedJob>();
  return {
    list: (known) => {
      const { parse, ...command } = list(known);
      const all = (jobs: readonly QueuedJob[]) => {
        for (const job of jobs) if (job.state !== "ended") listed.set(job.id, job);
        return [...listed.values()];
      };
      return { ...command, parse: (output) => all(parse(output)) };
    },
  };
}

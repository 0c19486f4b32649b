/** The simulation can fail: each rule that is broken on purpose is noticed, within some seeds. */
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { expect, test } from "vitest";
import { simulate, scenarioOf } from "./simulate";
import type { World } from "./world";

const wasm = await readFile(createRequire(import.meta.url).resolve("sql.js/dist/sql-wasm.wasm"));
const seeds = 60;

const broken: [string, (world: World) => void, RegExp][] = [
  [
    "an answer before it is synced",
    ({ rules }) => (rules.answersWhenSynced = false),
    /answered .* before it was durable/,
  ],
  ["a worker that saves whatever its epoch", ({ rules }) => (rules.epochsDecide = false), /was saved over/],
  [
    "a job that one listing without it ends",
    ({ rules }) => (rules.adapter = { ...rules.adapter, isExact: true }),
    /was given up/,
  ],
  [
    "a job that gets learners of any class",
    ({ rules }) => (rules.classesCount = false),
    /job .* of .* has learner .* of/,
  ],
  [
    "jobs that are submitted again because nobody answered",
    ({ rules }) => (rules.timeoutIsNoRefusal = false),
    /more jobs beside|was given up after/,
  ],
  [
    "a scheduler that does not look whether the run is still its own",
    ({ rules }) => (rules.confirmsOwnership = false),
    /published twice|before it was durable|published before/,
  ],
];

test.each(broken)("%s is noticed", async (_, breakRule, words) => {
  for (let seed = 1; seed <= seeds; seed++) {
    const { violation } = await simulate(seed, wasm, scenarioOf(seed), breakRule);
    if (violation === null) continue;
    expect(violation).toMatch(words);
    return;
  }
  throw new Error(`Not noticed in ${seeds} seeds.`);
});

test("a seed determines everything", async () => {
  const [one, same] = [await simulate(7, wasm), await simulate(7, wasm)];
  expect(same).toEqual(one);
});

import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { noDataWords, shortTrouble, stateWords, troubleWords } from "../../../src/views/learnerWords";
import { learnerRow } from "./rows";

const shown = (set: Partial<ReturnType<typeof learnerRow>>) => learnerRow(1, { fname: "data/a.pickle", ...set });

describe("how a learner stands", () => {
  test.each([
    [{ state: "waiting", failures: 0 }, "waiting"],
    [{ state: "waiting", failures: 1 }, "waiting, failed once"],
    [{ state: "waiting", failures: 2 }, "waiting, failed 2 times"],
    [{ state: "running", failures: 2 }, "running, failed 2 times"],
    [{ state: "failed", failures: 3 }, "failed"],
    [{ state: "done", failures: 1 }, "done"],
  ] as const)("%o: %s", (learner, words) => {
    expect(stateWords(learner)).toBe(words);
  });
});

describe("what is wrong with a learner", () => {
  const error = "ZeroDivisionError: division by zero";
  test.each([
    [{ error, failures: 1, reason: error }, `Failed once: ${error}`],
    [{ error, failures: 2, reason: error }, `Failed 2 times: ${error}`],
    [{ error, failures: 0, reason: error }, error],
    [{ error: null, failures: 0, reason: "its job lost its node" }, "its job lost its node"],
    [{ error: null, failures: 0, reason: null }, null],
  ])("%o: %s", (learner, words) => {
    expect(troubleWords(learner)).toBe(words);
  });

  test("is a line of at most 120 characters in a row", () => {
    expect(shortTrouble("short")).toBe("short");
    expect(shortTrouble("first\nsecond")).toBe("first…");
    expect(shortTrouble("x".repeat(600))).toBe(`${"x".repeat(119)}…`);
  });
});

describe("what is said where nothing is drawn", () => {
  const online = { why: null, isOnline: true };
  test.each([
    [shown({ npoints: 0 }), online, "No points yet: it waits for a job."],
    [shown({ npoints: 0, state: "running" }), online, "Waiting for its first points…"],
    [shown({ npoints: 0, state: "done" }), online, "No points yet."],
    [shown({ npoints: 400, state: "done" }), online, "Loading 400 points…"],
    [shown({ npoints: 400, state: "running" }), online, "Loading 400 points…"],
    [
      shown({ npoints: 3, state: "running" }),
      { why: { text: null }, isOnline: true },
      "Its data (3 points) is drawn with the next one.",
    ],
    [
      shown({ npoints: 1, state: "done" }),
      { why: { text: "data/a.pickle: EOFError: Ran out of input" }, isOnline: true },
      "Its data (1 point, in data/a.pickle) cannot be drawn: data/a.pickle: EOFError: Ran out of input",
    ],
    [
      shown({ npoints: 400, state: "done" }),
      { why: { text: null }, isOnline: true },
      "Its data (400 points, in data/a.pickle) cannot be drawn: there is no data/a.pickle",
    ],
    [
      shown({ npoints: 400, state: "done" }),
      { why: null, isOnline: false },
      "Its data (400 points, in data/a.pickle) is drawn once the run is connected.",
    ],
  ])("%o", (learner, known, words) => {
    expect(noDataWords(learner, known)).toBe(words);
  });

  test("never that it cannot be drawn, before that is known", () => {
    for (const state of ["waiting", "running", "done", "failed", "stopped", "blocked", "removed"] as const) {
      for (const npoints of [0, 1, 400]) expect(noDataWords(shown({ state, npoints }), online)).not.toContain("cannot");
    }
  });
});

test("no view counts things in a way of its own: 1 point, 2 points", async () => {
  const views = "src/views";
  const files = (await readdir(views, { recursive: true })).filter(
    (name) => name.endsWith(".ts") && name !== "format.ts",
  );
  const counted = /formatCount\([^`]*\)\} [a-z]+s\b|\$\{[\w.]*(count|length|npoints|total)\)?\} (of its )?[a-z]+s\b/;
  const found = await Promise.all(
    files.map(async (name) => {
      const lines = (await readFile(join(views, name), "utf8")).split("\n");
      return lines.flatMap((line, i) => (counted.test(line) ? [`${name}:${i + 1} ${line.trim()}`] : []));
    }),
  );
  expect(found.flat()).toEqual([]);
});

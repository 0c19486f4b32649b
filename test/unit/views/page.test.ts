import fc from "fast-check";
import * as v from "valibot";
import { describe, expect, it, test } from "vitest";
import { learnerStates } from "../../../src/scheduler/state/rows";
import type { LinePreview } from "../../../src/scheduler/workers/messages";
import { componentLabels, curveData, curveSummary } from "../../../src/views/curve";
import { shownTrial, shownLearner } from "../../../src/views/dashboardRows";
import { fromPageSchema, hearPage, toPageSchema } from "../../../src/views/messages";
import { awayLine, linkText } from "../../../src/views/statusText";
import { rowAfterKey, rowsInSight, scrollTopFor } from "../../../src/views/webview/virtualWindow";
import { learnerRow } from "./rows";

const list = { state: null, orderBy: "position", descending: false, offset: 0, limit: 60 };

describe("messages of the page", () => {
  test.each([
    ["a look", { type: "look", list, selected: 3 }, true],
    ["a look at too many rows", { type: "look", list: { ...list, limit: 100_000 }, selected: null }, false],
    ["an order by what is no column", { type: "look", list: { ...list, orderBy: "1; DROP" }, selected: null }, false],
    ["an order by a parameter", { type: "look", list: { ...list, orderBy: "parameter:a b" }, selected: null }, true],
    ["a command of ours", { type: "runCommand", command: "stopJobs" }, true],
    ["what is to be done with a learner", { type: "changeLearners", verb: "reopen", learners: [3, 4] }, true],
    ["what is to be done with all that are listed", { type: "changeListed", verb: "stop" }, true],
    ["a filter", { type: "filter", text: "offset>" }, true],
    ["another verb", { type: "changeLearners", verb: "delete", learners: [3] }, false],
    ["another command", { type: "runCommand", command: "workbench.action.quit" }, false],
    ["something else", "hello", false],
  ])("%s (%o): accepted is %s", (_, message, isAccepted) => {
    expect(v.safeParse(fromPageSchema, message).success).toBe(isAccepted);
    expect("said" in hearPage(message)).toBe(isAccepted);
  });

  test("that nobody understands are a short line for the log, whatever they are", () => {
    const circle: unknown[] = [];
    circle.push(circle);
    const hostile = fc.oneof(
      fc.anything({ withBigInt: true, withNullPrototype: true, withSparseArray: true }),
      fc.constantFrom(1n, circle, { type: circle }, { type: "look", list: circle }, { type: "filter", text: 1n }),
      fc.record({ type: fc.constantFrom("look", "choose", "changeLearners"), list: fc.anything(), end: fc.anything() }),
    );
    fc.assert(
      fc.property(hostile, (message) => {
        const heard = hearPage(message);
        if ("problem" in heard) expect(heard.problem).toMatch(/^the page sent what was not understood \(.{1,40}\)$/);
        else expect(fromPageSchema.options.map(({ entries }) => entries.type.literal)).toContain(heard.said.type);
      }),
    );
  });
});

describe("messages to the page", () => {
  it("carry learners that parse", () => {
    const rows = [shownLearner(learnerRow(1)), shownLearner(learnerRow(2, { combo: '{"a":[1],"b":null}' }))];
    const matching = Object.fromEntries(learnerStates.map((state) => [state, 1]));
    const message = { type: "learners", list, filter: "offset>0", matching, total: 2, rows };
    expect(v.parse(toPageSchema, message)).toEqual(message);
  });

  it("carry what trying a point gave, with the traceback in the study's own files", () => {
    const traceback =
      '  File "/study/.adaptive/code/0a1b/_learners.py", line 3, in f\n    1 / x\n    ~~^~~\nZeroDivisionError';
    const error = "ZeroDivisionError: division by zero in f at x = 0.0";
    const trial = { at: 7, job: "1_1", point: "0.0", value: null, seconds: 0.1, megabytes: 30, error, traceback };
    const row = learnerRow(1, { trial: JSON.stringify(trial) });
    const message = { type: "selected", learner: shownLearner(row), trial: shownTrial(row, "/home/ann/peaks") };
    expect(v.parse(toPageSchema, message)).toEqual(message);
    expect(message.trial).toEqual({
      at: 7,
      line: error,
      hasFailed: true,
      // Wrapped, what marks a part of the line above would mark another one.
      traceback: '  File "/home/ann/peaks/_learners.py", line 3, in f\n    1 / x\nZeroDivisionError',
      place: "line 3 of _learners.py",
    });
  });

  it("stay far below 2 MB with as many and as long rows as there may be", () => {
    const combo = JSON.stringify(Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`p${i}`, "x".repeat(500)])));
    const rows = Array.from({ length: 200 }, (_, i) => shownLearner(learnerRow(i, { combo, fname: "f".repeat(5000) })));
    expect(JSON.stringify(rows).length).toBeLessThan(2e6);
  });
});

describe("the rows in sight", () => {
  const view = { height: 220, rowHeight: 22, total: 100_000, overscan: 5 };
  test.each([
    [0, { first: 0, end: 15 }],
    [2200, { first: 95, end: 115 }],
    [99_990 * 22, { first: 99_985, end: 100_000 }],
    [1e9, { first: 100_000, end: 100_000 }],
  ])("at %s px are %o", (scrollTop, rows) => {
    expect(rowsInSight({ ...view, scrollTop })).toEqual(rows);
  });

  it("move as little as possible to show another", () => {
    const at = { scrollTop: 220, height: 220, rowHeight: 22 };
    expect([scrollTopFor(5, at), scrollTopFor(12, at), scrollTopFor(20, at)]).toEqual([110, 220, 242]);
  });
});

describe("keys in a list of ten", () => {
  test.each([
    ["ArrowDown", 3, 4],
    ["ArrowDown", 9, 9],
    ["ArrowUp", 0, 0],
    ["PageDown", 3, 7],
    ["Home", 5, 0],
    ["End", 5, 9],
    ["a", 5, null],
  ])("%s goes from %s to %s", (key, from, to) => {
    expect(rowAfterKey(key, from, { total: 10, pageRows: 4 })).toBe(to);
  });
});

describe("a curve", () => {
  const preview: LinePreview = {
    kind: "line",
    x: [-1, null, 0, 1],
    y: [
      [0, 5, null, 2],
      [1, 1, 1, 1],
    ],
    xLabel: "x",
    yLabel: "y",
    bounds: [-1, 1],
    npoints: 4,
    facts: [],
    errors: null,
  };

  it("leaves out points without a finite x and keeps gaps in y", () => {
    expect(curveData(preview)).toEqual([
      [-1, 0, 1],
      [0, null, 2],
      [1, 1, 1],
    ]);
  });

  it("says in words what it shows", () => {
    const learner = { label: "offset=0.51", state: "running", npoints: 4, loss: 0.013 };
    expect(curveSummary(preview, learner)).toBe(
      "offset=0.51: running, 4 points, loss 1.3e-2; x from -1 to 1; y[0] from 0 to 2; y[1] from 1 to 1",
    );
    expect(componentLabels({ ...preview, y: [[1]] })).toEqual(["y"]);
  });
});

describe("a link in words", () => {
  const lost = {
    at: "retrying",
    attempt: 2,
    nextInMs: 8000,
    why: "the connection was lost.",
    lastWordAt: new Date(2026, 0, 31, 14, 2).getTime(),
  } as const;
  test.each([
    [{ at: "online" } as const, null],
    [{ at: "connecting", step: "Reading" } as const, "Reading…"],
    [{ at: "connecting", step: "Connecting..." } as const, "Connecting…"],
    [lost, "as of 2026-01-31 14:02: the connection was lost, retrying in 4 s"],
    [{ ...lost, lastWordAt: null, nextInMs: 0 }, "the connection was lost, retrying…"],
    [{ ...lost, lastWordAt: null, why: `${"ssh: ".repeat(20)}\nmore` }, `${"ssh: ".repeat(11)}ssh:…, retrying in 4 s`],
    [{ at: "offline", since: new Date(2026, 0, 31, 14, 2), why: "closed" } as const, "offline since 2026-01-31 14:02"],
    [{ at: "needsUser", what: "hpc asks for a code" } as const, "needs you: hpc asks for a code"],
  ])("%o is %s", (link, text) => {
    expect(linkText(link, 4000, 0)).toBe(text);
  });

  test.each([
    [{ at: "online" } as const, ""],
    [lost, "Not connected, as of 2026-01-31 14:02: the connection was lost."],
    [
      { at: "offline", since: new Date(2026, 0, 31, 14, 2), why: "closed" } as const,
      "The run is offline since 2026-01-31 14:02.",
    ],
    [{ at: "offline", since: new Date(0), why: "copied", isCopied: true } as const, ""],
  ])("the tree says above its rows of %o: %s", (link, text) => {
    expect(awayLine(link, 4000)).toBe(text);
  });
});

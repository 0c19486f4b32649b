import { expect, test } from "vitest";
import { DroppedInputs } from "../../../src/scheduler/droppedInputs";

function open() {
  const lines: string[] = [];
  const time = { now: 0 };
  return {
    lines,
    time,
    dropped: new DroppedInputs(
      (line) => lines.push(line),
      () => time.now,
    ),
  };
}

test("a flood is a line a minute that counts it, of each source", () => {
  const { lines, time, dropped } = open();
  for (; time.now < 180_000; time.now += 10) dropped.note("a worker", "not understood: learner");
  dropped.note("a client", "no request");
  expect(lines).toEqual([
    "a message of a worker was dropped (not understood: learner)",
    "a message of a worker was dropped (not understood: learner), as were 5999 more since the last such line",
    "a message of a worker was dropped (not understood: learner), as were 5999 more since the last such line",
    "a message of a client was dropped (no request)",
  ]);
});

test("what goes wrong with one input is noted with its place, never with what came", async () => {
  const { lines, dropped } = open();
  await dropped.guard("a worker", () => Promise.reject(new TypeError("password=hunter2")));
  await dropped.guard("a client", () => {
    JSON.parse("my secret");
  });
  await dropped.guard("attach", () => Promise.resolve());
  expect(lines[0]).toMatch(/TypeError at .*droppedInputs/);
  expect(lines[1]).toContain("SyntaxError at");
  expect(lines.join()).not.toMatch(/hunter2|secret/);
  expect(lines).toHaveLength(2);
});

test("nothing that came can pose as a line of its own", () => {
  const { lines, dropped } = open();
  dropped.note("a worker", `x\n2026 [1] all is well \u202e${"y".repeat(1000)}`);
  expect(lines[0]).toMatch(/^[\x20-\x7e]{1,300}$/);
});

import { describe, expect, test } from "vitest";
import { asLearnerId } from "../../../src/scheduler/state/rows";
import { outputText } from "../../../src/views/outputText";

const started = (id: number) => `10:00:00 learner ${id} data/${id}.pickle: started`;
const whole = [
  "modules loaded",
  started(4),
  "of 4",
  started(15),
  "of 15",
  started(4),
  "of 4 again",
  started(7),
  "of 7",
];
const shown = (lines: readonly string[], learner: number | null, truncated = false) =>
  outputText({ text: lines.join("\n"), truncated }, learner === null ? null : asLearnerId(learner)).split("\n");

describe("what is shown of a job's output", () => {
  test.each([
    ["all of it", null, whole],
    ["a learner's own part, the last time it was there", 4, [started(4), "of 4 again"]],
    ["a learner's own part, up to the next", 15, [started(15), "of 15"]],
    ["a learner's own part, to the end", 7, [started(7), "of 7"]],
    ["all of it where that part is not there", 1, whole],
  ])("is %s", (_, learner, lines) => {
    expect(shown(whole, learner)).toEqual(lines);
  });

  test("says that it is only the end, unless that holds the whole part", () => {
    expect(shown(whole, null, true)[0]).toBe("… (only the end is shown)");
    expect(shown(whole, 7, true)).toEqual([started(7), "of 7"]);
  });

  test("is the last state of lines that were drawn over", () => {
    expect(shown(["a\r\nb", "  0%\r 50%\r100%", "x\r"], null)).toEqual(["a", "b", "100%", "x\r"]);
  });

  test("is a sentence where there is none", () => {
    expect(shown([""], null)).toEqual(["This job has printed nothing yet.", ""]);
  });
});

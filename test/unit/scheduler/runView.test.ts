import { describe, expect, test } from "vitest";
import type { ToldLearner } from "../../../src/scheduler/commandLine/attended";
import type { Program } from "../../../src/scheduler/commandLine/program";
import { remarksSince } from "../../../src/scheduler/commandLine/follow";
import { createView } from "../../../src/scheduler/commandLine/runView";
import { asLearnerId } from "../../../src/scheduler/state/rows";
import { remarkOnMpi } from "../../../src/scheduler/state/runRemarks";

const counts = { waiting: 0, running: 0, done: 12, failed: 1, stopped: 0, blocked: 0, removed: 0 };
const figures = { learners: counts, npoints: 9, jobs: 0, elapsedMs: 61_000 };
const told = (id: number, set: Partial<ToldLearner>): ToldLearner => ({
  ...{ id: asLearnerId(id), fname: `data/${id}`, state: "done", failures: 0, error: null, reason: null, remark: null },
  ...set,
});

function viewOf(json: boolean) {
  const lines: string[] = [];
  const program = {
    print: (text: string) => lines.push(text),
    printJson: (value: object) => lines.push(JSON.stringify(value)),
  };
  return { lines, view: createView(json, program as unknown as Program) };
}

function printedBy(json: boolean, learners: readonly ToldLearner[]): string {
  const { lines, view } = viewOf(json);
  view.end(figures, learners);
  return lines.join("\n");
}

describe("the end of a run", () => {
  test("says what is to be said of learners that are done, ten of them, and of those that failed", () => {
    const remarked = Array.from({ length: 12 }, (_, i) => told(i, { remark: `no data frame ${i}.` }));
    const failed = told(12, { state: "failed", error: "ZeroDivisionError", reason: "failed 3 times" });
    const printed = printedBy(false, [...remarked, failed]);
    expect(printed).toContain("data/0: no data frame 0.");
    expect(printed).toContain("data/9: no data frame 9.");
    expect(printed).not.toContain("no data frame 10.");
    expect(printed).toContain("More of this kind: adaptive-scheduler failures RUN");
    expect(printed).toContain("failed: data/12: failed 3 times");
    expect(printed).toContain("12 done, 1 failed, all ended (1:01)");
  });

  test("says nothing of those that nothing is to be said of", () => {
    expect(printedBy(false, [])).toMatch(/^12 done, 1 failed/);
    expect(JSON.parse(printedBy(true, [told(3, { remark: "r" })]))).toMatchObject({ event: "end", failed: [] });
  });
});

describe("what a run that somebody else serves says of itself", () => {
  const withoutMpi = remarkOnMpi({ why: "/bin/python has no mpi4py", hint: "pip install mpi4py mpich" });

  test("is printed as it comes, each once, with what to do", () => {
    const heardOf = (json: boolean): string[] => {
      const { lines, view } = viewOf(json);
      const said = ["Jobs run with numpy 2.", withoutMpi, "The queue gives jobs 1 h."];
      let heard: number | null = null;
      for (const count of [1, 2, 2, 3]) {
        remarksSince(heard, { count, newest: said.slice(0, count) }).forEach(view.remark);
        heard = count;
      }
      return lines;
    };
    expect(heardOf(false)).toEqual([withoutMpi, "The queue gives jobs 1 h."]);
    expect(withoutMpi).toMatch(
      /^Processes evaluate the points: \/bin\/python has no mpi4py\. .*: pip install mpi4py mpich$/,
    );
    expect(heardOf(true).map((line) => JSON.parse(line) as unknown)[0]).toEqual({ event: "remark", text: withoutMpi });
  });

  test.each([
    ["the newest that are kept, when more came than these", 2, { count: 9, newest: ["h", "i"] }, ["h", "i"]],
    ["nothing, when its scheduler is another one", 9, { count: 1, newest: ["a"] }, []],
    ["nothing, when nothing was ever said", 0, { count: 0, newest: [] }, []],
  ])("is %s", (_, heard, remarks, news) => {
    expect(remarksSince(heard, remarks)).toEqual(news);
  });
});

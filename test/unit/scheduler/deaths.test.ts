import { describe, expect, test } from "vitest";
import { needsPython } from "../../../src/scheduler/control/foundPythons";
import { explainDeaths, pauseCodes } from "../../../src/scheduler/jobs/deaths";

describe("the cause of jobs that die at once", () => {
  test.each<[string, number | null, string, RegExp, RegExp]>([
    [
      "what the job said last",
      127,
      "module: loading\nadaptive-scheduler: no-python: there is no Python at /opt/python on n1\n",
      /submitted: there is no Python at \/opt\/python on n1\.\nThe last one printed:\nmodule: loading/,
      /^Choose another Python .*; then start the jobs again\.$/,
    ],
    [
      "a learners file, named as the study has it",
      1,
      "adaptive-scheduler: learners-file: /home/me/study/.adaptive/code/0a1b2c/_learners.py:3: KeyError: 'X' See it.\n---\nmpiexec: a rank ended\n",
      /submitted: \/home\/me\/study\/_learners\.py:3: KeyError: 'X' See it\.\nThe last one/,
      /prelude may lack/,
    ],
    [
      "an error of Python",
      1,
      "Traceback (most recent call last):\n  File …\nModuleNotFoundError: No module named 'mpi4py'\n--- mpiexec\n",
      /submitted: ModuleNotFoundError: No module named 'mpi4py'\./,
      /^Correct the cause;/,
    ],
    [
      "nothing but a code",
      3,
      "",
      /submitted: they ended with exit code 3\.\nThe last one printed nothing\./,
      /^Correct/,
    ],
    ["no code at all", null, "", /submitted: they were killed\./, /^Correct/],
    ["no fault", 0, "hello\n", /submitted: what they run ends without an error and without asking\./, /get_learner/],
    [
      "a word that is not ours",
      1,
      "adaptive-scheduler: hello: there\n",
      /submitted: they ended with exit code 1/,
      /^Corr/,
    ],
  ])("is %s", (_, exitCode, output, message, hint) => {
    const explained = explainDeaths(5, { exitCode, ending: null, reason: null }, output);
    expect(explained.message).toMatch(message);
    expect(explained.hint).toMatch(hint);
  });

  test("has a code that says whether another Python mends it, at which a run waits for a person", () => {
    const codeOf = (output: string) => explainDeaths(5, { exitCode: 1, ending: "exit", reason: null }, output).code;
    const codes = [codeOf("adaptive-scheduler: no-python: there is none\n"), codeOf("choose another Python\n")];
    expect(codes.map(needsPython)).toEqual([true, false]);
    expect(codes.map((code) => pauseCodes.has(code))).toEqual([true, true]);
  });

  test("is what the queue says of one that it could not start", () => {
    const reason =
      "could not be started: its working folder, or the file of its output in it, cannot be opened on the node";
    const { message, hint } = explainDeaths(5, { exitCode: null, ending: "exit", reason }, "");
    expect(message).toContain(`submitted: the last one ${reason}.`);
    expect(hint).toMatch(/^Have the run where compute nodes can read and write/);
  });

  test("is shown with the end of a long output, from the start of a line on", () => {
    const lines = Array.from({ length: 1000 }, (_, i) => `line ${i}`).join("\n");
    const { message } = explainDeaths(5, { exitCode: 1, ending: "exit", reason: null }, lines);
    expect(message.length).toBeLessThan(2300);
    expect(message).toMatch(/printed:\nline \d+\n/);
    expect(message).toMatch(/line 999$/);
  });
});

import { expect, test } from "vitest";
import type { FoundPython } from "../../../src/scheduler/control/foundPythons";
import { AdaptiveError } from "../../../src/scheduler/state/errors";
import { environmentFolder, mendQuestion, pythonRows } from "../../../src/views/pythonWords";

const found: FoundPython = {
  source: "module",
  python: "python3",
  prelude: ["source site", "module load python/3.12"],
  version: "3.12.1",
  packages: {},
  missing: ["adaptive"],
  hasMpi: false,
};

test("a row says where a Python is from, what is loaded before it, and what it lacks", () => {
  const [row, ...others] = pythonRows([found], ["source site"]);
  expect(row).toMatchObject({
    label: "$(circle-slash) Python 3.12.1",
    description: "a module",
    detail: "module load python/3.12; python3 · without adaptive",
  });
  expect(others.map(({ choice }) => choice.kind)).toEqual(["environment", "path"]);
});

test("what a host says is no part of the editor", () => {
  const [row] = pythonRows([{ ...found, version: "$(rocket) 3", python: "/x [a](command:b)" }], []);
  expect(row?.label).not.toContain("$(rocket)");
  expect(row?.detail).not.toContain("](");
});

test.each([
  ["missing-packages", "pip install", ["Choose Python…", "Make an Environment…", "Copy Command"]],
  ["python-missing", undefined, ["Choose Python…", "Make an Environment…"]],
  ["module-missing", undefined, ["Choose Python…"]],
])("%s offers what helps", (code, command, choices) => {
  const question = mendQuestion(new AdaptiveError(code, "No.", "Do it.", command === undefined ? {} : { command }));
  expect(question.choices).toEqual(choices);
  // What is copied is seen before.
  if (command !== undefined) expect(question.detail).toContain(command);
});

test("an environment beside one that is there gets another name", () => {
  expect([1, 2, 3].map((attempt) => environmentFolder("/study", attempt))).toEqual([
    "/study/.venv",
    "/study/.venv-adaptive",
    "/study/.venv-adaptive-2",
  ]);
});

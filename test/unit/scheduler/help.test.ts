import { expect, test } from "vitest";
import {
  commandNames,
  helpOn,
  helpOnAll,
  unknownCommand,
  unknownOption,
} from "../../../src/scheduler/commandLine/help";

const all = helpOnAll("/program/main.js");

test("each command has help of its own, with its usage and an example, and is on the page of all", () => {
  for (const name of commandNames) {
    expect(helpOn(name)).toMatch(new RegExp(`^Usage: adaptive-scheduler ${name}\\b`));
    expect(helpOn(name)).toContain(`\n\nExample: adaptive-scheduler ${name}`);
    expect(all).toMatch(new RegExp(`^ {2}${name}( |$)`, "m"));
  }
  const onPage = [...all.matchAll(/^ {2}([a-z][a-z-]+)/gm)].map(([, name]) => name);
  expect(onPage.toSorted()).toEqual(commandNames.toSorted());
});

test("help on a command has its own options only, and those of a start where it takes them", () => {
  expect(helpOn("stop")).toContain("--shut-down");
  expect(helpOn("stop")).not.toContain("--max-jobs");
  expect(helpOn("try")).toContain("--walltime TIME");
  expect(() => helpOn("nonsense")).toThrow("There is no command nonsense.");
});

test.each([
  ["stauts", "There is no command stauts; did you mean status?"],
  ["nonsense", "There is no command nonsense."],
])("%s is refused: %s", (name, words) => {
  expect(unknownCommand(name).message).toBe(words);
});

test.each([
  [["run", "--jsno"], "run has no option --jsno; did you mean --json?"],
  [["--jsno=1", "run"], "run has no option --jsno; did you mean --json?"],
  [["status", "-x"], "status has no option -x."],
  [["status", "--json"], null],
  [["retry", ".", "--", "--odd.pickle"], null],
])("of %j the option is wrong: %s", (args, words) => {
  expect(unknownOption(args, { json: { type: "boolean" }, help: { type: "boolean", short: "h" } })).toBe(words);
});

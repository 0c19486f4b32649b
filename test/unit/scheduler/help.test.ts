import { expect, test } from "vitest";
import { helpOn, helpOnAll, unknownCommand } from "../../../src/scheduler/commandLine/help";
import { commandNames, options, optionsOf, unknownOption } from "../../../src/scheduler/commandLine/options";

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
  ["dance", "There is no command dance."],
  ["tsart", "There is no command tsart; did you mean start?"],
])("%s is refused: %s", (name, words) => {
  expect(unknownCommand(name).message).toBe(words);
});

test.each([
  [["run", "--jsno"], "run has no option --jsno; did you mean --json?"],
  [["--jsno=1", "run"], "run has no option --jsno; did you mean --json?"],
  [["status", "-x"], "status has no option -x."],
  [["status", "--json"], null],
  [["retry", ".", "--", "--odd.pickle"], null],
  [["list", "--cores", "4"], "list has no option --cores."],
  [["status", "--mpi"], "status has no option --mpi."],
  [["init", "--port=7"], "init has no option --port."],
  [["serve", "--max-jobs", "3"], "serve has no option --max-jobs."],
  [["stop", "--gentle"], "stop has no option --gentle; did you mean --gently?"],
  [["serve", "-h", "--detach", "--port", "80"], null],
])("of %j the option is wrong: %s", (args, words) => {
  expect(unknownOption(args)).toBe(words);
});

test("each option is some command's, and each that help on a command shows is known by that command", () => {
  const known = new Set(commandNames.flatMap(optionsOf));
  expect(Object.keys(options).filter((name) => !known.has(name))).toEqual([]);
  for (const name of commandNames) {
    const shown = [...helpOn(name).matchAll(/^ {6}--(\S+)/gm)].map(([, option]) => option);
    expect({ name, shown: shown.filter((option) => !optionsOf(name).includes(option ?? "")) }).toEqual({
      name,
      shown: [],
    });
  }
});

import { EventEmitter } from "node:events";
import { expect, test } from "vitest";
import { guardOutputs } from "../../../src/scheduler/commandLine/outputs";
import { toAdaptiveError } from "../../../src/scheduler/state/errors";

const failure = (code: string, more: object = {}) => Object.assign(new Error(`${code}: write`), { code, ...more });

function outputs(isTTY: boolean) {
  const said: string[] = [];
  const output = (write: (text: string) => boolean) => Object.assign(new EventEmitter(), { isTTY, write });
  const [stdout, stderr] = [output(() => true), output((text) => said.push(text) > 0)];
  return { stdout, stderr, said, guarded: guardOutputs(stdout, stderr) };
}

test.each([
  ["a reader that has ended", "EPIPE", false],
  ["a terminal that was closed", "EIO", true],
])("%s ends the printing, and nothing is amiss", (_, code, isTTY) => {
  const { stdout, stderr, said, guarded } = outputs(isTTY);
  stdout.emit("error", failure(code));
  stderr.emit("error", failure(code));
  expect({ said, ...guarded }).toEqual({ said: [], areWhole: true });
});

test.each([
  ["ENOSPC", /disk is full/],
  ["EDQUOT", /disk is full/],
  ["EIO", /EIO: write/],
])("a file that lacks something is said once: %s", (code, words) => {
  const { stdout, stderr, said, guarded } = outputs(false);
  for (let i = 0; i < 3; i++) stdout.emit("error", failure(code));
  stderr.emit("error", failure(code));
  expect(said).toEqual([expect.stringMatching(words)]);
  expect(guarded.areWhole).toBe(false);
});

test("no command says of a full disk what the operating system does", () => {
  expect(toAdaptiveError(failure("ENOSPC", { path: "/data/x" }))).toMatchObject({
    ...{ code: "disk-full", message: "The disk of /data/x is full." },
    hint: expect.stringContaining("Make room") as string,
  });
  expect(toAdaptiveError(failure("EDQUOT")).message).toBe("The disk is full.");
});

import { PassThrough } from "node:stream";
import { describe, expect, test } from "vitest";
import type { Exit, TerminalSize } from "../../../src/remote/transport";
import { AdaptiveError } from "../../../src/scheduler/state/errors";
import { lastWords, ShellTerminal } from "../../../src/views/shellTerminal";

/** A terminal whose shell the test plays. */
function open(start: () => Promise<unknown> = () => Promise.resolve()) {
  const asked: { size: TerminalSize; signal: AbortSignal }[] = [];
  const sizes: TerminalSize[] = [];
  const shell = { input: new PassThrough(), output: new PassThrough() };
  let exit: (exit: Exit) => void = () => undefined;
  const ended = new Promise<Exit>((resolve) => (exit = resolve));
  const terminal = new ShellTerminal(async (size, onStep, signal) => {
    asked.push({ size, signal });
    onStep("Connecting");
    await start();
    return { ...shell, exit: ended, resize: (to) => sizes.push(to) };
  });
  let shown = "";
  const closed: (number | void)[] = [];
  terminal.onDidWrite((text) => (shown += text));
  terminal.onDidClose((code) => closed.push(code));
  const settled = () => new Promise((resolve) => setImmediate(resolve));
  return { terminal, shell, asked, sizes, closed, exit, settled, shown: () => shown };
}

describe("a terminal of the editor", () => {
  test("has its size, and what is typed and shown passes through, also what came early or in pieces", async () => {
    let connect: (value?: unknown) => void = () => undefined;
    const { terminal, shell, asked, sizes, settled, shown } = open(() => new Promise((resolve) => (connect = resolve)));
    terminal.open({ rows: 40, columns: 120 });
    terminal.handleInput("ls\r");
    terminal.setDimensions({ rows: 41, columns: 121 });
    expect(shown()).toContain("Connecting…");
    expect(sizes).toEqual([]);
    connect();
    await settled();
    expect(asked[0]?.size).toEqual({ rows: 40, columns: 120 });
    terminal.setDimensions({ rows: 42, columns: 122 });
    expect(sizes).toEqual([
      { rows: 41, columns: 121 },
      { rows: 42, columns: 122 },
    ]);
    expect(String(shell.input.read())).toBe("ls\r");
    const [first, rest] = [Buffer.from("é").subarray(0, 1), Buffer.from("é").subarray(1)];
    shell.output.write(first);
    await settled();
    shell.output.write(rest);
    await settled();
    expect(shown()).toMatch(/é$/);
  });

  test("without a size yet it is a usual one, and one that ends well closes at once", async () => {
    const { terminal, asked, exit, closed, settled } = open();
    terminal.open(undefined);
    await settled();
    expect(asked[0]?.size).toEqual({ rows: 24, columns: 80 });
    exit({ code: 0, signal: null });
    await settled();
    expect(closed).toEqual([0]);
  });

  test("one that failed stays until a key is pressed, and then tells its exit code", async () => {
    const { terminal, exit, closed, settled, shown } = open();
    terminal.open(undefined);
    await settled();
    exit({ code: 3, signal: null });
    await settled();
    expect(shown()).toContain("Ended with exit code 3. Press any key to close.");
    expect(closed).toEqual([]);
    terminal.handleInput(" ");
    expect(closed).toEqual([3]);
  });

  test("that cannot be opened says why", async () => {
    const why = new AdaptiveError("unreachable", "hpc cannot be reached", "Check the network.");
    const { terminal, closed, settled, shown } = open(() => Promise.reject(why));
    terminal.open(undefined);
    await settled();
    expect(shown()).toContain("hpc cannot be reached. Check the network. Press any key to close.");
    terminal.handleInput("q");
    expect(closed).toEqual([undefined]);
  });

  test("closed by a person, it ends what runs there and says nothing", async () => {
    const { terminal, asked, exit, settled, shown } = open();
    terminal.open(undefined);
    await settled();
    const before = shown();
    terminal.close();
    expect(asked[0]?.signal.aborted).toBe(true);
    exit({ code: null, signal: "SIGHUP" });
    await settled();
    expect(shown()).toBe(before);
  });
});

test.each<[Exit, string | null]>([
  [{ code: 0, signal: null }, null],
  [{ code: 130, signal: null }, "Ended with exit code 130."],
  [{ code: null, signal: "SIGKILL" }, "Ended by SIGKILL."],
  [{ code: null, signal: null }, "Ended by a signal."],
  [
    { code: null, signal: null, lost: new AdaptiveError("connection-lost", "The connection to hpc was lost", "") },
    "The connection to hpc was lost. Jobs go on.",
  ],
])("after %j is said: %s", (exit, words) => {
  expect(lastWords(exit)).toBe(words);
});

/** How a command finds, starts and ends the scheduler of a run, where something stands in the way. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { describe, expect, onTestFinished, test } from "vitest";
import { assetsIn } from "../../../src/scheduler/assets";
import { findRun } from "../../../src/scheduler/commandLine/findRun";
import { findOrStartScheduler, shutDown } from "../../../src/scheduler/commandLine/launch";
import type { Program } from "../../../src/scheduler/commandLine/program";
import { RunLock } from "../../../src/scheduler/state/lock";
import type { RunDirectory } from "../../../src/scheduler/state/runDirectory";
import { Door } from "../../../src/scheduler/workers/door";
import { writeEndpoint } from "../../../src/scheduler/workers/endpoint";
import { createRunOnDisk } from "../../unit/scheduler/runFixture";

/** A program whose `serve` does what these lines of JavaScript do. */
function programThat(serve: string): { program: Program; warnings: string[] } {
  const warnings: string[] = [];
  const nothing = () => undefined;
  const program: Program = {
    ...{ assets: assetsIn("dist"), self: [process.execPath, "-e", serve], confirm: () => Promise.resolve(false) },
    ...{ print: nothing, printJson: nothing, warn: (text: string) => warnings.push(text) },
  };
  return { program, warnings };
}

/** Has this process own the run, as a scheduler that has begun; and says where it listens, answering each ping. */
async function serveHere(directory: RunDirectory): Promise<() => Promise<void>> {
  const lock = await RunLock.acquire(directory.lock);
  const door = await Door.open("tcp://127.0.0.1:*");
  onTestFinished(async () => {
    await door.close();
    await lock.release();
  });
  void door.serve(
    (peer, message) => void door.send(peer, { jsonrpc: "2.0", id: (message as { id: number }).id, result: null }),
    () => undefined,
  );
  const where = { version: 1 as const, incarnation: 1, host: hostname(), pid: process.pid };
  return async () => {
    await writeEndpoint(directory, { ...where, urls: [`tcp://127.0.0.1:${door.port}`], ...door.keys });
  };
}

const alreadyServed = `console.log(JSON.stringify({ error: { code: "already-served", message: "m", hint: "h" } }))`;

describe("a start", () => {
  test("that came second waits for the scheduler that somebody else has just started", async () => {
    const directory = await createRunOnDisk(1);
    const mark = directory.at("started");
    // It ends at once: by then another one has the lock, and says a moment later where it listens.
    const { program } = programThat(
      `const fs = require("fs"); fs.writeFileSync(${JSON.stringify(mark)}, "");
       while (!fs.existsSync(${JSON.stringify(directory.at("owned"))})); ${alreadyServed}; process.exitCode = 2`,
    );
    const started = findOrStartScheduler(directory, program);
    while ((await readFile(mark).catch(() => null)) === null) await new Promise((resolve) => setImmediate(resolve));
    const listen = await serveHere(directory);
    await writeFile(directory.at("owned"), "");
    // Who does not wait gives up within this.
    await Promise.race([started, setTimeout(1000)]);
    await listen();
    expect(await started).toMatchObject({ pid: process.pid });
  });

  test("that gives up says what the log of the scheduler ends with", async () => {
    const directory = await createRunOnDisk(1);
    await writeFile(directory.log, "first\n2026 waits for the owner on head2 to be silent for a minute\n");
    const failed = findOrStartScheduler(directory, programThat("process.exit(7)").program);
    await expect(failed).rejects.toMatchObject({
      code: "scheduler-did-not-start",
      message: expect.stringMatching(/exit code 7.*Its log ends with: 2026 waits for the owner on head2/) as string,
    });
  });

  test("passes on the port that was asked for, and says where it counts for nothing", async () => {
    const directory = await createRunOnDisk(1);
    const { program, warnings } = programThat(
      `console.log(JSON.stringify({ error: { code: "asked", message: process.argv.join(" "), hint: "" } }))`,
    );
    await expect(findOrStartScheduler(directory, program, { port: 4711 })).rejects.toThrow("--port=4711");
    await (
      await serveHere(directory)
    )();
    await findOrStartScheduler(directory, program, { port: 4711 });
    expect(warnings.join()).toContain("--port counts for nothing");
  });

  test("says at once that the last owner, of which nothing can be read, is watched", async () => {
    const directory = await createRunOnDisk(1);
    await mkdir(join(directory.lock, "1"), { recursive: true });
    await writeFile(join(directory.lock, "1", "owner.json"), "garbage");
    const { program, warnings } = programThat("process.exit(7)");
    await expect(findOrStartScheduler(directory, program)).rejects.toMatchObject({ code: "scheduler-did-not-start" });
    expect(warnings.join()).toMatch(/watched for a minute/);
  });
});

test("a scheduler that does not answer is told to end by a signal", async () => {
  const directory = await createRunOnDisk(1);
  const child = spawn("sleep", ["1000"]);
  onTestFinished(() => void child.kill("SIGKILL"));
  const exit = once(child, "exit");
  await once(child, "spawn");
  const pid = child.pid ?? 0;
  // It owns the run, as far as anybody can see, and nobody listens where it should.
  const lock = await RunLock.acquire(directory.lock, { pid });
  onTestFinished(() => lock.release());
  const door = await Door.open("tcp://127.0.0.1:*");
  await door.close();
  const urls = [`tcp://127.0.0.1:${door.port}`];
  await writeEndpoint(directory, { version: 1, incarnation: 1, host: hostname(), pid, urls, ...door.keys });
  expect(await shutDown(directory)).toBe(true);
  expect((await exit)[1]).toBe("SIGTERM");
});

test("a run whose file was deleted while it is served is waited for", async () => {
  const directory = await createRunOnDisk(1);
  await serveHere(directory);
  const text = "{}";
  await rm(directory.runFile, { force: true });
  const found = findRun(directory.path);
  setImmediate(() => void writeFile(directory.runFile, text));
  expect((await found).own).toBe(directory.own);
});

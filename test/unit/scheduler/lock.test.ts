import { spawnSync } from "node:child_process";
import { mkdir, readFile, readdir, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { RunLock, ownerOf } from "../../../src/scheduler/state/lock";
import { bootId, processStart } from "../../../src/scheduler/state/processIdentity";
import { temporaryFolder } from "./runFixture";

const noWait = () => {
  throw new Error("There is nothing to wait for on one host.");
};

async function leaveLock(path: string, owner: { pid: number; pidStart: string | null; bootId: string }) {
  await mkdir(path);
  await writeFile(join(path, "owner.json"), JSON.stringify({ host: hostname(), nonce: "n", beat: 3, ...owner }));
}

test("only one gets the lock, and the other is told who has it", async () => {
  const path = join(await temporaryFolder(), "lock");
  const lock = await RunLock.acquire(path, noWait);
  await expect(RunLock.acquire(path, noWait)).rejects.toMatchObject({
    code: "already-served",
    message: expect.stringContaining(`on ${hostname()} (pid ${process.pid})`) as string,
  });
  await lock.confirm();
  await lock.release();
  expect(await ownerOf(path)).toBeNull();
  await (await RunLock.acquire(path, noWait)).release();
});

test("of many at once, one gets it", async () => {
  const path = join(await temporaryFolder(), "lock");
  const dead = spawnSync("true").pid;
  await leaveLock(path, { pid: dead, pidStart: "1", bootId: bootId() });
  const results = await Promise.allSettled(Array.from({ length: 8 }, () => RunLock.acquire(path, () => undefined)));
  const locks = results.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
  expect(locks).toHaveLength(1);
  await locks[0]?.release();
});

test.each([
  ["a process that has ended", { pid: 2 ** 22 + 1, pidStart: "1", bootId: bootId() }],
  ["a process of before the last boot", { pid: process.pid, pidStart: processStart(process.pid), bootId: "earlier" }],
  ["another process of the same pid", { pid: process.pid, pidStart: "1", bootId: bootId() }],
])("%s holds nothing", async (_, owner) => {
  const folder = await temporaryFolder();
  const path = join(folder, "lock");
  await leaveLock(path, owner);
  expect(await ownerOf(path)).toBeNull();
  const lock = await RunLock.acquire(path, noWait);
  expect(JSON.parse(await readFile(join(path, "owner.json"), "utf8"))).toMatchObject({ pid: process.pid });
  await lock.release();
  expect(await readdir(folder)).toEqual(["lock.n"]);
});

import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, readFile, readdir, rename, rm, stat, symlink, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { hostname } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { build } from "esbuild";
import { describe, expect, onTestFinished, test } from "vitest";
import { RunLock, ownerOf, releaseDead } from "../../../src/scheduler/state/lock";
import { realDisk, type Disk } from "../../../src/scheduler/state/disk";
import type { AdaptiveError } from "../../../src/scheduler/state/errors";
import { writeFileAtomically } from "../../../src/scheduler/state/files";
import { recover } from "../../../src/scheduler/state/recovery";
import { asLearnerId } from "../../../src/scheduler/state/rows";
import { bootId, processStart } from "../../../src/scheduler/state/processIdentity";
import { createRunOnDisk, openStore, temporaryFolder, wasm } from "./runFixture";

const noWait = {
  onWait: () => {
    throw new Error("There is nothing to wait for.");
  },
};
const dead = { pid: 2 ** 22 + 1, pidStart: "1", bootId: bootId() };
const patience = { silenceMs: 200, watchMs: 10 };

/** Leaves a lock as an owner left it that has died, or still lives. */
async function leaveLock(path: string, more: object = {}, number = 1): Promise<void> {
  await mkdir(join(path, String(number)), { recursive: true });
  const { ino } = await stat(path);
  const owner = { host: hostname(), nonce: "n", beat: 3, inode: ino, isReleased: false, ...dead, ...more };
  await writeFile(join(path, String(number), "owner.json"), JSON.stringify(owner));
}

const newLock = async () => join(await temporaryFolder(), "lock");
const newestOwner = async (path: string) => {
  const newest = Math.max(...(await readdir(path)).map(Number));
  return JSON.parse(await readFile(join(path, String(newest), "owner.json"), "utf8")) as { pid: number; host: string };
};

/** A process of lockOwner.ts. */
async function startOwner(...args: string[]) {
  const bundle = join(await temporaryFolder(), "owner.cjs");
  const entryPoints = [join(import.meta.dirname, "lockOwner.ts")];
  await build({ entryPoints, bundle: true, platform: "node", format: "cjs", outfile: bundle, logLevel: "error" });
  const child = spawn(process.execPath, [bundle, ...args], { stdio: ["pipe", "pipe", "inherit"] });
  onTestFinished(() => void child.kill("SIGKILL"));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    child,
    next: async () => {
      const { value, done } = await lines.next();
      if (done === true) throw new Error("It ended.");
      return value;
    },
  };
}

test("only one gets the lock, and the other is told who has it", async () => {
  const path = await newLock();
  const lock = await RunLock.acquire(path, noWait);
  await expect(RunLock.acquire(path, noWait)).rejects.toMatchObject({
    code: "already-served",
    message: expect.stringContaining(`on ${hostname()} (pid ${process.pid})`) as string,
  });
  await lock.confirm();
  await lock.release();
  expect(await ownerOf(path)).toBeNull();
  await (await RunLock.acquire(path, noWait)).release();
  expect(await readdir(path)).toEqual(["2"]);
});

test("of a run whose folder was deleted is not waited for", async () => {
  const path = join(await temporaryFolder(), "deleted", "lock");
  await expect(RunLock.acquire(path, noWait)).rejects.toMatchObject({ code: "state-gone" });
});

describe("a full disk", () => {
  const noSpace = () => Promise.reject(Object.assign(new Error("ENOSPC: no space left on device"), { code: "ENOSPC" }));
  const fullDisk: Disk = { ...realDisk, open: noSpace };

  test("gives nobody the lock, and is left no fuller", async () => {
    const path = await newLock();
    await expect(RunLock.acquire(path, { ...noWait, disk: fullDisk })).rejects.toMatchObject({ code: "ENOSPC" });
    expect(await readdir(path)).toEqual([]);
  });

  test("takes no word of a release, which hides nothing that went before", async () => {
    const path = await newLock();
    let isFull = false;
    const disk: Disk = { ...realDisk, open: (...args) => (isFull ? noSpace() : realDisk.open(...args)) };
    const lock = await RunLock.acquire(path, { ...noWait, disk });
    isFull = true;
    await lock.release();
    expect(await ownerOf(path)).toMatchObject({ pid: process.pid });
  });
});

test.each([
  ["a process that has ended", dead],
  ["a process of before the last boot", { pid: process.pid, pidStart: processStart(process.pid), bootId: "earlier" }],
  ["another process of the same pid", { pid: process.pid, pidStart: "1" }],
  [
    "a living process, of a lock that was copied along",
    { pid: process.pid, pidStart: processStart(process.pid), inode: 1 },
  ],
  ["an owner on another host that has let go", { host: "elsewhere", isReleased: true }],
])("%s holds nothing", async (_, owner) => {
  const path = await newLock();
  await leaveLock(path, owner, 7);
  expect(await ownerOf(path)).toBeNull();
  const lock = await RunLock.acquire(path, noWait);
  expect(await newestOwner(path)).toMatchObject({ pid: process.pid });
  expect(await readdir(path)).toEqual(["8"]);
  await lock.release();
});

test.each([
  ["a dead owner of this host is noted down as gone, so that others need not watch", {}, true],
  ["a living one stays", { pid: process.pid, pidStart: processStart(process.pid) }, false],
  ["one on another host stays: who knows", { host: "elsewhere" }, false],
])("%s", async (_, owner, isReleased) => {
  const path = await newLock();
  await leaveLock(path, owner);
  await releaseDead(path);
  expect(await newestOwner(path)).toMatchObject({ isReleased });
});

test("of a lock that nobody ever took nothing is noted down", async () => {
  const path = await newLock();
  await releaseDead(path);
  await expect(readdir(path)).rejects.toMatchObject({ code: "ENOENT" });
});

describe("an owner on another host", () => {
  const elsewhere = { host: "elsewhere" };

  test("that answers is alive, and nobody waits", async () => {
    const path = await newLock();
    await leaveLock(path, elsewhere);
    const answers = () => Promise.resolve(true);
    await expect(RunLock.acquire(path, { ...noWait, answers })).rejects.toMatchObject({ code: "already-served" });
    expect(await ownerOf(path)).toMatchObject(elsewhere);
  });

  test("that counts up is alive", async () => {
    const path = await newLock();
    await leaveLock(path, elsewhere);
    const waited: string[] = [];
    const sleep = () => leaveLock(path, { ...elsewhere, beat: 4 });
    const acquiring = RunLock.acquire(path, { ...patience, sleep, onWait: (message) => waited.push(message) });
    await expect(acquiring).rejects.toMatchObject({ code: "already-served" });
    expect(waited).toEqual([expect.stringContaining("a scheduler on elsewhere")]);
  });

  test.each([
    ["whose counter stands still", (path: string) => leaveLock(path, elsewhere)],
    [
      "that left half a file",
      async (path: string) => {
        await leaveLock(path, elsewhere);
        await writeFile(join(path, "1", "owner.json"), '{"host":"els');
      },
    ],
    ["that left an empty folder", (path: string) => mkdir(join(path, "1"), { recursive: true })],
  ])("%s is dead after a minute by our own clock", async (_, leave) => {
    const path = await newLock();
    await leave(path);
    let clock = 0;
    const world = { now: () => clock, sleep: (ms: number) => Promise.resolve(void (clock += ms)) };
    const waited: string[] = [];
    const lock = await RunLock.acquire(path, { ...world, onWait: (message) => waited.push(message) });
    expect(waited).toEqual([expect.stringMatching(/a scheduler on elsewhere; watching|1 cannot be read; watching/)]);
    expect(clock).toBeGreaterThanOrEqual(60_000);
    expect(await newestOwner(path)).toMatchObject({ pid: process.pid });
    await lock.release();
  });
});

describe("a lock that somebody touches while it is held", () => {
  const takenByHand: [string, (path: string) => Promise<unknown>][] = [
    ["removed", (path) => rm(path, { recursive: true })],
    ["emptied", (path) => rm(join(path, "1"), { recursive: true })],
    ["robbed of its owner", (path) => rm(join(path, "1", "owner.json"))],
    ["garbled", (path) => writeFile(join(path, "1", "owner.json"), "x")],
    ["replaced by a file", async (path) => rm(path, { recursive: true }).then(() => writeFile(path, ""))],
    ["replaced by a link to itself", async (path) => rm(path, { recursive: true }).then(() => symlink(path, path))],
    ["replaced by a pipe", async (path) => rm(join(path, "1"), { recursive: true }).then(() => pipe(join(path, "1")))],
    ["replaced by another's of its number", (path) => rm(path, { recursive: true }).then(() => leaveLock(path))],
  ];
  const pipe = (path: string) => promisify(execFile)("mkfifo", [path]);

  test.each(takenByHand)("is lost when it is %s, and said to be between two answers too", async (_, act) => {
    const path = await newLock();
    let beat = () => {};
    const lost: AdaptiveError[] = [];
    const every = (__: number, callback: () => void) => {
      beat = callback;
      return () => undefined;
    };
    const lock = await RunLock.acquire(path, { ...noWait, every, onLost: (error) => lost.push(error) });
    await lock.confirm();
    await act(path);
    await expect(lock.confirm()).rejects.toMatchObject({ code: "lock-lost" });
    beat();
    await lock.release();
    expect(lost.map(({ code }) => code)).toEqual(["lock-lost"]);
    const left = await newestOwner(path).catch(() => null);
    // What is another's stays another's.
    expect(left?.pid).not.toBe(process.pid);
  });

  test("is taken by whoever comes next, as if it had never been", async () => {
    const path = await newLock();
    const former = await RunLock.acquire(path, noWait);
    await rm(path, { recursive: true });
    await writeFile(path, "");
    const lock = await RunLock.acquire(path, noWait);
    await lock.confirm();
    await expect(former.confirm()).rejects.toMatchObject({ code: "lock-lost" });
    await former.release();
    expect(await ownerOf(path)).toMatchObject({ pid: process.pid });
    await lock.release();
  });

  test("names the folder around it when that is gone", async () => {
    const path = await newLock();
    const lock = await RunLock.acquire(path, noWait);
    await rm(dirname(path), { recursive: true });
    await expect(lock.confirm()).rejects.toMatchObject({ code: "state-gone", message: `${dirname(path)} is gone.` });
    await lock.release();
  });
});

/** A lock of which one beat is being written for as long as somebody wants. */
async function slowlyBeating() {
  const path = await newLock();
  let beat = () => {};
  let writing = 0;
  let most = 0;
  const held: (() => void)[] = [];
  const rename: Disk["rename"] = async (from, to) => {
    most = Math.max(most, ++writing);
    if (held.length === 0 && to.endsWith("1/owner.json")) await new Promise<void>((resolve) => held.push(resolve));
    await realDisk.rename(from, to);
    writing--;
  };
  const every = (_: number, callback: () => void) => {
    beat = callback;
    return () => undefined;
  };
  const lock = await RunLock.acquire(path, { ...noWait, every, disk: { ...realDisk, rename } });
  beat();
  while (held.length === 0) await new Promise(setImmediate);
  return { path, lock, beat, goOn: () => held[0]?.(), mostAtOnce: () => most };
}

test("beats do not overlap, however long the file system takes, and none comes after the release", async () => {
  const { path, lock, beat, goOn, mostAtOnce } = await slowlyBeating();
  beat();
  beat();
  const released = lock.release();
  goOn();
  await released;
  expect(mostAtOnce()).toBe(1);
  expect(await newestOwner(path)).toMatchObject({ isReleased: true, beat: 0 });
  expect(await readdir(join(path, "1"))).toEqual(["owner.json"]);
});

test("after its stop nothing is written any more, so that its folder can be deleted", async () => {
  const { path, lock, goOn } = await slowlyBeating();
  let hasStopped = false;
  const stopped = lock.stop().then(() => (hasStopped = true));
  await new Promise(setImmediate);
  expect(hasStopped).toBe(false);
  goOn();
  await stopped;
  await rm(dirname(path), { recursive: true });
  await lock.release();
});

test("two writers of one file at the same time leave one of the two whole", async () => {
  const path = join(await temporaryFolder(), "file");
  const texts = ["a", "b"].map((letter) => letter.repeat(1 << 20));
  await Promise.all(texts.map((text) => writeFileAtomically(path, text)));
  expect(texts).toContain(await readFile(path, "utf8"));
});

test("one that reads a dead owner while another takes the lock over sees that one, and watches nobody", async () => {
  const path = await newLock();
  await leaveLock(path);
  let isTaken = false;
  const readFile: Disk["readFile"] = async (file) => {
    if (!isTaken) await leaveLock(path, { pid: process.pid, pidStart: processStart(process.pid) }, 2);
    if (!isTaken) await rm(join(path, "1"), { recursive: true });
    isTaken = true;
    return realDisk.readFile(file);
  };
  await expect(RunLock.acquire(path, { ...noWait, disk: { ...realDisk, readFile } })).rejects.toMatchObject({
    code: "already-served",
    message: expect.stringContaining(`pid ${process.pid}`) as string,
  });
});

test("two processes race for a dead lock, and one of them gets it", { timeout: 60_000 }, async () => {
  const racers = await Promise.all([startOwner("race"), startOwner("race")]);
  const folder = await temporaryFolder();
  for (let round = 0; round < 300; round++) {
    const path = join(folder, String(round));
    await leaveLock(path);
    for (const { child } of racers) child.stdin.write(`${path}\n`);
    const results = await Promise.all(racers.map(({ next }) => next()));
    expect(results.sort()).toEqual(["already-served", "won"]);
    expect(await readdir(path)).toEqual(["2"]);
  }
});

test("one that was frozen as it took the lock looks whether it still has it", async () => {
  const path = await newLock();
  let clock = 0;
  const rename: Disk["rename"] = async (from, to) => {
    await realDisk.rename(from, to);
    if (to === join(path, "1")) clock += 30_000;
  };
  const lock = await RunLock.acquire(path, { ...noWait, disk: { ...realDisk, rename }, now: () => clock });
  await leaveLock(path, { host: "elsewhere" }, 2);
  await expect(lock.confirm()).rejects.toMatchObject({ code: "lock-lost" });
  await lock.release();
});

test("one that saw an owner dead long ago takes nothing from the owner of now", async () => {
  const path = await newLock();
  await leaveLock(path, { host: "elsewhere" });
  // While it watches, others take the lock over, twice.
  const sleep = async () => {
    await leaveLock(path, { pid: process.pid, pidStart: processStart(process.pid) }, 3);
    await rename(join(path, "1"), join(await temporaryFolder(), "deleted"));
  };
  await expect(RunLock.acquire(path, { sleep })).rejects.toMatchObject({ code: "already-served" });
  expect(await readdir(path)).toEqual(["3"]);
});

test(
  "an owner that was frozen and replaced ends unanswered, and nothing counts that it still says",
  { timeout: 60_000 },
  async () => {
    const directory = await createRunOnDisk(1);
    const wasmFile = createRequire(import.meta.url).resolve("sql.js/dist/sql-wasm.wasm");
    const { child, next } = await startOwner("serve", directory.path, wasmFile);
    const answered: number[] = [];
    while (answered.length < 20) answered.push(Number(await next()));
    child.kill("SIGSTOP");
    const lock = await RunLock.acquire(directory.lock, { host: "elsewhere", ...patience });
    const store = await openStore(directory);
    const takenOverAt = store.position.seq;
    store.record({ kind: "learnerRemarked", learner: asLearnerId(0), remark: "ours" });
    await store.synced();
    child.kill("SIGCONT");
    for (let line = await next(); ; line = await next()) {
      if (line === "lock-lost") break;
      answered.push(Number(line));
    }
    expect(await once(child, "exit")).toEqual([2, null]);
    expect(Math.max(...answered)).toBeLessThan(takenOverAt);
    const { model, database } = await recover(directory, wasm);
    database.close();
    expect(model.run.seq).toBe(store.position.seq);
    expect(model.learner(asLearnerId(0)).remark).toBe("ours");
    await lock.confirm();
    await store.close();
    await lock.release();
  },
);

import { randomBytes } from "node:crypto";
import { hostname } from "node:os";
import { dirname, join } from "node:path";
import { performance } from "node:perf_hooks";
import * as v from "valibot";
import { realDisk, type Disk } from "./disk";
import { AdaptiveError, errnoOf } from "./errors";
import { isNotThere, makeFolder, readWhole, writeFileAtomically } from "./files";
import { bootId, processStart } from "./processIdentity";

const ownerSchema = v.object({
  host: v.string(),
  bootId: v.string(),
  pid: v.number(),
  pidStart: v.nullable(v.string()),
  nonce: v.string(),
  /** Inode of the lock's folder: a lock that was copied along with its run is nobody's. */
  inode: v.number(),
  /** Counts up while the owner lives. */
  beat: v.number(),
  isReleased: v.boolean(),
});
type Owner = v.InferOutput<typeof ownerSchema>;

/** A lock that was taken; `owner` is null when its file cannot be read. */
interface Taken {
  number: number;
  owner: Owner | null;
}

/** What a lock takes from the world; tests pass hosts and times of their own. */
export interface LockWorld {
  disk: Disk;
  host: string;
  pid: number;
  bootId: () => string;
  processStart: (pid: number) => string | null;
  nonce: () => string;
  /** Milliseconds of a clock that is never set. */
  now: () => number;
  sleep: (ms: number) => Promise<void>;
  /** Calls again and again, which keeps no process alive; returns what ends that. */
  every: (ms: number, callback: () => void) => () => void;
  beatMs: number;
  /** An owner on another host is dead when its counter stood still for this long by our own clock. */
  silenceMs: number;
  watchMs: number;
  /** Whether the owner, on another host, answers where it said that it listens. */
  answers: (owner: { host: string; pid: number }) => Promise<boolean>;
  /** Told when a minute's patience is needed, because an owner on another host can only be watched. */
  onWait: (message: string) => void;
  /** Told between two answers that the lock is not ours any more: nothing may be written or answered from now on. */
  onLost: (error: AdaptiveError) => void;
}

const systemWorld: LockWorld = {
  disk: realDisk,
  host: hostname(),
  pid: process.pid,
  bootId,
  processStart,
  nonce: () => randomBytes(8).toString("hex"),
  now: () => performance.now(),
  sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
  every: (ms, callback) => {
    const timer = setInterval(callback, ms).unref();
    return () => clearInterval(timer);
  },
  beatMs: 5_000,
  silenceMs: 60_000,
  watchMs: 2_000,
  answers: () => Promise.resolve(false),
  onWait: () => undefined,
  onLost: () => undefined,
};

/**
 * One scheduler per run: a folder in which each owner has a numbered folder with its name in it, and
 * the highest number owns the run. Taking over means making the next number, by a rename that fails
 * when it exists; numbers are never reused. So of several that saw the same owner dead one wins, and
 * one that saw it long ago and acts only now takes nothing from whoever owns the run meanwhile.
 */
export class RunLock {
  private beats = 0;
  /** The beat that is under way: two would write to one file. */
  private beating: Promise<void> | null = null;
  private readonly stopBeating: () => void;

  private constructor(
    private readonly path: string,
    private readonly number: number,
    private readonly owner: Owner,
    private readonly world: LockWorld,
  ) {
    this.stopBeating = world.every(world.beatMs, () => {
      this.beating ??= this.beat().finally(() => (this.beating = null));
    });
  }

  /**
   * Takes the lock, from a dead owner if need be.
   *
   * @throws AdaptiveError `already-served` naming host and pid, `state-gone` when the folder around it was deleted
   */
  static async acquire(path: string, given: Partial<LockWorld> = {}): Promise<RunLock> {
    const world = { ...systemWorld, ...given };
    for (;;) {
      try {
        const lock = await RunLock.tryToAcquire(path, world);
        if (lock) return lock;
      } catch (error) {
        // Somebody deleted the folder meanwhile.
        if (errnoOf(error) !== "ENOENT") throw error;
        await checkStateThere(path, world.disk);
      }
    }
  }

  /** Null when somebody else was quicker. */
  private static async tryToAcquire(path: string, world: LockWorld): Promise<RunLock | null> {
    await makeFolder(path, world.disk);
    const { ino } = await world.disk.stat(path);
    const owner = newOwner(world, ino);
    const last = await newestIn(path, world.disk);
    if (last && (await isAlive(path, last, ino, world))) throw alreadyServed(last.owner);
    const number = (last?.number ?? 0) + 1;
    return (await take(path, number, owner, world.disk)) ? new RunLock(path, number, owner, world) : null;
  }

  /**
   * Looks whether the lock is as we left it: on disk, each time, for whoever takes it first is seen there
   * before it reads the run. What was on disk before this returns belongs to the run.
   *
   * @throws AdaptiveError `lock-lost`, or `state-gone` when the folder around it was deleted
   */
  async confirm(): Promise<void> {
    if (!(await this.isOurs())) throw await this.lost();
  }

  /** Before its folder is deleted: it stays ours, and is written to no more. */
  async stop(): Promise<void> {
    this.stopBeating();
    await this.beating;
  }

  /**
   * Never fails, for it comes last and would hide what went before: where a full disk has no room for
   * the word, the end of this process says it too.
   *
   * @param path where the lock is by now
   */
  async release(path = this.path): Promise<void> {
    await this.stop();
    try {
      if (!(await this.isOurs(path))) return;
      await writeOwner(join(path, String(this.number)), { ...this.owner, isReleased: true }, this.world.disk);
    } catch (error) {
      if (errnoOf(error) === undefined) throw error;
    }
  }

  private async beat(): Promise<void> {
    const { world, owner, path } = this;
    try {
      await this.confirm();
      // One of another folder holds nothing, whatever is in it.
      if ((await world.disk.stat(path)).ino !== owner.inode) throw await this.lost();
      await writeOwner(join(path, String(this.number)), { ...owner, beat: ++this.beats }, world.disk);
    } catch (error) {
      // Else a file system that does not answer now: whoever has something to answer looks again.
      if (error instanceof AdaptiveError) world.onLost(error);
    }
  }

  private async isOurs(path = this.path): Promise<boolean> {
    const { disk } = this.world;
    try {
      const [numbers, owner] = await Promise.all([
        numbersIn(path, disk),
        readOwner(join(path, String(this.number)), disk),
      ]);
      return owner?.nonce === this.owner.nonce && numbers.every((number) => number <= this.number);
    } catch (error) {
      if (isNotThere(error)) return false;
      throw error;
    }
  }

  /** Why it is not ours any more. */
  private async lost(): Promise<AdaptiveError> {
    const { path, world } = this;
    const hint = "This scheduler ends; whatever it answered is on disk, and the next start goes on from there.";
    try {
      await checkStateThere(path, world.disk);
    } catch (error) {
      if (error instanceof AdaptiveError) return error;
      throw error;
    }
    const newest = await newestIn(path, world.disk).catch(() => null);
    return newest && newest.number > this.number
      ? new AdaptiveError("lock-lost", "Another scheduler has taken this run over.", hint)
      : new AdaptiveError("lock-lost", `${path} was deleted, replaced or made unreadable.`, hint);
  }
}

/** @throws AdaptiveError `state-gone` when the folder around a lock is not there */
async function checkStateThere(path: string, disk: Disk): Promise<void> {
  const state = dirname(path);
  if (await disk.stat(state).catch(() => null)) return;
  throw new AdaptiveError("state-gone", `${state} is gone.`, "Put it back from a backup; the data files stay.");
}

/** Who serves the run now, as far as can be told at once; null when nobody does. */
export async function ownerOf(path: string): Promise<{ host: string; pid: number } | null> {
  const { disk, host } = systemWorld;
  const owner = (await newestIn(path, disk))?.owner;
  if (!owner || owner.isReleased || owner.inode !== (await disk.stat(path)).ino) return null;
  return owner.host === host && !livesHere(owner, systemWorld) ? null : owner;
}

/** Whether the newest owner cannot be told: then whoever wants to serve the run watches for a minute. */
export async function isUnreadable(path: string): Promise<boolean> {
  return (await newestIn(path, systemWorld.disk))?.owner === null;
}

/** Notes down of an owner that died on this host that it is gone: other hosts could only watch it for a minute. */
export async function releaseDead(path: string): Promise<void> {
  const { disk, host } = systemWorld;
  const newest = await newestIn(path, disk);
  if (!newest?.owner || newest.owner.host !== host || livesHere(newest.owner, systemWorld)) return;
  await writeOwner(join(path, String(newest.number)), { ...newest.owner, isReleased: true }, disk).catch(
    (error: unknown) => {
      // Somebody has taken it over meanwhile.
      if (errnoOf(error) !== "ENOENT") throw error;
    },
  );
}

function newOwner({ host, pid, bootId, processStart, nonce }: LockWorld, inode: number): Owner {
  return {
    host,
    bootId: bootId(),
    pid,
    pidStart: processStart(pid),
    nonce: nonce(),
    inode,
    beat: 0,
    isReleased: false,
  };
}

/** Makes the next number ours, unless somebody else was quicker; then deletes the lower ones. */
async function take(path: string, number: number, owner: Owner, disk: Disk): Promise<boolean> {
  const aside = join(path, `${owner.nonce}.tmp`);
  await disk.mkdir(aside, { recursive: true, mode: 0o700 });
  try {
    await writeOwner(aside, owner, disk);
    await disk.rename(aside, join(path, String(number)));
  } catch (error) {
    await disk.rm(aside, { recursive: true, force: true });
    const code = errnoOf(error);
    if (code !== "ENOTEMPTY" && code !== "EEXIST") throw error;
    return false;
  }
  // A number that was made and deleted since we looked is free again, but not the highest.
  if ((await newestIn(path, disk))?.number !== number) {
    await disk.rm(join(path, String(number)), { recursive: true, force: true });
    return false;
  }
  const older = (await numbersIn(path, disk)).filter((other) => other < number);
  for (const other of older) await disk.rm(join(path, String(other)), { recursive: true, force: true });
  return true;
}

async function newestIn(path: string, disk: Disk): Promise<Taken | null> {
  for (let numbers = await numbersIn(path, disk); ;) {
    if (numbers.length === 0) return null;
    const number = Math.max(...numbers);
    const owner = await readOwner(join(path, String(number)), disk);
    if (owner) return { number, owner };
    // Unreadable, or deleted between the two by whoever has just made the next number.
    numbers = await numbersIn(path, disk);
    if (Math.max(...numbers) === number) return { number, owner };
  }
}

async function numbersIn(path: string, disk: Disk): Promise<number[]> {
  try {
    return (await disk.readdir(path)).map(Number).filter((number) => Number.isSafeInteger(number));
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return [];
    throw error;
  }
}

function writeOwner(path: string, owner: Owner, disk: Disk): Promise<void> {
  return writeFileAtomically(join(path, "owner.json"), JSON.stringify(owner), 0o600, disk);
}

/** Null when it is not there or cannot be read, as when a machine that went down left half a file. */
async function readOwner(path: string, disk: Disk): Promise<Owner | null> {
  try {
    return v.parse(ownerSchema, JSON.parse(String(await readWhole(join(path, "owner.json"), disk))));
  } catch (error) {
    if (isNotThere(error) || error instanceof SyntaxError || v.isValiError(error)) return null;
    throw error;
  }
}

async function isAlive(path: string, { number, owner }: Taken, inode: number, world: LockWorld): Promise<boolean> {
  if (owner?.isReleased || (owner && owner.inode !== inode)) return false;
  if (owner?.host === world.host) return livesHere(owner, world);
  if (owner && (await world.answers(owner))) return true;
  const who = owner ? `a scheduler on ${owner.host}` : "somebody else";
  const why = owner ? "" : `: ${join(path, String(number))} cannot be read`;
  world.onWait(`The run may be served by ${who}${why}; watching for a minute whether that one lives.`);
  for (const startedAt = world.now(); world.now() - startedAt < world.silenceMs;) {
    await world.sleep(world.watchMs);
    const newest = await newestIn(path, world.disk);
    if (newest?.number !== number || newest.owner?.beat !== owner?.beat) return true;
  }
  return false;
}

function livesHere(owner: Owner, { bootId, processStart }: LockWorld): boolean {
  return owner.bootId === bootId() && owner.pidStart !== null && processStart(owner.pid) === owner.pidStart;
}

function alreadyServed(owner: Owner | null): AdaptiveError {
  const who = owner ? `on ${owner.host} (pid ${owner.pid})` : "on another host";
  return new AdaptiveError(
    "already-served",
    `This run is already served by a scheduler ${who}.`,
    "Use that one (adaptive-scheduler status), or end it first: adaptive-scheduler stop --shut-down",
  );
}

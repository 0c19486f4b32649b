import { randomBytes } from "node:crypto";
import { hostname } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import * as v from "valibot";
import { realDisk, type Disk } from "./disk";
import { AdaptiveError, errnoOf } from "./errors";
import { writeFileAtomically } from "./files";
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
  /** A lock confirmed longer ago than this is read again before anything is answered. */
  confirmMs: number;
  /** An owner on another host is dead when its counter stood still for this long by our own clock; well above `confirmMs`. */
  silenceMs: number;
  watchMs: number;
  /** Whether the owner, on another host, answers where it said that it listens. */
  answers: (owner: { host: string; pid: number }) => Promise<boolean>;
  /** Told when a minute's patience is needed, because an owner on another host can only be watched. */
  onWait: (message: string) => void;
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
  confirmMs: 20_000,
  silenceMs: 60_000,
  watchMs: 2_000,
  answers: () => Promise.resolve(false),
  onWait: () => undefined,
};

/**
 * One scheduler per run: a folder in which each owner has a numbered folder with its name in it, and
 * the highest number owns the run. Taking over means making the next number, by a rename that fails
 * when it exists; numbers are never reused. So of several that saw the same owner dead one wins, and
 * one that saw it long ago and acts only now takes nothing from whoever owns the run meanwhile.
 */
export class RunLock {
  private beats = 0;
  private readonly stopBeating: () => void;

  private constructor(
    private readonly path: string,
    private readonly number: number,
    private readonly owner: Owner,
    private readonly world: LockWorld,
    private confirmedAt: number,
  ) {
    this.stopBeating = world.every(world.beatMs, () => void this.beat());
  }

  /**
   * Takes the lock, from a dead owner if need be.
   *
   * @throws AdaptiveError `already-served` naming host and pid
   */
  static async acquire(path: string, given: Partial<LockWorld> = {}): Promise<RunLock> {
    const world = { ...systemWorld, ...given };
    await world.disk.mkdir(path, { recursive: true, mode: 0o700 });
    const { ino } = await world.disk.stat(path);
    const owner = newOwner(world, ino);
    for (;;) {
      const last = await newestIn(path, world.disk);
      if (last && (await isAlive(path, last, ino, world))) throw alreadyServed(last.owner);
      const number = (last?.number ?? 0) + 1;
      // Before it is taken: one that was frozen meanwhile may have lost it already.
      const takenAt = world.now();
      if (await take(path, number, owner, world.disk)) return new RunLock(path, number, owner, world, takenAt);
    }
  }

  /** @throws AdaptiveError `lock-lost` when somebody else has taken the run over */
  async confirm(): Promise<void> {
    const startedAt = this.world.now();
    if (startedAt - this.confirmedAt < this.world.confirmMs) return;
    if (!(await this.isOurs())) {
      throw new AdaptiveError(
        "lock-lost",
        "Another scheduler has taken this run over.",
        "This one ends; nothing is lost.",
      );
    }
    this.confirmedAt = startedAt;
  }

  /** @param path where the lock is by now */
  async release(path = this.path): Promise<void> {
    this.stopBeating();
    if (!(await this.isOurs(path))) return;
    await writeOwner(join(path, String(this.number)), { ...this.owner, isReleased: true }, this.world.disk);
  }

  private async beat(): Promise<void> {
    try {
      const startedAt = this.world.now();
      await writeOwner(join(this.path, String(this.number)), { ...this.owner, beat: ++this.beats }, this.world.disk);
      if (await this.isOurs()) this.confirmedAt = startedAt;
    } catch {
      // A file system that does not answer now: `confirm` decides what that means.
    }
  }

  private async isOurs(path = this.path): Promise<boolean> {
    return (await newestIn(path, this.world.disk))?.owner?.nonce === this.owner.nonce;
  }
}

/** Who serves the run now, as far as can be told at once; null when nobody does. */
export async function ownerOf(path: string): Promise<{ host: string; pid: number } | null> {
  const { disk, host } = systemWorld;
  const owner = (await newestIn(path, disk))?.owner;
  if (!owner || owner.isReleased || owner.inode !== (await disk.stat(path)).ino) return null;
  return owner.host === host && !livesHere(owner, systemWorld) ? null : owner;
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
  await writeOwner(aside, owner, disk);
  try {
    await disk.rename(aside, join(path, String(number)));
  } catch (error) {
    const code = errnoOf(error);
    if (code !== "ENOTEMPTY" && code !== "EEXIST") throw error;
    await disk.rm(aside, { recursive: true, force: true });
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
  const numbers = await numbersIn(path, disk);
  if (numbers.length === 0) return null;
  const number = Math.max(...numbers);
  return { number, owner: await readOwner(join(path, String(number)), disk) };
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

/** Null when a machine that went down left half a file. */
async function readOwner(path: string, disk: Disk): Promise<Owner | null> {
  try {
    return v.parse(ownerSchema, JSON.parse(String(await disk.readFile(join(path, "owner.json")))));
  } catch (error) {
    if (errnoOf(error) === "ENOENT" || error instanceof SyntaxError || v.isValiError(error)) return null;
    throw error;
  }
}

async function isAlive(path: string, { number, owner }: Taken, inode: number, world: LockWorld): Promise<boolean> {
  if (owner?.isReleased || (owner && owner.inode !== inode)) return false;
  if (owner?.host === world.host) return livesHere(owner, world);
  if (owner && (await world.answers(owner))) return true;
  const where = owner?.host ?? "another host";
  world.onWait(`The run may be served by a scheduler on ${where}; watching for a minute whether it lives.`);
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

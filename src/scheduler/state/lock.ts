import { randomBytes } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm } from "node:fs/promises";
import { hostname } from "node:os";
import { dirname, join } from "node:path";
import { performance } from "node:perf_hooks";
import * as v from "valibot";
import { AdaptiveError, errnoOf } from "./errors";
import { writeFileAtomically } from "./files";
import { bootId, processStart } from "./processIdentity";

const ownerSchema = v.object({
  host: v.string(),
  bootId: v.string(),
  pid: v.number(),
  pidStart: v.nullable(v.string()),
  nonce: v.string(),
  /** Counts up while the owner lives. */
  beat: v.number(),
});
type Owner = v.InferOutput<typeof ownerSchema>;

const beatMs = 5_000;
/** A lock confirmed longer ago than this is read again before anything is answered. */
const confirmMs = 20_000;
/** An owner on another host is dead when its counter stood still for this long by our own clock. */
const silenceMs = 60_000;
const watchMs = 2_000;

/**
 * One scheduler per run: a directory made with mkdir, which is atomic on NFS too, and in it who
 * owns it. Clocks of two hosts are never compared.
 */
export class RunLock {
  private confirmedAt = performance.now();
  private beats = 0;
  private readonly timer: NodeJS.Timeout;

  private constructor(
    private readonly path: string,
    private readonly owner: Owner,
  ) {
    this.timer = setInterval(() => void this.beat(), beatMs);
    this.timer.unref();
  }

  /**
   * Takes the lock, from a dead owner if need be.
   *
   * @param onWait told when a minute's patience is needed, because an owner on another host can only be watched
   * @throws AdaptiveError `already-served` naming host and pid
   */
  static async acquire(path: string, onWait: (message: string) => void): Promise<RunLock> {
    const owner = newOwner();
    let dead: string | null = null;
    while (!(await tryCreate(path, owner))) {
      const other = await readOwner(path);
      if (await isAlive(path, other, onWait)) throw alreadyServed(other);
      dead = await setAside(path, other);
    }
    await deleteOlderLocks(path, dead);
    return new RunLock(path, owner);
  }

  /** @throws AdaptiveError `lock-lost` when somebody else has taken the run over */
  async confirm(): Promise<void> {
    if (performance.now() - this.confirmedAt < confirmMs) return;
    const nonce = (await readOwner(this.path))?.nonce;
    if (nonce !== this.owner.nonce) {
      throw new AdaptiveError(
        "lock-lost",
        "Another scheduler has taken this run over.",
        "This one ends; nothing is lost.",
      );
    }
    this.confirmedAt = performance.now();
  }

  async release(): Promise<void> {
    clearInterval(this.timer);
    if ((await readOwner(this.path))?.nonce === this.owner.nonce) await rm(this.path, { recursive: true, force: true });
  }

  private async beat(): Promise<void> {
    try {
      const startedAt = performance.now();
      if ((await readOwner(this.path))?.nonce !== this.owner.nonce) return;
      await writeOwner(this.path, { ...this.owner, beat: ++this.beats });
      this.confirmedAt = startedAt;
    } catch {
      // A file system that does not answer now: `confirm` decides what that means.
    }
  }
}

/** Who serves the run now, as far as can be told at once; null when nobody does. */
export async function ownerOf(path: string): Promise<{ host: string; pid: number } | null> {
  const owner = await readOwner(path);
  return owner && isHere(owner) && !livesHere(owner) ? null : owner;
}

function newOwner(): Owner {
  return {
    host: hostname(),
    bootId: bootId(),
    pid: process.pid,
    pidStart: processStart(process.pid),
    nonce: randomBytes(8).toString("hex"),
    beat: 0,
  };
}

async function tryCreate(path: string, owner: Owner): Promise<boolean> {
  try {
    await mkdir(path, { mode: 0o700 });
  } catch (error) {
    if (errnoOf(error) === "EEXIST") return false;
    throw error;
  }
  await writeOwner(path, owner);
  return true;
}

function writeOwner(path: string, owner: Owner): Promise<void> {
  return writeFileAtomically(join(path, "owner.json"), JSON.stringify(owner));
}

/** Null while the owner is about to write its name, or died before it could. */
async function readOwner(path: string): Promise<Owner | null> {
  try {
    return v.parse(ownerSchema, JSON.parse(await readFile(join(path, "owner.json"), "utf8")));
  } catch (error) {
    if (errnoOf(error) === "ENOENT" || error instanceof SyntaxError || v.isValiError(error)) return null;
    throw error;
  }
}

async function isAlive(path: string, owner: Owner | null, onWait: (message: string) => void): Promise<boolean> {
  if (owner && isHere(owner)) return livesHere(owner);
  onWait(
    `The run may be served by a scheduler on ${owner?.host ?? "another host"}; watching for a minute whether it lives.`,
  );
  for (let waitedMs = 0; waitedMs < silenceMs; waitedMs += watchMs) {
    await new Promise((resolve) => setTimeout(resolve, watchMs));
    const now = await readOwner(path);
    if (now?.nonce !== owner?.nonce || now?.beat !== owner?.beat) return true;
  }
  return false;
}

function isHere(owner: Owner): boolean {
  return owner.host === hostname();
}

function livesHere(owner: Owner): boolean {
  return owner.bootId === bootId() && owner.pidStart !== null && processStart(owner.pid) === owner.pidStart;
}

/**
 * Takes the lock from a dead owner. The new name is made of the dead owner's nonce and stays, so of
 * several that saw the same owner dead only one succeeds: renaming onto a directory that is not
 * empty fails.
 */
async function setAside(path: string, dead: Owner | null): Promise<string> {
  const aside = `${path}.${dead?.nonce ?? "nobody"}`;
  try {
    await rename(path, aside);
  } catch (error) {
    const code = errnoOf(error);
    if (code !== "ENOENT" && code !== "ENOTEMPTY" && code !== "EEXIST") throw error;
  }
  return aside;
}

async function deleteOlderLocks(path: string, newest: string | null): Promise<void> {
  for (const name of await readdir(dirname(path))) {
    const other = join(dirname(path), name);
    if (other.startsWith(`${path}.`) && other !== newest) await rm(other, { recursive: true, force: true });
  }
}

function alreadyServed(owner: Owner | null): AdaptiveError {
  const who = owner ? `on ${owner.host} (pid ${owner.pid})` : "that has just started";
  return new AdaptiveError(
    "already-served",
    `This run is already served by a scheduler ${who}.`,
    "Use that one (adaptive-scheduler status), or end it first: adaptive-scheduler stop --shut-down",
  );
}

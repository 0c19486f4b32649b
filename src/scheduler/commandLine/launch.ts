import { spawn } from "node:child_process";
import { open, readFile, type FileHandle } from "node:fs/promises";
import { hostname } from "node:os";
import * as v from "valibot";
import { ask, type Address, reach, silentCode } from "../control/dealer";
import { AdaptiveError, errnoOf, toAdaptiveError } from "../state/errors";
import { readWhole } from "../state/files";
import { isUnreadable, ownerOf } from "../state/lock";
import type { RunDirectory } from "../state/runDirectory";
import { notACopy, type CopyWish } from "../study/place";
import { readEndpoint } from "../workers/endpoint";
import type { Program } from "./program";
import { isServedInJob, serveInJob } from "./serveInJob";

const startDeadlineMs = 30_000;
/** Longer than an owner on another host is watched. */
const watchDeadlineMs = 100_000;
/** What a scheduler that lives has lost of its files is put back within this. */
const patienceMs = 10_000;
const elsewhere = "scheduler-elsewhere";
/** One that lives, and does not say where it listens. */
export const unheard = "scheduler-unheard";
const endDeadlineMs = 30_000;
const checkMs = 100;

/**
 * Where the run's scheduler listens, or null when none lives. One that begins, or whose endpoint somebody
 * deleted, is waited for.
 *
 * @throws AdaptiveError `scheduler-elsewhere` when it is on another host and does not answer here,
 *   `scheduler-unheard` when it is here and does not say where it listens
 */
export async function findScheduler(directory: RunDirectory, waitMs = patienceMs): Promise<Address | null> {
  for (let waitedMs = 0; ; waitedMs += checkMs) {
    const owner = await ownerOf(directory.lock);
    if (!owner) return null;
    const endpoint = await readEndpoint(directory.endpoint);
    // What a scheduler that was killed left behind says nothing of the one that has just begun.
    const isOwn = endpoint?.pid === owner.pid && endpoint.host === owner.host;
    if (isOwn && endpoint.host === hostname()) return endpoint;
    const reached = isOwn ? await reach(endpoint) : null;
    if (reached) return reached;
    if (isOwn || waitedMs >= waitMs) throw cannotReach(owner, directory);
    await new Promise((resolve) => setTimeout(resolve, checkMs));
  }
}

function cannotReach({ host, pid }: { host: string; pid: number }, { endpoint }: RunDirectory): AdaptiveError {
  return host === hostname()
    ? new AdaptiveError(
        unheard,
        `A scheduler serves the run (pid ${pid}), but ${endpoint} does not say where it listens.`,
        "It begins, hangs, or has no room to write: try again, or end it: adaptive-scheduler stop --shut-down",
      )
    : new AdaptiveError(
        elsewhere,
        `The run's scheduler on ${host} (pid ${pid}) does not answer ${hostname()}.`,
        `Work on ${host} (over SSH: name it as HostName), or end it there first: adaptive-scheduler stop --shut-down`,
      );
}

/** The same; null also for one elsewhere that does not answer here: whether it lives can only be watched. */
export function findLivingScheduler(directory: RunDirectory): Promise<Address | null> {
  return findScheduler(directory).catch((error: unknown) => {
    if (toAdaptiveError(error).code === elsewhere) return null;
    throw error;
  });
}

/** Where a scheduler listens that has begun to serve a run; null when it has ended meanwhile. */
export function untilFound(directory: RunDirectory): Promise<Address | null> {
  return findScheduler(directory, startDeadlineMs);
}

/** @throws AdaptiveError `no-scheduler` when none lives, with what that means for what was asked */
export async function needScheduler(directory: RunDirectory, hint: string): Promise<Address> {
  const address = await findScheduler(directory);
  if (address) return address;
  throw noScheduler(directory, hint);
}

export function noScheduler({ path }: RunDirectory, hint: string): AdaptiveError {
  return new AdaptiveError("no-scheduler", `No scheduler serves the run in ${path}.`, hint);
}

/**
 * Ends a run's scheduler, whether it answers or not, and returns when it has ended: the next command may start
 * another one.
 *
 * @param ifUnused leaves it alone when somebody else has begun to need it
 * @returns false when there was none
 * @throws AdaptiveError `scheduler-elsewhere`, `scheduler-goes-on`
 */
export async function shutDown(directory: RunDirectory, ifUnused = false): Promise<boolean> {
  const owner = await ownerOf(directory.lock);
  if (!owner) return false;
  try {
    const address = await findScheduler(directory);
    const answer = address && (await ask(address, "shutDown", { ifUnused }));
    if (answer?.ends === false) return true;
  } catch (error) {
    const isMute = error instanceof AdaptiveError && [silentCode, unheard].includes(error.code);
    if (!isMute || ifUnused || owner.host !== hostname()) throw error;
    signal(owner.pid);
  }
  for (let waitedMs = 0; waitedMs < endDeadlineMs; waitedMs += checkMs) {
    const now = await ownerOf(directory.lock);
    if (now?.pid !== owner.pid || now.host !== owner.host) return true;
    await new Promise((resolve) => setTimeout(resolve, checkMs));
  }
  throw new AdaptiveError(
    "scheduler-goes-on",
    `The scheduler on ${owner.host} (pid ${owner.pid}) was told to end, and still lives after ${endDeadlineMs / 1000} s.`,
    `End it there by force: kill -KILL ${owner.pid}. What it answered is on disk, and jobs go on.`,
  );
}

function signal(pid: number): void {
  try {
    process.kill(pid, "SIGTERM");
  } catch (error) {
    // It has ended meanwhile.
    if (errnoOf(error) !== "ESRCH") throw error;
  }
}

/**
 * Asks something of a run's scheduler. One that had to be started for that ends as soon as nobody needs it any more.
 *
 * @throws as `findOrStartScheduler`, and what `act` does
 */
export async function withScheduler<T>(
  directory: RunDirectory,
  program: Program,
  act: (address: Address) => Promise<T>,
): Promise<T> {
  await directory.readRunFile();
  const served = await findLivingScheduler(directory);
  const address = served ?? (await findOrStartScheduler(directory, program));
  try {
    return await act(address);
  } finally {
    if (!served) await shutDown(directory, true);
  }
}

/** What a person may ask of a scheduler that has to be started. */
interface ServeWishes {
  ifCopied?: CopyWish;
  /** Null for any free one. */
  port?: number | null;
}

/** Of one that serves already. */
export const ownPort = "A scheduler serves the run already, at a port of its own: --port counts for nothing.";

/**
 * Finds the run's scheduler, or starts one that outlives this process, where the run's schedulers are started.
 *
 * @throws AdaptiveError `scheduler-did-not-start`, `scheduler-queued`, or what it said itself
 */
export async function findOrStartScheduler(
  directory: RunDirectory,
  program: Program,
  { ifCopied = "refuse", port = null }: ServeWishes = {},
): Promise<Address> {
  // Whether one on another host that does not answer is dead can only be watched, and the new one does.
  let unreached: AdaptiveError | null = null;
  const find = (waitMs = 0): Promise<Address | null> =>
    findScheduler(directory, waitMs).catch((error: unknown) => {
      const code = error instanceof AdaptiveError ? error.code : "";
      if (code === elsewhere) unreached = error as AdaptiveError;
      else if (code !== unheard || waitMs > 0) throw error;
      return null;
    });
  const found = await find(startDeadlineMs);
  if (found && ifCopied !== "refuse") throw notACopy(directory);
  if (found && port !== null) program.warn(ownPort);
  if (found) return found;
  const mustWatch = unreached !== null || (await isUnreadable(directory.lock));
  if (mustWatch) program.warn("Whether the run's last scheduler still lives is watched for a minute.");
  const isInJob = ifCopied === "refuse" && (await isServedInJob(directory));
  const { address, failed } = isInJob
    ? { address: await serveInJob(directory, program, find), failed: "its job ended" }
    : await startHere(directory, program, { ifCopied, port }, find, mustWatch ? watchDeadlineMs : startDeadlineMs);
  if (address) {
    await ask(address, "ping", {});
    return address;
  }
  const said = await lastError(directory.at("serve.out"));
  const isServed = said?.code === "already-served";
  // Somebody else has started one at the same moment, as a window does that is opened.
  const other = isServed && unreached === null ? await untilFound(directory) : null;
  if (other && ifCopied !== "refuse") throw notACopy(directory);
  if (other) return other;
  throw (
    (isServed ? unreached : null) ??
    said ??
    new AdaptiveError(
      "scheduler-did-not-start",
      `The scheduler did not start: ${failed}.${await lastWords(directory)}`,
      `It may still come up: try again. What it says is in ${directory.log} and ${directory.at("serve.out")}.`,
    )
  );
}

/** As a process of this machine; `failed` says why there is none. */
async function startHere(
  directory: RunDirectory,
  { self }: Program,
  { ifCopied, port }: Required<ServeWishes>,
  find: () => Promise<Address | null>,
  deadlineMs: number,
): Promise<{ address: Address | null; failed: string }> {
  const output = await outputFile(directory);
  const [runtime = process.execPath, ...args] = self;
  const child = spawn(
    runtime,
    [
      ...[...args, "serve", directory.own, "--json"],
      ...(ifCopied === "refuse" ? [] : [`--${ifCopied}`]),
      ...(port === null ? [] : [`--port=${port}`]),
    ],
    {
      detached: true,
      stdio: ["ignore", output.fd, output.fd],
      cwd: directory.path,
    },
  );
  const failure = new Promise<string>((resolve) => {
    child.on("error", (error) => resolve(error.message));
    child.on("exit", (code) => resolve(`it ended with exit code ${code ?? "none"}`));
  });
  child.unref();
  await output.close();
  let failed: string | null = null;
  void failure.then((why) => (failed = why));
  for (let waitedMs = 0; waitedMs < deadlineMs; waitedMs += checkMs) {
    const address = await find();
    // Also when ours ended because another one was started at the same moment.
    if (address) return { address, failed: "" };
    if (failed !== null) break;
    await new Promise((resolve) => setTimeout(resolve, checkMs));
  }
  return { address: null, failed: failed ?? `it said nothing for ${deadlineMs / 1000} s` };
}

/**
 * Where a scheduler's output goes, from its beginning on. It has room for an error already: of a full disk there
 * would be none to say so.
 *
 * @throws AdaptiveError `disk-full`, `not-writable`
 */
async function outputFile(directory: RunDirectory): Promise<FileHandle> {
  try {
    const output = await open(directory.at("serve.out"), "w", 0o600);
    // At a position, which leaves that of what is written next where it is.
    await output.write(Buffer.alloc(roomBytes, "\n"), 0, roomBytes, 0).catch(async (error: unknown) => {
      await output.close();
      throw error;
    });
    return output;
  } catch (error) {
    throw directory.explain(error);
  }
}

/** An error has 2000 letters at most, its hint too. */
const roomBytes = 8192;

const errorSchema = v.object({ error: v.object({ code: v.string(), message: v.string(), hint: v.string() }) });

/** The last line of a run's log, from which one sees what a start waits for. */
async function lastWords({ log }: RunDirectory): Promise<string> {
  const text = await readWhole(log).catch(() => "");
  const line = String(text).trimEnd().split("\n").at(-1) ?? "";
  return line === "" ? "" : ` Its log ends with: ${line}`;
}

/** What the scheduler itself said in its last line of why it did not start. */
async function lastError(path: string): Promise<AdaptiveError | null> {
  try {
    const line = (await readFile(path, "utf8")).trimEnd().split("\n").at(-1) ?? "";
    const { code, message, hint } = v.parse(errorSchema, JSON.parse(line)).error;
    return new AdaptiveError(code, message, hint);
  } catch (error) {
    if (error instanceof SyntaxError || v.isValiError(error)) return null;
    throw error;
  }
}

import { spawn } from "node:child_process";
import { open, readFile } from "node:fs/promises";
import { hostname } from "node:os";
import * as v from "valibot";
import { ask, type Address, reach } from "../control/dealer";
import { AdaptiveError, toAdaptiveError } from "../state/errors";
import { ownerOf } from "../state/lock";
import type { RunDirectory } from "../state/runDirectory";
import { notACopy, type CopyWish } from "../study/place";
import { readEndpoint } from "../workers/endpoint";
import type { Program } from "./program";
import { isServedInJob, serveInJob } from "./serveInJob";

const startDeadlineMs = 30_000;
/** Longer than an owner on another host is watched. */
const watchDeadlineMs = 100_000;
const elsewhere = "scheduler-elsewhere";
const endDeadlineMs = 30_000;
const checkMs = 100;

/**
 * Where the run's scheduler listens, or null when none lives.
 * @throws AdaptiveError `scheduler-elsewhere` when it is on another host and does not answer here
 */
export async function findScheduler(directory: RunDirectory): Promise<Address | null> {
  const owner = await ownerOf(directory.lock);
  const endpoint = owner && (await readEndpoint(directory.endpoint));
  // What a scheduler that was killed left behind says nothing of the one that has just begun.
  if (!endpoint || endpoint.pid !== owner.pid || endpoint.host !== owner.host) return null;
  if (endpoint.host === hostname()) return endpoint;
  const reached = await reach(endpoint);
  if (reached) return reached;
  throw new AdaptiveError(
    elsewhere,
    `The run's scheduler on ${owner.host} (pid ${owner.pid}) does not answer ${hostname()}.`,
    `Work on ${owner.host} (over SSH: name it as HostName), or end it there first: adaptive-scheduler stop --shut-down`,
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
export async function untilFound(directory: RunDirectory): Promise<Address | null> {
  for (let waitedMs = 0; waitedMs < startDeadlineMs; waitedMs += checkMs) {
    const address = await findScheduler(directory);
    if (address || !(await ownerOf(directory.lock))) return address;
    await new Promise((resolve) => setTimeout(resolve, checkMs));
  }
  return null;
}

/** @throws AdaptiveError `no-scheduler` when none lives, with what that means for what was asked */
export async function needScheduler(directory: RunDirectory, hint: string): Promise<Address> {
  const address = await findScheduler(directory);
  if (address) return address;
  throw new AdaptiveError("no-scheduler", `No scheduler serves the run in ${directory.path}.`, hint);
}

/**
 * Ends a run's scheduler, and returns when it has ended: the next command may start another one.
 * @param ifUnused leaves it alone when somebody else has begun to need it
 */
export async function shutDown(directory: RunDirectory, address: Address, ifUnused = false): Promise<void> {
  const { ends } = await ask(address, "shutDown", { ifUnused });
  if (!ends) return;
  for (let waitedMs = 0; waitedMs < endDeadlineMs; waitedMs += checkMs) {
    const owner = await ownerOf(directory.lock);
    if (owner?.pid !== address.pid || owner.host !== address.host) return;
    await new Promise((resolve) => setTimeout(resolve, checkMs));
  }
}

/**
 * Finds the run's scheduler, or starts one that outlives this process, where the run's schedulers are started.
 *
 * @throws AdaptiveError `scheduler-did-not-start`, `scheduler-queued`, or what it said itself
 */
export async function findOrStartScheduler(
  directory: RunDirectory,
  program: Program,
  ifCopied: CopyWish = "refuse",
): Promise<Address> {
  // Whether one on another host that does not answer is dead can only be watched, and the new one does.
  let unreached: AdaptiveError | null = null;
  const find = (): Promise<Address | null> =>
    findScheduler(directory).catch((error: unknown) => {
      if (!(error instanceof AdaptiveError && error.code === elsewhere)) throw error;
      unreached = error;
      return null;
    });
  const found = await find();
  if (found && ifCopied !== "refuse") throw notACopy(directory);
  if (found) return found;
  const isInJob = ifCopied === "refuse" && (await isServedInJob(directory));
  const { address, failed } = isInJob
    ? { address: await serveInJob(directory, program, find), failed: "its job ended" }
    : await startHere(directory, program, ifCopied, find, unreached === null ? startDeadlineMs : watchDeadlineMs);
  if (address) {
    await ask(address, "ping", {});
    return address;
  }
  const said = await lastError(directory.at("serve.out"));
  throw (
    (said?.code === "already-served" ? unreached : null) ??
    said ??
    new AdaptiveError(
      "scheduler-did-not-start",
      `The scheduler did not start: ${failed}.`,
      `See ${directory.at("serve.out")}.`,
    )
  );
}

/** As a process of this machine; `failed` says why there is none. */
async function startHere(
  directory: RunDirectory,
  { self }: Program,
  ifCopied: CopyWish,
  find: () => Promise<Address | null>,
  deadlineMs: number,
): Promise<{ address: Address | null; failed: string }> {
  const output = await open(directory.at("serve.out"), "w", 0o600);
  const [runtime = process.execPath, ...args] = self;
  const child = spawn(
    runtime,
    [...args, "serve", directory.own, "--json", ...(ifCopied === "refuse" ? [] : [`--${ifCopied}`])],
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

const errorSchema = v.object({ error: v.object({ code: v.string(), message: v.string(), hint: v.string() }) });

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

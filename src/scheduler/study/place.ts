import { readdir, rm, stat } from "node:fs/promises";
import { isAbsolute, join } from "node:path";
import type { NewChange } from "../state/changes";
import { AdaptiveError } from "../state/errors";
import { writeFileAtomically } from "../state/files";
import type { Model } from "../state/model";
import { registerRun } from "../state/registry";
import type { RunRow } from "../state/rows";
import { RunDirectory } from "../state/runDirectory";
import { settingsOf } from "../state/settings";
import { checkNoOverlap } from "./overlap";

/** Whether a run lies where it was, was moved, or is a copy of one that lies or lay elsewhere. */
export type Placement = "here" | "moved" | "copied";
/** What to do with a copy: refuse it, make it a run of its own, or go on with it in the original's stead. */
export type CopyWish = "refuse" | "fork" | "adopt";

/**
 * @param isSameInode whether the run's state folder is the one that the run was made in
 * @param original what lies where the run was last: that same folder under its old name, another
 *   one of the same inode (of another disk), or none
 */
export function placementOf(isSameInode: boolean, isSamePath: boolean, original: "same" | "other" | "gone"): Placement {
  if (!isSameInode || original === "other") return "copied";
  return isSamePath || original === "same" ? "here" : "moved";
}

/** Where a run lies, in relation to where it was made. */
export async function placementIn(directory: RunDirectory, run: RunRow): Promise<Placement> {
  const isSameInode = (await directory.inode()) === run.inode;
  return placementOf(isSameInode, directory.path === run.directory, (await originalOf(directory, run)).is);
}

/**
 * What must come before a run is served: a move is noted, and a copy does as the person wished.
 *
 * @returns the changes that make it so
 * @throws AdaptiveError `copied-run`, `not-a-copy`, `original-exists`, `shared-data`, `data-overlaps`
 */
export async function settle(
  directory: RunDirectory,
  model: Model,
  wish: CopyWish,
  newRunId: string,
  wasm: Uint8Array,
): Promise<NewChange[]> {
  const { run } = model;
  const placement = await placementIn(directory, run);
  if (placement !== "copied" && wish !== "refuse") throw notACopy(directory);
  if (placement === "here") return [];
  const place = { name: directory.name, directory: directory.path, inode: await directory.inode() };
  const placed = { kind: "runPlaced", runId: run.runId, ...place } as const;
  if (placement === "moved") return [placed];
  if (wish === "refuse") throw copied(directory, run);
  if (wish === "adopt") await checkOriginalGone(directory, run);
  else checkOwnData(model);
  await checkNoOverlap(directory, model.learners.values(), settingsOf(model.run).dataframe, wasm);
  if (wish === "adopt") return [placed];
  await deleteJobFiles(directory);
  return [{ ...placed, runId: newRunId }, ...forgetJobs(model)];
}

/** The jobs of a copy belong to the original: what they hold waits again, and nobody asks for them. */
export function forgetJobs(model: Model): NewChange[] {
  const reason = "belongs to the original run";
  const { deathsBeforeStart } = model.run;
  const jobs = [...model.liveJobs].map((id) => model.job(id));
  const unresolved = [...model.submissions.values()].filter(({ state }) => state === "submitting");
  return [
    ...jobs.flatMap(({ jobId, learnerId }): NewChange[] => {
      if (learnerId === null) return [];
      const { failures, fruitlessJobs, error, npoints, loss } = model.learner(learnerId);
      const kept = { failures, fruitlessJobs, error, npoints, loss };
      const release = { kind: "learnerReleased", how: "given back", state: "waiting", requestNumber: null } as const;
      return [{ ...release, learner: learnerId, job: jobId, reason: `its job ${jobId} ${reason}`, ...kept }];
    }),
    ...jobs.map(({ jobId }): NewChange => ({
      kind: "jobEnded",
      job: jobId,
      exitCode: null,
      ending: "lost",
      reason,
      deathsBeforeStart,
    })),
    ...unresolved.map(({ submission }): NewChange => ({ kind: "submissionRefused", submission, reason })),
  ];
}

/** Brings `run.json` and the file in the home directory in line with the run; as `registerRun`. */
export async function noteDown(directory: RunDirectory, { runId, name, learnersFile }: RunRow): Promise<string | null> {
  const before = await directory.readRunFile();
  const now = { ...before, runId, name, study: join(directory.path, learnersFile) };
  if (JSON.stringify(now) !== JSON.stringify(before)) {
    await writeFileAtomically(directory.runFile, JSON.stringify(now, null, 2));
  }
  return registerRun(now, directory);
}

async function originalOf(
  directory: RunDirectory,
  run: RunRow,
): Promise<{ is: "same" | "other"; directory: RunDirectory } | { is: "gone" }> {
  const ours = await stat(directory.own);
  for (const there of await RunDirectory.allIn(run.directory, "database.sqlite")) {
    const { ino, dev } = await stat(there.own);
    if (ino !== run.inode) continue;
    return { is: ino === ours.ino && dev === ours.dev ? "same" : "other", directory: there };
  }
  return { is: "gone" };
}

async function checkOriginalGone(directory: RunDirectory, run: RunRow): Promise<void> {
  const original = await originalOf(directory, run);
  if (original.is === "gone" || (await original.directory.readRunFile()).runId !== run.runId) return;
  throw new AdaptiveError(
    "original-exists",
    `The original of the run in ${directory.path} is still in ${run.directory}.`,
    "Go on with that one, or make this one a run of its own: --fork.",
  );
}

function checkOwnData(model: Model): void {
  const shared = [...model.learners.values()].find(({ fname }) => isAbsolute(fname) || fname.startsWith("~"));
  if (!shared) return;
  throw new AdaptiveError(
    "shared-data",
    `${shared.fname} is a data file of the original run too.`,
    "Make the file names relative to the learners file, move the state folder away, and start anew.",
  );
}

/** What the original's jobs left behind. Their output stays, to be read. */
async function deleteJobFiles(directory: RunDirectory): Promise<void> {
  const jobs = (await readdir(directory.jobs)).filter((name) => !name.endsWith(".out"));
  const messages = await readdir(directory.outbox);
  const files = [
    directory.endpoint,
    ...jobs.map((name) => join(directory.jobs, name)),
    ...messages.map((name) => join(directory.outbox, name)),
  ];
  for (const file of files) await rm(file, { recursive: true, force: true });
}

/** Why a copy is not served, and what can be done. */
export function copied({ path }: RunDirectory, run: RunRow): AdaptiveError {
  return new AdaptiveError(
    "copied-run",
    path === run.directory
      ? `The run in ${path} was put back from a copy.`
      : `The run in ${path} is a copy of the one in ${run.directory}.`,
    "Make it a run of its own (adaptive-scheduler serve RUN --fork), or go on with it when the original is gone (--adopt).",
  );
}

export function notACopy({ path }: RunDirectory): AdaptiveError {
  return new AdaptiveError("not-a-copy", `The run in ${path} is no copy.`, "Leave --fork or --adopt away.");
}

import { randomUUID } from "node:crypto";
import { renameSync, rmSync } from "node:fs";
import { access, constants, mkdir, stat, writeFile } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import type { NewChange } from "../state/changes";
import { classified, remarksOnClasses } from "../state/classes";
import { asLearnerId, notStartedYet } from "../state/rows";
import { createFolders, createState } from "../state/createState";
import { AdaptiveError, errnoOf } from "../state/errors";
import { writeFileAtomically } from "../state/files";
import { RunLock } from "../state/lock";
import { registerRun } from "../state/registry";
import { settingsOf } from "../state/settings";
import { checkFolderName, RunDirectory, type RunFile } from "../state/runDirectory";
import type { Assets } from "../assets";
import { copyClient, copyCode } from "./code";
import { checkScript, inspectLearners } from "./inspect";
import { checkNoOverlap } from "./overlap";
import { checkClasses, configurationOf, type StartOptions } from "./settings";

/**
 * Makes the run of a study: everything is written before `run.json`, which makes it a run; when
 * something fails nothing is left behind.
 *
 * @param onWarning told what a person should know of the learners file, once the run is made
 * @throws AdaptiveError for a study that cannot be run, saying why and what to do
 */
export async function createRun(
  options: StartOptions,
  assets: Assets,
  now: () => number,
  onWarning: (sentence: string) => void,
): Promise<RunDirectory> {
  const learnersFile = resolve(options.learnersFile);
  const directory = RunDirectory.ofStudy(learnersFile);
  checkFolderName(learnersFile);
  await checkReadable(learnersFile);
  const configuration = await configurationOf(options, null);
  const settings = settingsOf(configuration);
  if (directory.own === directory.trash) throw reservedName(learnersFile);
  const { isNew, lock } = await takeFolder(directory, learnersFile);
  if (!lock) return directory;
  const heed = onInterruption(() => isNew && deleteAtOnce(directory));
  try {
    if (await directory.hasRun()) return directory;
    await checkScript(directory.path, settings);
    const revision = await copyCode(directory.path, settings.include, directory);
    const client = await copyClient(assets.folder, directory);
    const name = basename(learnersFile);
    const code = directory.code(revision);
    const inspection = await inspectLearners(join(code, name), [code, client], directory.path, settings);
    await checkClasses(learnersFile, configuration, inspection.learners);
    const learners = classified(inspection.learners, settings);
    const run: RunFile = {
      version: 1,
      runId: randomUUID(),
      name: directory.name,
      study: learnersFile,
      cluster: settings.queue,
      created: new Date(now()).toISOString(),
    };
    const { runId, cluster } = run;
    const remarks = inspection.remarkOnMpi === null ? [] : [inspection.remarkOnMpi];
    const changes: NewChange[] = [
      {
        kind: "runCreated",
        runId,
        name: run.name,
        cluster,
        learnersFile: name,
        directory: directory.path,
        inode: await directory.inode(),
      },
      { kind: "runConfigured", ...configuration },
      { kind: "codeRevised", revision, versions: JSON.stringify(inspection.versions) },
      ...remarks.map((remark) => ({ kind: "runRemarked", remark }) as const),
      { kind: "activityChanged", activity: "paused", stopsGently: 0, reason: notStartedYet },
      { kind: "learnersAdded", learners: learners.map((learner, i) => ({ ...learner, id: asLearnerId(i) })) },
    ];
    const wasm = await assets.wasm();
    await createState(directory, changes, wasm, now());
    // Now, because of two that are made at the same moment at least one sees the other's.
    await checkNoOverlap(directory, learners, settings.dataframe, wasm);
    await writeFileAtomically(directory.runFile, JSON.stringify(run, null, 2));
    const unlisted = await registerRun(run, directory);
    [...inspection.warnings, ...remarks, ...remarksOnClasses(settings, learners)].forEach(onWarning);
    if (unlisted !== null) onWarning(unlisted);
    return directory;
  } catch (error) {
    // What was there before is not ours to delete; and what cannot be deleted hides no error.
    await lock.stop();
    if (isNew) deleteAtOnce(directory);
    throw directory.explain(error);
  } finally {
    heed.stop();
    await lock.release();
  }
}

/** The folder of a run to be made, and the lock on it; null when somebody else has made the run meanwhile. */
async function takeFolder(
  directory: RunDirectory,
  learnersFile: string,
): Promise<{ isNew: boolean; lock: RunLock | null }> {
  for (let tries = 1; ; tries++) {
    await checkReadable(learnersFile);
    try {
      const isNew = await makeOwnFolder(directory);
      return { isNew, lock: await lockOrMade(directory) };
    } catch (error) {
      // Whoever had begun to make it has failed, and deleted it: now it is our turn.
      const isDeleted = error instanceof AdaptiveError ? error.code === "state-gone" : errnoOf(error) === "ENOENT";
      if (!isDeleted || tries >= maxTries) throw error;
    }
  }
}

/**
 * Deletes what was made of a run, in one step for whoever waits for it. What cannot be deleted hides no error, and
 * stops no end.
 */
function deleteAtOnce({ own }: RunDirectory): void {
  try {
    const aside = `${own}.failed-${process.pid}`;
    renameSync(own, aside);
    rmSync(aside, { recursive: true, force: true });
  } catch {
    // The next start takes what is left for its own.
  }
}

/** Does something before a signal ends this process, until that is stopped. */
function onInterruption(act: () => unknown): { stop: () => void } {
  const end = (signal: NodeJS.Signals) => {
    stop();
    act();
    process.kill(process.pid, signal);
  };
  const stop = () => signals.forEach((signal) => process.removeListener(signal, end));
  signals.forEach((signal) => process.once(signal, end));
  return { stop };
}
const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Null when somebody else has made the run meanwhile, and perhaps serves it already. */
async function lockOrMade(directory: RunDirectory): Promise<RunLock | null> {
  for (let waitedMs = 0; ; waitedMs += checkMs) {
    try {
      return await RunLock.acquire(directory.lock);
    } catch (error) {
      const isTaken = error instanceof AdaptiveError && error.code === "already-served";
      if (!isTaken || waitedMs > patienceMs) throw error;
      if (await directory.hasRun()) return null;
      await new Promise((resolve) => setTimeout(resolve, checkMs));
    }
  }
}

/** More than that many do not fail one after the other. */
const maxTries = 50;
/** Whoever makes a run may have to read a file of a hundred thousand learners. */
const patienceMs = 900_000;
const checkMs = 200;

async function checkReadable(learnersFile: string): Promise<void> {
  try {
    if ((await stat(learnersFile)).isFile()) return;
  } catch (error) {
    if (errnoOf(error) !== "ENOENT" && errnoOf(error) !== "ENOTDIR") throw error;
  }
  throw new AdaptiveError(
    "no-learners-file",
    `There is no file ${learnersFile}.`,
    "Name a Python file that defines the lists learners and fnames.",
  );
}

function reservedName(learnersFile: string): AdaptiveError {
  return new AdaptiveError(
    "reserved-name",
    `${learnersFile} would keep its run where deleted runs are.`,
    "Give the learners file another name.",
  );
}

/** @returns whether it was not there before */
async function makeOwnFolder(directory: RunDirectory): Promise<boolean> {
  let isNew = false;
  try {
    await access(directory.path, constants.W_OK);
    isNew = (await mkdir(directory.own, { recursive: true, mode: 0o700 })) !== undefined;
    await createFolders(directory);
    await writeFile(directory.at(".gitignore"), "*\n");
    return isNew;
  } catch (error) {
    if (isNew) deleteAtOnce(directory);
    throw directory.explain(error);
  }
}

import { basename, dirname } from "node:path";
import { AdaptiveError, toAdaptiveError } from "../../scheduler/state/errors";
import { remarksOnNames } from "../../scheduler/state/folderWalk";
import { checkFolderName } from "../../scheduler/state/runDirectory";
import { type Queue, queues } from "../../scheduler/state/settings";
import { initCommand, type InitResult, runCommand, type Start } from "../launch";
import { findMissing, type StudyPlan } from "../studySync/plan";
import type { Program } from "../program";
import type { Profile } from "../python";
import { atHome, withVariables } from "./atHome";
import type { Cluster } from "./connectCluster";
import { type Launch, launchScheduler, whileQueued } from "./launchScheduler";
import type { Probe } from "./probe";
import { pythonProblem } from "./pythonProblem";
import { type SendWorld, type SentFolder, sendFolder } from "./sendFolder";

/** Importing the learners file may build a hundred thousand learners. */
const initDeadlineMs = 900_000;

export interface StudyWorld extends SendWorld {
  /** Where runs are made there, as a person writes it: absolute, or with `~/` or `$SCRATCH/`. */
  runRoot: string;
  /** Schedulers there are jobs of the queue. */
  schedulerInJob?: boolean;
  /** Asks a person whether they are to be from now on. */
  offerJob?(): Promise<boolean>;
}

/** The run of a study on a cluster. */
export type Prepared = InitResult & Pick<SentFolder, "sent" | "keptAside">;

/**
 * Sends a study to a cluster and makes its run there; a run that exists goes by the study and settings of now.
 * @param start its learners file is on this computer
 * @throws AdaptiveError in words for a person, also for what the study's code misses there
 */
export async function prepareStudy(
  world: StudyWorld,
  { probe, program }: Cluster,
  start: Omit<Start, "queue">,
): Promise<Prepared> {
  const { transport, clock, signal, onStep } = world;
  const profile: Profile & { python: unknown } = { python: "python3", ...start.profile };
  const problem = pythonProblem(probe, String(profile.python));
  if (problem !== null) throw problem;
  const folder = dirname(start.learnersFile);
  const there = placeOf(folder, world.runRoot, probe);
  checkFolderName(`${there}/${basename(start.learnersFile)}`);
  const { plan, sent, keptAside } = await sendFolder(world, program, folder, there);
  onStep("Starting");
  const queue = queueOf(probe, profile["queue"]);
  const command = initCommand(program, {
    ...start,
    queue,
    learnersFile: `${there}/${basename(start.learnersFile)}`,
    profile: { ...profile, python: atHome(String(profile.python), probe.home) },
  });
  try {
    const options = { clock, deadlineMs: initDeadlineMs, signal, cwd: there };
    const made = await whileQueued(() => runCommand(transport, command, options), onStep);
    await launch(world, program, { run: made.run, host: probe.host, queue });
    const warnings = [...made.warnings, ...remarksOnNames(folder, plan.unnamable, "what is sent")];
    return { ...made, warnings, sent, keptAside };
  } catch (error) {
    throw explained(toAdaptiveError(error), plan);
  }
}

/** Where the site lets no process outlive its session, in a job of the queue, if a person would have it there. */
async function launch(world: StudyWorld, program: Program, run: Omit<Launch, "isInJob">): Promise<void> {
  const { onStep, schedulerInJob = false, offerJob } = world;
  const start = (isInJob: boolean): Promise<void> =>
    whileQueued(() => launchScheduler(world, program, { ...run, isInJob }), onStep);
  try {
    await start(schedulerInJob);
  } catch (error) {
    const mayHelp = toAdaptiveError(error).code === "scheduler-killed" && run.queue === "slurm" && !schedulerInJob;
    if (!mayHelp || (await offerJob?.()) !== true) throw error;
    await start(true);
  }
}

/** Where a study's folder is on a cluster. */
export function placeOf(folder: string, runRoot: string, probe: Probe): string {
  return `${withVariables(runRoot, probe)}/${basename(folder)}`;
}

/** Where jobs are submitted to: where it was set, else where the machine submits to. */
function queueOf({ host, queue }: Probe, set: unknown): Queue {
  const wanted = typeof set === "string" ? set : (queue?.name ?? "local");
  const found = queues.find((name) => name === wanted);
  if (found !== undefined) return found;
  throw new AdaptiveError(
    "no-such-queue",
    `${host} has the queue ${wanted}, which this version does not know.`,
    'Choose another cluster, or set "queue": "local" of this host in adaptive.clusters to run jobs on that machine itself.',
  );
}

/** An error of the study's code that comes of a file that was left out names that file. */
function explained(error: AdaptiveError, plan: StudyPlan): AdaptiveError {
  const missing = findMissing(error.message, plan);
  if (missing === null) return error;
  return new AdaptiveError(
    error.code,
    error.message,
    `${missing.path} was not sent (${missing.why}): add "include": [${JSON.stringify(missing.path)}] to adaptive.json.`,
    { cause: error },
  );
}

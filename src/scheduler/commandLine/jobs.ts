import { spawn } from "node:child_process";
import { once } from "node:events";
import { ask } from "../control/dealer";
import type { ListedJob } from "../control/protocol";
import { AdaptiveError } from "../state/errors";
import { defaultClass } from "../state/rows";
import type { RunDirectory } from "../state/runDirectory";
import { configurationOf, type StartOptions } from "../study/settings";
import { needScheduler, withScheduler } from "./launch";
import { exitCodes, type Program } from "./program";
import { formatDuration } from "./progressView";
import { questionsTo } from "./questions";
import { readRunRow } from "./runRow";

/** Lists the jobs that have not ended. */
export async function jobs(directory: RunDirectory, json: boolean, program: Program): Promise<number> {
  const { jobs } = await (await questionsTo(directory, program)).listJobs({});
  if (json) program.printJson({ jobs });
  else if (jobs.length === 0) program.print("No job is in the queue.");
  else {
    const hasClasses = jobs.some(({ resourceClass }) => resourceClass !== defaultClass);
    for (const job of jobs) program.print(describe(job, hasClasses, Date.now()));
  }
  return exitCodes.success;
}

/** Asks jobs to save their learners and end. */
export async function cancel(directory: RunDirectory, names: readonly string[], program: Program): Promise<number> {
  if (names.length === 0) {
    throw new AdaptiveError("usage", "cancel needs to know which jobs.", "See adaptive-scheduler jobs RUN.");
  }
  await withScheduler(directory, program, async (address) => {
    const known = new Set((await ask(address, "listJobs", {})).jobs.map(({ jobId }) => jobId as string));
    const unknown = names.filter((name) => !known.has(name));
    if (unknown.length > 0) {
      throw new AdaptiveError(
        "no-job",
        `The run has no live job ${unknown.join(", ")}; nothing was cancelled.`,
        "See adaptive-scheduler jobs RUN.",
      );
    }
    await ask(address, "cancelJobs", { jobs: [...names] });
  });
  program.print(
    `${names.length === 1 ? "The job saves its learner and ends." : "The jobs save their learners and end."}`,
  );
  return exitCodes.success;
}

/** A shell in a running job, over this command's own terminal; @returns its exit code. */
export async function shell(directory: RunDirectory, names: readonly string[], program: Program): Promise<number> {
  const [job] = names;
  if (job === undefined || names.length > 1) {
    throw new AdaptiveError("usage", "shell needs to know which job.", "See adaptive-scheduler jobs RUN.");
  }
  const shell = await (await questionsTo(directory, program)).jobShell({ job });
  const [command = "", ...args] = shell.argv;
  const child = spawn(command, args, { cwd: shell.directory, stdio: "inherit" });
  // Whoever shares the terminal gets Ctrl-C too; what it means the shell knows.
  process.on("SIGINT", () => undefined);
  const [exitCode] = (await once(child, "exit")) as [number | null];
  return exitCode ?? exitCodes.error;
}

/** Submits nothing more; what is in the queue goes on. */
export async function pause(directory: RunDirectory, program: Program): Promise<number> {
  await withScheduler(directory, program, (address) => ask(address, "pauseJobs", {}));
  program.print("Nothing more is submitted; jobs in the queue go on. Start again to resume.");
  return exitCodes.success;
}

/** Has settings hold in a run from now on, as if they had been typed at its start. */
export async function set(directory: RunDirectory, options: StartOptions, program: Program): Promise<number> {
  const { set, unset } = options.typed;
  if (Object.keys(set).length === 0 && unset.length === 0 && options.profile === null) {
    throw new AdaptiveError(
      "usage",
      "Nothing to set: name what is to hold from now on.",
      "For example --max-jobs 5, --set retries=2 or --unset goal; adaptive-scheduler config lists all settings.",
    );
  }
  const configuration = await configurationOf(options, await readRunRow(directory, program));
  const address = await needScheduler(directory, "What is typed at the next start holds from then on.");
  await ask(address, "configure", configuration);
  program.print("Done; adaptive-scheduler config tells what holds.");
  return exitCodes.success;
}

function describe(
  { jobId, state, startedAt, submittedAt, host, reason, fname, resourceClass }: ListedJob,
  hasClasses: boolean,
  now: number,
): string {
  const since = formatDuration(now - (startedAt ?? submittedAt));
  const shownClass = hasClasses ? resourceClass.padEnd(8) : null;
  const cells = [jobId.padEnd(12), `${state} ${since}`.padEnd(18), shownClass, host, fname, reason && `(${reason})`];
  return cells
    .filter((cell) => cell !== null)
    .join("  ")
    .trimEnd();
}

import * as v from "valibot";
import { shellQuote } from "../../scheduler/jobs/quote";
import { AdaptiveError } from "../../scheduler/state/errors";
import type { Program } from "../program";
import { answerOf } from "../launch";
import { callProgram } from "./callProgram";
import { type Host, runScript } from "./install";
import { installError } from "./placeProblem";

const listedSchema = v.object({
  runs: v.array(
    v.object({
      name: v.string(),
      stateFolder: v.string(),
      jobs: v.optional(v.record(v.string(), v.number())),
      scheduler: v.optional(v.nullable(v.unknown())),
    }),
  ),
});
type Listed = v.InferOutput<typeof listedSchema>["runs"][number];

const endDeadlineMs = 60_000;

/**
 * Takes off a cluster what was installed there: ends the schedulers, then deletes their program and Node. Runs and
 * data stay, and so does the list by which they are found again.
 * @returns the names of the runs that stay
 * @throws AdaptiveError `jobs-live` when jobs would be left without a scheduler
 */
export async function removeScheduler(host: Host, program: Program): Promise<string[]> {
  const call = <T>(args: readonly string[], parse: (stdout: string) => T): Promise<T> =>
    callProgram(host, program, args, endDeadlineMs, parse);
  const { runs } = await call(["list"], (stdout) => answerOf("list", listedSchema, stdout));
  const busy = runs.filter((run) => liveJobs(run) > 0);
  if (busy.length > 0) throw jobsLive(busy);
  for (const { stateFolder } of runs.filter(({ scheduler }) => scheduler)) {
    await call(["stop", stateFolder, "--shut-down"], () => undefined);
  }
  const folders = ["bundles", "node", "incoming"].map((name) => shellQuote(`${host.place}/${name}`));
  const { code, stderr } = await runScript(
    host,
    `rm -rf ${folders.join(" ")}\nrmdir ${shellQuote(host.place)} 2>/dev/null || :\n`,
  );
  if (code !== 0) throw installError(host.place, stderr);
  return runs.map(({ name }) => name);
}

function liveJobs({ jobs = {} }: Listed): number {
  return Object.values(jobs).reduce((sum, count) => sum + count, 0);
}

function jobsLive(busy: readonly Listed[]): AdaptiveError {
  const list = busy.map((run) => `${run.name} (${liveJobs(run)})`).join(", ");
  return new AdaptiveError(
    "jobs-live",
    `There are jobs that need the scheduler: ${list}.`,
    "Stop them first (Adaptive: Stop Jobs); nothing was removed.",
  );
}

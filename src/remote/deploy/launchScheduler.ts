import * as v from "valibot";
import { shellQuote } from "../../scheduler/jobs/quote";
import { AdaptiveError } from "../../scheduler/state/errors";
import type { Queue } from "../../scheduler/state/settings";
import { answerOf } from "../launch";
import type { Program } from "../program";
import { callProgram } from "./callProgram";
import type { Host } from "./install";

const launchDeadlineMs = 120_000;
const statusSchema = v.object({ scheduler: v.nullable(v.unknown()) });

/**
 * Starts a run's scheduler in a session of its own, unless one lives, and sees that it is still there when that
 * session is over: some sites end what a session leaves running.
 * @throws AdaptiveError `scheduler-killed` with how to run it inside a job instead
 */
export async function launchScheduler(
  head: Omit<Host, "place">,
  program: Program,
  { run, host, queue }: { run: string; host: string; queue: Queue },
): Promise<void> {
  const call = <T>(args: readonly string[], parse: (stdout: string) => T): Promise<T> =>
    callProgram(head, program, args, launchDeadlineMs, parse);
  await call(["serve", run, "--detach"], () => undefined);
  const { scheduler } = await call(["status", run], (stdout) => answerOf("status", statusSchema, stdout));
  if (scheduler) return;
  const serve = [...program.argv, "serve", run].map(shellQuote).join(" ");
  throw new AdaptiveError(
    "scheduler-killed",
    `The scheduler ended with the session that had started it: ${host} ends what a session leaves running.`,
    queue === "slurm"
      ? `Run it inside a job, and start once more when that runs: on ${host}, sbatch --job-name=adaptive-scheduler --time=7-00:00:00 --wrap=${shellQuote(serve)}`
      : `Ask its administrators how to keep a small process running there, then start once more.`,
  );
}

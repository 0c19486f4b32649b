import * as v from "valibot";
import { AdaptiveError, toAdaptiveError } from "../../scheduler/state/errors";
import type { Queue } from "../../scheduler/state/settings";
import { answerOf, runCommand } from "../launch";
import type { Program } from "../program";
import { callProgram } from "./callProgram";
import type { Host } from "./install";

const launchDeadlineMs = 120_000;
/** Each asks for as long as the program has patience. */
const maxQueuedLooks = 100;
const statusSchema = v.object({ scheduler: v.nullable(v.unknown()) });

export interface Launch {
  /** The run's state folder there. */
  run: string;
  /** For people. */
  host: string;
  queue: Queue;
  /** In a small job of the queue, instead of as a process that outlives the session. */
  isInJob: boolean;
}

/**
 * Starts a run's scheduler in a session of its own, unless one lives, and sees that it is still there when that
 * session is over: some sites end what a session leaves running.
 * @throws AdaptiveError `scheduler-killed` where they do, `scheduler-ended` for one that ended by itself
 */
export async function launchScheduler(
  head: Omit<Host, "place">,
  program: Program,
  { run, host, queue, isInJob }: Launch,
): Promise<void> {
  const call = <T>(args: readonly string[], parse: (stdout: string) => T): Promise<T> =>
    callProgram(head, program, args, launchDeadlineMs, parse);
  await call(["serve", run, "--detach", ...(isInJob ? ["--in-job"] : [])], () => undefined);
  const { scheduler } = await call(["status", run], (stdout) => answerOf("status", statusSchema, stdout));
  if (scheduler) return;
  const own = ownEnd(await lastLines(head, run));
  if (own !== null) {
    throw new AdaptiveError("scheduler-ended", `The scheduler ended soon after its start: ${own}`, "See the log.");
  }
  throw new AdaptiveError(
    "scheduler-killed",
    `The scheduler ended with the session that had started it: ${host} ends what a session leaves running.`,
    queue === "slurm" && !isInJob
      ? `Let it run in a small job of the queue: "schedulerInJob": true of ${host} in adaptive.clusters.`
      : "Ask its administrators how to keep a small process running there, then start once more.",
  );
}

/** Does what needs a scheduler, again while the job of that waits in the queue; `onWait` hears why. */
export async function whileQueued<T>(act: () => Promise<T>, onWait: (why: string) => void): Promise<T> {
  for (let look = 1; ; look++) {
    try {
      return await act();
    } catch (error) {
      const { code, message } = toAdaptiveError(error);
      if (code !== "scheduler-queued" || look === maxQueuedLooks) throw error;
      onWait(message);
    }
  }
}

/**
 * Why a scheduler ended by itself; null when that was done to it.
 * @param lines the last of its log, and the last that it printed
 */
export function ownEnd(lines: string): string | null {
  const fatal = /^(?:adaptive-scheduler:|.*\] ends at once:) (.+)$/m.exec(lines)?.[1];
  const thrown = /^(?:\w*Error|FATAL ERROR): .+$/m.exec(lines)?.[0];
  return fatal ?? thrown ?? null;
}

function lastLines({ transport, clock, signal }: Omit<Host, "place">, run: string): Promise<string> {
  const script = 'tail -n 1 "$1/scheduler.log"; tail -n 30 "$1/serve.out"; exit 0';
  const command = {
    ...{ argv: ["sh", "-c", script, "sh", run], env: {} },
    parse: ({ stdout }: { stdout: string }) => stdout,
  };
  return runCommand(transport, command, { clock, signal, deadlineMs: launchDeadlineMs });
}

/** What `squeue` and `sacct` say of jobs. */
import { AdaptiveError } from "../state/errors";
import type { EndCause, JobEnd, QueuedJob } from "./cluster";
import { isHopeless, reasonWords } from "./slurmReasons";

/** Names and comments of other jobs hold blanks, bars and even newlines, but hardly the control characters made for this. */
export const separator = "\x1f";
export const recordEnd = "\x1e";

/**
 * The jobs of `squeue` that have our tag.
 *
 * @throws AdaptiveError `queue-garbled` for whatever is no listing
 */
export function parseListing(output: string, tag: string): QueuedJob[] {
  const records = output.split(`${recordEnd}\n`);
  if (records.pop() !== "") throw garbled(output.slice(-200));
  return records.flatMap((record) => {
    const fields = record.split(separator);
    if (fields.length !== 9) throw garbled(record);
    const [array = "", task = "", state = "", restarts = "", status = "", nodes = "", name = "", comment, reason = ""] =
      fields;
    if (!/^\d+$/.test(array) || !/^\d+$/.test(restarts)) throw garbled(record);
    if (comment !== tag) return [];
    const submission = Number(/-(\d+)$/.exec(name)?.[1]);
    const [phase, cause] = phaseOf(state);
    if (Number.isNaN(submission) || !phase) throw garbled(record);
    const host = nodes === "" || nodes === "(null)" ? null : nodes;
    // What sbatch refused may be left as a job that failed without ever having had a node.
    if (cause === "exit" && host === null) return [];
    const isQueued = phase === "queued";
    return {
      id: /^\d+$/.test(task) ? `${array}_${task}` : array,
      name,
      submission,
      state: phase,
      restart: Number(restarts),
      host,
      waitsFor: isQueued ? reasonWords(reason) : null,
      isHopeless: isQueued && isHopeless(reason),
      end: phase === "ended" ? endOf(cause, status) : null,
    };
  });
}

/**
 * How jobs ended, as `sacct` tells it; those that it does not know, or that have not ended, are left out.
 *
 * @throws AdaptiveError `queue-garbled`
 */
export function parseAccounts(output: string): ReadonlyMap<string, JobEnd> {
  const ends = new Map<string, JobEnd>();
  for (const line of output.split("\n").filter((line) => line !== "")) {
    const [id, state, status, ...rest] = line.split("|");
    const [phase, cause] = phaseOf(state ?? "");
    if (!id || status === undefined || rest.length > 0 || !phase) throw garbled(line);
    if (phase === "ended") ends.set(id, endOf(cause, status));
  }
  return ends;
}

/** States of squeue(1) and sacct(1); `CANCELLED by 1000` names who did it. */
function phaseOf(state: string): [QueuedJob["state"] | null, EndCause | null] {
  const [word = ""] = state.split(/[ +]/);
  if (waiting.has(word)) return ["queued", null];
  if (holding.has(word)) return ["running", null];
  const cause = causes.get(word);
  return cause === undefined ? [null, null] : ["ended", cause];
}

/** With neither nodes nor an end: also what the queue has taken back, or will start anew. */
const waiting = new Set(["PENDING", "REQUEUED", "REQUEUE_FED", "REQUEUE_HOLD", "SPECIAL_EXIT", "RESV_DEL_HOLD"]);
/** With nodes of its own. */
const holding = new Set(
  "RUNNING SUSPENDED COMPLETING CONFIGURING RESIZING SIGNALING STAGE_OUT STOPPED POWER_UP_NODE EXPEDITING".split(" "),
);
const causes = new Map<string, EndCause | null>([
  ["COMPLETED", "exit"],
  ["FAILED", "exit"],
  ["CANCELLED", "cancelled"],
  ["TIMEOUT", "walltime"],
  ["DEADLINE", "walltime"],
  ["OUT_OF_MEMORY", "memory"],
  ["NODE_FAIL", "node failure"],
  ["BOOT_FAIL", "node failure"],
  ["LAUNCH_FAILED", "node failure"],
  ["RECONFIG_FAIL", "node failure"],
  ["PREEMPTED", "preempted"],
  ["REVOKED", null],
]);

function endOf(cause: EndCause | null, status: string): JobEnd {
  return { exitCode: cause === "exit" ? exitCodeOf(status) : null, cause };
}

/** `squeue` has a status as wait(2) gives it, `sacct` has `code:signal`. */
function exitCodeOf(status: string): number | null {
  if (!/^\d+(:\d+)?$/.test(status)) return null;
  const [first = 0, second] = status.split(":").map(Number);
  const [code, signal] = second === undefined ? [first >> 8, first & 127] : [first, second];
  return signal > 0 ? 128 + signal : code;
}

function garbled(text: string): AdaptiveError {
  const shown = text.replaceAll(separator, "|").slice(0, 200);
  return new AdaptiveError("queue-garbled", `What the queue lists is not understood: "${shown}".`);
}

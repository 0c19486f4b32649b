/** What `squeue` and `sacct` say of jobs. */
import { AdaptiveError } from "../state/errors";
import type { EndCause, JobEnd, KnownJobs, QueuedJob } from "./cluster";
import { readMark, type Marked } from "./slurmMark";
import { failureWords, isHopeless, reasonWords } from "./slurmReasons";

/** Names and comments of other jobs hold blanks, bars and even newlines, but hardly the control characters made for this. */
const separator = "\x1f";
const recordEnd = "\x1e";

/** For `squeue --Format`: untruncated, each with what ends it. Numbers and words come before what others have written. */
export const listingFields = [
  ..."ArrayJobID ArrayTaskID State RestartCnt exit_code TimeLimit NodeList Name Comment WorkDir"
    .split(" ")
    .map((field) => `${field}:${separator}`),
  `Reason:${recordEnd}`,
].join(",");

/**
 * The jobs of `squeue` that are the run's: known ones, and those that carry its mark.
 *
 * @throws AdaptiveError `queue-garbled` for whatever is no listing
 */
export function parseListing(output: string, run: Marked, known: KnownJobs): QueuedJob[] {
  const records = output.split(`${recordEnd}\n`);
  if (records.pop() !== "") throw garbled(output.slice(-200));
  const rows = records.map((record) => ({ record, fields: record.split(separator) }));
  const told = new Set(rows.map(({ fields: [array, task] }) => `${array}_${task}`));
  return rows.flatMap(({ record, fields }) => {
    if (fields.length !== 11) throw garbled(record);
    const [array = "", task = "", state = "", restarts = "", status = "", limit = "", nodes = ""] = fields;
    const [name = "", comment = "", folder = "", reason = ""] = fields.slice(7);
    if (!/^\d+$/.test(array) || !/^\d+$/.test(restarts)) throw garbled(record);
    const mark = readMark({ comment, name, folder }, run);
    // Of an array of which nothing has started there may be one record, which stands for all tasks that have none.
    const tasks = /^\d+$/.test(task)
      ? [`${array}_${task}`]
      : [...known].filter((id) => id.startsWith(`${array}_`) && !told.has(id));
    // A number that the queue has given again is another job's.
    const ours = mark?.isOurs === false ? [] : tasks.filter((id) => known.has(id));
    const [phase, cause] = phaseOf(state);
    if (ours.length === 0 && mark?.isOurs !== true) return [];
    if (!phase) throw garbled(record);
    const host = nodes === "" || nodes === "(null)" ? null : nodes;
    const submission = mark?.isOurs === true ? mark.submission : null;
    // Nobody knows of it: what sbatch refused may be left as a job that failed without ever having had a node, and
    // what only lies where ours do is not told from an older run's once it has ended.
    const isRemnant = phase === "ended" && ((cause === "exit" && host === null) || submission === null);
    if (ours.length === 0 && isRemnant) return [];
    const isQueued = phase === "queued";
    const job = {
      name,
      submission,
      state: phase,
      restart: Number(restarts),
      host,
      walltimeSeconds: secondsOf(limit),
      waitsFor: isQueued ? reasonWords(reason) : null,
      isHopeless: isQueued && isHopeless(reason),
      end: phase === "ended" ? endOf(cause, status, reason) : null,
    };
    const ids = ours.length > 0 ? ours : tasks.length > 0 ? tasks : [array];
    return ids.map((id): QueuedJob => ({ id, ...job }));
  });
}

/** `MINUTES:SECONDS`, with hours and days before; null for `UNLIMITED` and the like. */
function secondsOf(limit: string): number | null {
  const [, days = "0", hours = "0", minutes, seconds] = /^(?:(\d+)-)?(?:(\d+):)?(\d+):(\d+)$/.exec(limit) ?? [];
  if (minutes === undefined) return null;
  return ((Number(days) * 24 + Number(hours)) * 60 + Number(minutes)) * 60 + Number(seconds);
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

/** @param reason as `squeue` has it; `sacct` gives none */
function endOf(cause: EndCause | null, status: string, reason = ""): JobEnd {
  if (cause !== "exit") return { exitCode: null, cause };
  const { code, signal } = statusOf(status) ?? {};
  if (signal === outOfMemory) return { exitCode: null, cause: "memory" };
  const words = failureWords(signal ?? 0, reason);
  if (words !== null) return { exitCode: null, cause, words };
  return { exitCode: signal ? 128 + signal : (code ?? null), cause };
}

/** Not a signal of Linux, but Slurm's own 253 (SIG_OOM) as a status has room for it. */
const outOfMemory = 125;

/** Older versions of `squeue` have a status as wait(2) gives it, newer ones and `sacct` have `code:signal`. */
function statusOf(status: string): { code: number; signal: number } | null {
  if (!/^\d+(:\d+)?$/.test(status)) return null;
  const [first = 0, second] = status.split(":").map(Number);
  return second === undefined ? { code: first >> 8, signal: first & 127 } : { code: first, signal: second };
}

function garbled(text: string): AdaptiveError {
  const shown = text.replaceAll(separator, "|").slice(0, 200);
  return new AdaptiveError("queue-garbled", `What the queue lists is not understood: "${shown}".`);
}

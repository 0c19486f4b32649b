import type { Overview } from "../remote/replica/queries";
import { formatCount, plural } from "../scheduler/state/counts";
import { lossIn } from "../scheduler/state/lostPoints";
import { notStartedYet, pausedByPerson } from "../scheduler/state/rows";
import { remarkOf } from "../scheduler/state/runRemarks";
import { isFinished } from "./finished";

/** What a person should know of a run before anything else; null while it just goes on. */
export interface RunCondition {
  /** `waits`: for a person, who has to correct something. `finished`: no learner has anything left to do. `lost`: points. `dataGone`: of done learners. */
  kind: "notStarted" | "paused" | "stopped" | "waits" | "finished" | "lost" | "dataGone";
  /** For the status bar and the title of the tree. */
  word: string;
  /** A sentence. */
  line: string;
  /** All that is known, where that is more. */
  detail: string;
  /** What to do; may be empty. */
  hint: string;
  /** Of the notice that explains it; empty where none does. */
  code: string;
  hasFailed: boolean;
}

/** What the scheduler tells beside the run's rows. */
export interface Notice {
  code: string;
  message: string;
  hint: string;
}

export function conditionOf(
  { run, learners }: Pick<Overview, "run" | "learners">,
  notice: Notice | null,
): RunCondition | null {
  const { activity, reason } = run;
  const hasFailed = learners.failed > 0;
  const gone = remarkOf(run.remark, "missingData");
  if (isFinished({ learners }) && gone !== null) {
    const [line = "", hint = ""] = gone.split(/(?<=\.) (?=Put it back)/);
    return { kind: "dataGone", word: "data is gone", line, detail: line, hint, code: "", hasFailed };
  }
  if (isFinished({ learners })) {
    return {
      kind: "finished",
      word: "finished",
      line: `${run.name} is finished: ${endWords(learners)}.`,
      detail: "",
      hint: "",
      code: "",
      hasFailed,
    };
  }
  if (activity === "active") return lossOf(run.remark, hasFailed);
  const quiet = { detail: "", hint: "", code: "", hasFailed };
  if (activity === "stopped") return { kind: "stopped", word: "stopped", line: "The jobs were stopped.", ...quiet };
  if (reason === notStartedYet)
    return { kind: "notStarted", word: "not started", line: "No jobs were started yet.", ...quiet };
  if (reason === null || reason === pausedByPerson) {
    return { kind: "paused", word: "paused", line: "Paused: no more jobs are submitted.", ...quiet };
  }
  const message = notice?.message ?? reason;
  const [line = ""] = message.split("\n");
  const { hint = "", code = "" } = notice ?? {};
  return { kind: "waits", word: "paused, needs you", line, detail: message, hint, code, hasFailed };
}

/** That points were lost since the jobs were started: they go on, and a person can make it cost less. */
function lossOf(remarks: string | null, hasFailed: boolean): RunCondition | null {
  const loss = lossIn(remarks);
  if (loss === null) return null;
  const [line = "", hint = ""] = (remarkOf(remarks, "lost") ?? "").split(/(?<=\.) (.+)/);
  return { kind: "lost", word: `${plural(loss.points, "point")} lost`, line, detail: line, hint, code: "", hasFailed };
}

/** `97 learners done, 2 failed, 1 stopped`. */
function endWords(learners: Overview["learners"]): string {
  const others = (["failed", "stopped"] as const)
    .filter((state) => learners[state] > 0)
    .map((state) => `${formatCount(learners[state])} ${state}`);
  return [`${plural(learners.done, "learner")} done`, ...others].join(", ");
}

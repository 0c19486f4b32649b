import type { MissedGoals, Results } from "../control/protocol";
import { failedLearners } from "../questions";
import type { Scheduler } from "../server";
import { hasEnded } from "../state/changes";
import { learnerStates, type LearnerState, type RunRow } from "../state/rows";
import type { Configuration } from "../state/settings";
import type { EditedStudy } from "./update";

/** How a run stands. */
export interface Standing {
  run: RunRow;
  learners: Readonly<Record<LearnerState, number>>;
  /** Jobs that have not ended. */
  jobs: number;
  npoints: number;
}

export type ToldLearner = Results["failedLearners"]["learners"][number];

/** A run that the command `run` sees through to its end, whoever serves it. */
export interface AttendedRun {
  readonly standing: Standing;
  readonly study: EditedStudy;
  configure(configuration: Configuration): Promise<unknown>;
  missedGoals(): MissedGoals | Promise<MissedGoals>;
  /** What of the data of done learners is missing. */
  checkData(): Promise<Results["checkData"]>;
  reopen(learners: number[]): Promise<unknown>;
  /** Sets the jobs going; only then anything of the following may be so. */
  start(): Promise<unknown>;
  /** The jobs save and end. */
  stop(): Promise<unknown>;
  /** Returns when every learner has ended, and every job with it; or when somebody had the jobs stopped, and they have. */
  over(): Promise<"over" | "stopped">;
  /** Resolved when the run pauses by itself. */
  readonly paused: Promise<"paused">;
  /** Resolved when its scheduler has ended in peace, or died. */
  readonly closed: Promise<"closed" | "lost">;
  /** Learners that have failed, and others that something is to be said of. */
  told(): ToldLearner[] | Promise<ToldLearner[]>;
  close(): Promise<void>;
}

/**
 * A run that this process serves.
 *
 * @param onStart told before the jobs are started
 */
export function servedHere(
  scheduler: Scheduler,
  signals: Pick<AttendedRun, "paused" | "closed">,
  onStart: () => void,
): AttendedRun {
  const { store, board, verbs, updates } = scheduler;
  const { model } = store;
  const attended: AttendedRun = {
    ...signals,
    get standing() {
      return { run: model.run, learners: model.learnerCounts, jobs: model.liveJobs.size, npoints: board.npoints };
    },
    study: updates,
    configure: verbs.configure,
    missedGoals: verbs.missedGoals,
    checkData: () => scheduler.checkData(),
    reopen: (learners) => verbs.reopenLearners({ learners }),
    start: () => {
      onStart();
      return verbs.startJobs();
    },
    stop: () => verbs.setActivity("stopped", "interrupted in the terminal", false),
    over: async () => {
      await store.until(() => endOf(attended.standing) !== null);
      return endOf(attended.standing) ?? "over";
    },
    told: () => failedLearners(model, { where: "" }).learners,
    close: () => scheduler.close(),
  };
  return attended;
}

/** Every learner has ended, and every job with it. */
export function isOver({ learners, jobs }: Standing): boolean {
  return jobs === 0 && !learnerStates.some((state) => learners[state] > 0 && !hasEnded(state));
}

/** Whether a run has come to its end, or was stopped; null while it goes on. */
export function endOf(standing: Standing): "over" | "stopped" | null {
  if (isOver(standing)) return "over";
  return standing.run.activity === "stopped" && standing.jobs === 0 ? "stopped" : null;
}

/** Something that happens once. */
export class Signal<T> {
  send: (value: T) => void = () => undefined;
  readonly received = new Promise<T>((resolve) => (this.send = resolve));
}

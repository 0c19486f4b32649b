/**
 * What people's clients (the editor, the command line) and the scheduler say to each other:
 * JSON-RPC 2.0. Types and schemas only, so that both sides can import them.
 */
import * as v from "valibot";
import type { Change } from "../state/changes";
import type { Failure } from "../state/failure";
import { areOrigins } from "../state/layers";
import { learnerStates, type JobRow, type LearnerRow, type RunRow } from "../state/rows";
import { areSettings } from "../state/settings";
import type { Trial } from "../state/trial";
import type { Preview } from "../workers/messages";
import type { Proposal } from "./proposal";
import type { EditedParts, StudyComparison } from "./studyComparison";

export const controlProtocol = 1;

/** A client that has said nothing for this long is forgotten; it pings three times as often. */
export const clientSilenceMs = 30_000;

/** For `compareStudy`: importing the learners file may build a hundred thousand learners. */
export const compareDeadlineMs = 900_000;

/** Bytes of the snapshot database per `snapshot/read`. */
export const snapshotPieceBytes = 1 << 19;

/** In one request; whoever has more of them asks several times. */
export const maxIds = 200_000;

const learnerId = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const learnerIds = v.pipe(v.array(learnerId), v.maxLength(maxIds));
/** The queue's id of a job; what names a file, so that it must not lead out of a folder. */
const jobId = v.pipe(v.string(), v.regex(/^[\w.[\]-]{1,128}$/, "This is no id of a job"));
const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const text = (maxLength: number) => v.pipe(v.string(), v.maxLength(maxLength));
/** Of learners, in the language of `state/filter.ts`; all when it is empty. */
const filterText = v.optional(text(10_000), "");
const positionSchema = v.object({ runId: text(256), incarnation: count, seq: count });
export type Position = v.InferOutput<typeof positionSchema>;

/** Parameters of each request, as the scheduler checks them. */
export const requestSchemas = {
  attach: v.object({ protocol: v.literal(controlProtocol), position: v.nullable(positionSchema) }),
  "snapshot/read": v.object({ offset: count }),
  ping: v.object({}),
  /** The learners this client looks at now, at most 16; replaces what it watched before. */
  watch: v.object({ learners: v.pipe(learnerIds, v.maxLength(16)) }),
  status: v.object({}),
  /** Settings as the rows of a run hold them: JSON. */
  configure: v.object({
    settings: v.pipe(text(1 << 20), v.check(areSettings, "These are no settings of a run")),
    origins: v.pipe(text(1 << 16), v.check(areOrigins, "These are no origins of settings")),
  }),
  startJobs: v.object({}),
  stopJobs: v.object({ gently: v.boolean() }),
  pauseJobs: v.object({}),
  /** Failed or stopped learners, back to waiting. */
  retryLearners: v.object({ learners: learnerIds }),
  /** Saved and taken off their jobs, or not begun at all. */
  stopLearners: v.object({ learners: learnerIds }),
  /** Done learners, back to waiting: the goal has changed. */
  reopenLearners: v.object({ learners: learnerIds }),
  /**
   * Has one job evaluate a point of each of these learners, or without any of some that are well
   * apart; answers when all are told. Nothing is saved.
   */
  tryLearners: v.object({ learners: v.pipe(learnerIds, v.maxLength(16)) }),
  /** The jobs that have not ended. */
  listJobs: v.object({}),
  cancelJobs: v.object({ jobs: v.pipe(v.array(jobId), v.maxLength(20_000)) }),
  /** @param ifUnused only when nobody else needs the scheduler: no jobs that are to go on, nobody attached */
  shutDown: v.object({ ifUnused: v.optional(v.boolean(), false) }),
  /** How a learner failed last. */
  failure: v.object({ learner: learnerId }),
  /** By ids, or patterns of file names with `*` and `?`; all without any. Without states, in any state. Besides, by a filter. */
  findLearners: v.object({
    names: v.pipe(v.array(text(4096)), v.maxLength(10_000)),
    states: v.pipe(v.array(v.picklist(learnerStates)), v.maxLength(learnerStates.length)),
    where: filterText,
  }),
  failedLearners: v.object({ where: filterText }),
  /** Which done learners miss the goal of now. */
  missedGoals: v.object({}),
  /** Looks whether the data of done learners is there, and remarks what is not. */
  checkData: v.object({}),
  /** What of the study differs from what the run has. */
  studyEdits: v.object({}),
  /** Reads the study as it is now and compares it with the run, which does not change. */
  compareStudy: v.object({}),
  /** Brings the run in line with the study, as `compareStudy` read it. */
  updateStudy: v.object({ revision: text(256) }),
  /** What a terminal on the run's machine runs to have a shell in a running job. */
  jobShell: v.object({ job: jobId }),
  /** The last bytes of what a job printed. */
  jobOutput: v.object({ job: jobId, maxBytes: v.pipe(count, v.maxValue(1 << 20)) }),
} as const;
export type Method = keyof typeof requestSchemas;
export type Params<M extends Method> = v.InferOutput<(typeof requestSchemas)[M]>;

export interface Results {
  attach: {
    run: RunRow;
    position: Position;
    /** Null when the changes since the client's position follow; else read this many bytes, in pieces, from an SQLite database. */
    snapshot: { bytes: number } | null;
  };
  "snapshot/read": { base64: string };
  ping: null;
  watch: null;
  status: Status;
  configure: null;
  startJobs: null;
  stopJobs: null;
  pauseJobs: null;
  /** How many there were to move. */
  retryLearners: { moved: number };
  stopLearners: { moved: number };
  reopenLearners: { moved: number };
  tryLearners: { trials: TriedLearner[]; proposal: Proposal | null };
  listJobs: { jobs: ListedJob[] };
  cancelJobs: null;
  /** Whether it ends. */
  shutDown: { ends: boolean };
  failure: Failure | null;
  findLearners: { learners: number[] };
  /** Those that failed at least once and are not done, and those with a remark. */
  failedLearners: {
    learners: Pick<LearnerRow, "id" | "fname" | "state" | "failures" | "error" | "reason" | "remark">[];
  };
  missedGoals: MissedGoals;
  /** What is missing, in words; null when nothing is. */
  checkData: { remark: string | null };
  studyEdits: EditedParts;
  /** Null when the run has it as it is. */
  compareStudy: StudyComparison | null;
  updateStudy: null;
  /** A command, and the folder to start it in. */
  jobShell: { argv: readonly string[]; directory: string };
  jobOutput: { text: string; truncated: boolean };
}

/** A learner with what trying one of its points gave. */
export type TriedLearner = Pick<LearnerRow, "id" | "fname" | "combo"> & { trial: Trial };

/** A job with the data file of the learner that it holds. */
export type ListedJob = Pick<
  JobRow,
  | "jobId"
  | "name"
  | "state"
  | "host"
  | "submittedAt"
  | "startedAt"
  | "reason"
  | "restart"
  | "cancelledAt"
  | "resourceClass"
> & { fname: string | null };

/** How the done learners stand to the goal of now. */
export interface MissedGoals {
  done: number;
  missed: number[];
  /** Of these only the learners themselves can tell, when they are started: the goal is a function, or a time. */
  unknown: number[];
}

/** Sent by the scheduler unasked. */
export interface Notifications {
  changes: { incarnation: number; changes: readonly Change[] };
  progress: Progress;
  preview: { learner: number; preview: Preview };
  /** A learner that somebody begins to look at has nothing to be drawn, and why; null when nothing of it is saved yet. */
  noPreview: { learner: number; why: string | null };
  /** A condition the run is in that a person should know, or null when it is over; shown, never acted upon. Its code says what is offered to do. */
  notice: { code: string; message: string; hint: string } | null;
  /** The scheduler ends in peace: there is no need to start another one. */
  closing: null;
}

/** The latest values of the learners that reported since the last one, column by column. */
export interface Progress {
  time: number;
  learners: readonly number[];
  npoints: readonly number[];
  loss: readonly (number | null)[];
  sample: Sample;
}

/** The run as a whole at one moment; the rows of the `series` table. */
export interface Sample {
  /** Milliseconds since the epoch. */
  time: number;
  npoints: number;
  running: number;
  queued: number;
  done: number;
}

export interface Status {
  run: RunRow;
  directory: string;
  host: string;
  pid: number;
  startedAt: number;
  version: string;
  learners: Record<string, number>;
  jobs: Record<string, number>;
  npoints: number;
  queueCalls: number;
  submissions: number;
  residentBytes: number;
  connectedClients: number;
  notice: Notifications["notice"];
  /** What was said of the run since its scheduler began: the newest remarks, of so many. */
  remarks: { count: number; newest: readonly string[] };
}

import { dirname } from "node:path";
import {
  CancellationTokenSource,
  type CancellationToken,
  commands,
  type LogOutputChannel,
  Range,
  Uri,
  window,
  workspace,
  WorkspaceEdit,
} from "vscode";
import { clusterOf } from "../remote/clusterRuns";
import { Emitter } from "../remote/event";
import type { AnswerOf } from "../remote/controlConnection";
import type { RunSession } from "../remote/runSession";
import type { RunSessions } from "../remote/runSessions";
import type { Study } from "../remote/studies";
import type { Proposal } from "../scheduler/control/proposal";
import { AdaptiveError } from "../scheduler/state/errors";
import { type LearnerId, tryClass } from "../scheduler/state/rows";
import { choose } from "./dialog";
import { together } from "./disposableScope";
import { type ErrorDisplay, openAt } from "./errorDisplay";
import { plural } from "../scheduler/state/counts";
import { learnerNodeId } from "./learnersTreeModel";
import { placeInStudy } from "./ownFiles";
import { plain } from "./plain";
import type { PythonChoice } from "./pythonChoice";
import type { ShownTexts } from "./shownTexts";
import { update, updateQuestion } from "./studyWords";
import { isNews, maxTried, tracebacksOf, trialWords, withProposal } from "./trialModel";
import { withViewProgress } from "./viewProgress";

type Tried = AnswerOf<"tryLearners">;

/** A job that tries points is among those that live, which come first. */
const maxJobsAsked = 20_000;
const nothingTyped = { set: {}, unset: [] };
/** What was typed at an earlier start would come before the Python that has been chosen. */
const chosenSince = { set: {}, unset: ["python" as const] };

export interface PointTrialsWorld {
  sessions: RunSessions;
  tracebacks: ShownTexts;
  pythons: PythonChoice;
  errors: ErrorDisplay;
  log: LogOutputChannel;
}

/** What trying points of a run gave last, and what may be done with it. */
interface Outcome {
  words: string;
  hasFailed: boolean;
  /** When the last of the points was tried, in milliseconds since the epoch. */
  at: number;
  /** By the words on their buttons. */
  steps: Readonly<Record<string, () => unknown>>;
}

/** Try One Point: a job evaluates one point of some learners, and the person sees what it gave and cost. */
export class PointTrials {
  /** Cancels the trial that goes on; null when there is none. */
  private cancelling: CancellationTokenSource | null = null;
  /** By the runs' directories. */
  private readonly outcomes = new Map<string, Outcome>();
  private readonly outcomeChanged = new Emitter<void>();
  readonly onDidChangeOutcome = this.outcomeChanged.event;

  constructor(private readonly world: PointTrialsWorld) {}

  /**
   * @param learners of the study's run, or none for some that are well apart
   * @param prepared the run, where it goes by the settings of now
   */
  try(study: Study, learners: readonly LearnerId[], prepared: RunSession | null = null): Promise<void> {
    return this.world.errors.attempt("Try One Point", async () => {
      if (learners.length > maxTried) {
        throw new AdaptiveError(
          "too-many-learners",
          `A job tries at most ${maxTried} learners; ${learners.length} are selected.`,
          "Select fewer, or use the command without a selection: it takes some that are well apart.",
        );
      }
      const told = await this.whileTrying((token) => this.ask(study, learners, prepared, token));
      if (told !== null) await this.show(study, told.session, told.result);
    });
  }

  cancel(): void {
    this.cancelling?.cancel();
  }

  /**
   * What trying points of a run gave, as long as no jobs were started or stopped since.
   * @param activityAt when they were, last
   */
  outcomeOf(directory: string, activityAt: number): Outcome | null {
    const outcome = this.outcomes.get(directory);
    return outcome !== undefined && outcome.at > activityAt ? outcome : null;
  }

  /** @param step the words on its button; null to have done with it */
  take(directory: string, step: string | null): Promise<void> {
    return this.world.errors.attempt("Try One Point", async () => {
      if (step === null) this.keep(directory, null);
      else await this.outcomes.get(directory)?.steps[step]?.();
    });
  }

  private keep(directory: string, outcome: Outcome | null): void {
    if (outcome === null) this.outcomes.delete(directory);
    else this.outcomes.set(directory, outcome);
    this.outcomeChanged.fire();
  }

  private async whileTrying<T>(act: (token: CancellationToken) => Promise<T>): Promise<T> {
    this.cancel();
    const source = new CancellationTokenSource();
    this.cancelling = source;
    const setTrying = (isTrying: boolean) => commands.executeCommand("setContext", "adaptive.isTrying", isTrying);
    void setTrying(true);
    try {
      return await act(source.token);
    } finally {
      source.dispose();
      if (this.cancelling === source) {
        this.cancelling = null;
        void setTrying(false);
      }
    }
  }

  /** @returns what the job told, or null when it was cancelled */
  private ask(
    study: Study,
    learners: readonly LearnerId[],
    prepared: RunSession | null,
    token: CancellationToken,
  ): Promise<{ session: RunSession; result: Tried } | null> {
    return withViewProgress(study.name, this.world.log, async (progress) => {
      progress("Checking");
      const session = prepared ?? (await this.prepare(study, token, progress));
      await bringUpToDate(session);
      if (token.isCancellationRequested) return null;
      progress(
        learners.length === 1 ? "Trying one point" : `Trying one point of ${learners.length || "some"} learners`,
      );
      const result = await this.untilTold(session, learners, token);
      return token.isCancellationRequested ? null : { session, result };
    });
  }

  private async prepare(study: Study, token: CancellationToken, onStep: (step: string) => void): Promise<RunSession> {
    const { sessions, pythons } = this.world;
    const cluster = (await sessions.clusterOf(study)) ?? "local";
    const made = await pythons.whileMending(study, cluster, (isMended) =>
      sessions.prepare(study, isMended ? chosenSince : nothingTyped, token, { cluster, onStep }),
    );
    return made.session;
  }

  private async untilTold(
    session: RunSession,
    learners: readonly LearnerId[],
    token: CancellationToken,
  ): Promise<Tried> {
    const cancel = async (): Promise<void> => {
      const jobs = await session.query("jobs", { limit: maxJobsAsked });
      const trying = jobs.filter(
        ({ resourceClass, state, cancelledAt }) =>
          resourceClass === tryClass && state !== "ended" && cancelledAt === null,
      );
      if (trying.length > 0) await session.cancelJobs(trying.map(({ jobId }) => jobId));
    };
    const cancelIfAsked = (): void => {
      if (token.isCancellationRequested) void this.world.errors.attempt("Cancel Trial", cancel);
    };
    // Its job may be submitted only after the person changed their mind.
    const following = together(token.onCancellationRequested(cancelIfAsked), session.onDidChange(cancelIfAsked));
    try {
      return await session.tryLearners(learners);
    } finally {
      following.dispose();
    }
  }

  private async show(study: Study, session: RunSession, { trials, proposal }: Tried): Promise<void> {
    const failed = trials.filter(({ trial }) => trial.error !== null);
    const shown = failed[0] ?? trials[0];
    if (shown) await commands.executeCommand("adaptive.showLearner", learnerNodeId(shown.id));
    const words = trialWords(trials, proposal);
    const steps =
      failed.length > 0 ? this.stepsOfFailed(study, failed) : await this.stepsOfGood(study, session, proposal);
    const at = Math.max(...trials.map(({ trial }) => trial.at));
    // The message is gone after a while; the dashboard goes on saying it.
    this.keep(session.directory, { words, hasFailed: failed.length > 0, at, steps });
    await offer(failed.length > 0 ? window.showErrorMessage : window.showInformationMessage, words, steps);
  }

  private stepsOfFailed(study: Study, failed: Tried["trials"]): Outcome["steps"] {
    const [first] = failed;
    if (first === undefined) return {};
    const { trial } = first;
    const folder = dirname(study.learnersFile);
    const place = placeInStudy(trial.traceback, folder);
    return {
      ...(trial.traceback === null
        ? { "Show Output": () => commands.executeCommand("adaptive.showOutput", `job:${trial.job}`) }
        : {
            "Show Traceback": () =>
              this.world.tracebacks.show(`${study.name} traceback.log`, tracebacksOf(failed, folder)),
          }),
      ...(place ? { [`Go to Line ${place.line}`]: () => openAt(place) } : {}),
    };
  }

  private async stepsOfGood(study: Study, session: RunSession, proposal: Proposal | null): Promise<Outcome["steps"]> {
    const { run } = await session.query("overview", null);
    return {
      ...(run.activity === "active" ? {} : startJobs),
      ...(proposal && isNews(proposal, run)
        ? { "Use Proposal": () => this.useProposal(study, session.directory, proposal) }
        : {}),
    };
  }

  /** Writes it into the study file. */
  private useProposal(study: Study, directory: string, proposal: Proposal): Promise<void> {
    return this.world.errors.attempt("Use Proposal", async () => {
      // What is wrong in the study file is said with its line, and not written over.
      const { studyFile, settings } = await withViewProgress(study.name, this.world.log, (_, token) =>
        this.world.sessions.config(study, clusterOf(directory, "local"), token),
      );
      await rewrite(Uri.file(studyFile), (text) => withProposal(text, proposal));
      this.keep(directory, null);
      const typed = settings.filter(({ name, next }) => name.startsWith("resources.") && next[0]?.origin === "typed");
      const asks = `adaptive.json now asks for ${plural(proposal.cores, "core")} and a walltime of ${proposal.walltime}`;
      const but =
        typed.length === 0 ? "" : "; what was typed at an earlier start comes first, so reset that in the form";
      await offer(window.showInformationMessage, `${asks}${but}.`, startJobs);
    });
  }
}

/** What is tried is what is on disk, unless the person prefers the code that the run has. */
async function bringUpToDate(session: RunSession): Promise<void> {
  const comparison = await session.compareStudy();
  if (comparison === null) return;
  if (comparison.needsConsent && (await choose(updateQuestion(comparison, true))) !== update) return;
  await session.updateStudy(comparison.revision);
}

const startJobs = { "Start Jobs": () => commands.executeCommand("adaptive.startJobs") };

/** Shows a message with buttons and does what the person chooses. */
async function offer(
  show: (message: string, ...buttons: string[]) => Thenable<string | undefined>,
  message: string,
  steps: Readonly<Record<string, () => unknown>>,
): Promise<void> {
  const chosen = await show(plain(message), ...Object.keys(steps));
  if (chosen !== undefined) await steps[chosen]?.();
}

/** Edits a file as a person would, so that it can be undone; a new one is made. */
async function rewrite(file: Uri, change: (text: string) => string): Promise<void> {
  const edit = new WorkspaceEdit();
  edit.createFile(file, { ignoreIfExists: true });
  await workspace.applyEdit(edit);
  const document = await workspace.openTextDocument(file);
  const text = document.getText();
  const all = new Range(document.positionAt(0), document.positionAt(text.length));
  const replacing = new WorkspaceEdit();
  replacing.replace(file, all, change(text));
  await workspace.applyEdit(replacing);
  await document.save();
  await window.showTextDocument(document, { preview: true });
}

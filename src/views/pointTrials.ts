import {
  CancellationTokenSource,
  type CancellationToken,
  commands,
  type LogOutputChannel,
  type Memento,
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
import { AdaptiveError } from "../scheduler/state/errors";
import { type LearnerId, tryClass } from "../scheduler/state/rows";
import { agreesToUpdate } from "./askUpdate";
import { together } from "./disposableScope";
import { type ErrorDisplay, openAt } from "./errorDisplay";
import { plural } from "../scheduler/state/counts";
import { learnerNodeId } from "./learnersTreeModel";
import { plain } from "./plain";
import type { PythonChoice } from "./pythonChoice";
import type { ShownTexts } from "./shownTexts";
import { maxTried, withProposal } from "./trialModel";
import { stepLabel, trialOutcome, TrialOutcomes, type TrialOutcome, type TrialStep } from "./trialOutcome";
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
  memory: Memento;
  errors: ErrorDisplay;
  log: LogOutputChannel;
}

/** Try One Point: a job evaluates one point of some learners, and the person sees what it gave and cost. */
export class PointTrials {
  /** Cancels the trial that goes on; null when there is none. */
  private cancelling: CancellationTokenSource | null = null;
  private readonly outcomes: TrialOutcomes;
  private readonly outcomeChanged = new Emitter<void>();
  readonly onDidChangeOutcome = this.outcomeChanged.event;

  constructor(private readonly world: PointTrialsWorld) {
    this.outcomes = new TrialOutcomes(world.memory);
  }

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
  outcomeOf(directory: string, activityAt: number): TrialOutcome | null {
    const outcome = this.outcomes.of(directory);
    return outcome !== null && outcome.at > activityAt ? outcome : null;
  }

  /** @param step the words on its button; null to have done with it */
  take(directory: string, step: string | null): Promise<void> {
    return this.world.errors.attempt("Try One Point", async () => {
      if (step === null) return this.keep(directory, null);
      const taken = this.outcomes.of(directory)?.steps.find((one) => stepLabel(one) === step);
      if (taken) await this.takeStep(directory, taken);
    });
  }

  private async keep(directory: string, outcome: TrialOutcome | null): Promise<void> {
    await this.outcomes.keep(directory, outcome);
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
    const { run } = await session.query("overview", null);
    const outcome = trialOutcome(study, trials, proposal, run);
    // The message is gone after a while; the dashboard goes on saying it, also after the window was loaded anew.
    await this.keep(session.directory, outcome);
    const show = outcome.hasFailed ? window.showErrorMessage : window.showInformationMessage;
    const chosen = await show(plain(outcome.words), ...outcome.steps.map(stepLabel));
    const step = outcome.steps.find((one) => stepLabel(one) === chosen);
    if (step) await this.takeStep(session.directory, step);
  }

  private async takeStep(directory: string, step: TrialStep): Promise<void> {
    switch (step.kind) {
      case "startJobs":
        await commands.executeCommand("adaptive.startJobs");
        return;
      case "useProposal":
        return this.useProposal(directory, step);
      case "showOutput":
        await commands.executeCommand("adaptive.showOutput", `job:${step.job}`);
        return;
      case "showTraceback":
        return this.world.tracebacks.show(step.name, step.text);
      case "goToLine":
        await openAt(step);
    }
  }

  /** Writes it into the study file. */
  private useProposal(
    directory: string,
    { learnersFile, proposal }: Extract<TrialStep, { kind: "useProposal" }>,
  ): Promise<void> {
    return this.world.errors.attempt("Use Proposal", async () => {
      const study = (await this.world.sessions.knownStudies()).find((one) => one.learnersFile === learnersFile);
      if (study === undefined) {
        throw new AdaptiveError("no-study", `${learnersFile} is not in this workspace any more.`, "Try a point again.");
      }
      // What is wrong in the study file is said with its line, and not written over.
      const { studyFile, settings } = await withViewProgress(study.name, this.world.log, (_, token) =>
        this.world.sessions.config(study, clusterOf(directory, "local"), token),
      );
      await rewrite(Uri.file(studyFile), (text) => withProposal(text, proposal));
      await this.keep(directory, null);
      const typed = settings.filter(({ name, next }) => name.startsWith("resources.") && next[0]?.origin === "typed");
      const asks = `adaptive.json now asks for ${plural(proposal.cores, "core")} and a walltime of ${proposal.walltime}`;
      const but =
        typed.length === 0 ? "" : "; what was typed at an earlier start comes first, so reset that in the form";
      const start = stepLabel({ kind: "startJobs" });
      const chosen = await window.showInformationMessage(plain(`${asks}${but}.`), start);
      if (chosen === start) await commands.executeCommand("adaptive.startJobs");
    });
  }
}

/** What is tried is what is on disk, unless the person prefers the code that the run has. */
async function bringUpToDate(session: RunSession): Promise<void> {
  const comparison = await session.compareStudy();
  if (comparison === null) return;
  if (!(await agreesToUpdate(session, comparison))) return;
  await session.updateStudy(comparison.revision);
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

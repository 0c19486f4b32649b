import { type CancellationToken, commands, type LogOutputChannel, type Memento, Uri, window, workspace } from "vscode";
import type { JobView, ReplicaQueries } from "../remote/replica/queries";
import type { Clusters } from "../remote/connectClusters";
import type { RunSession } from "../remote/runSession";
import type { RunSessions } from "../remote/runSessions";
import type { Study } from "../remote/studies";
import { type LearnerVerb, statesFor } from "../scheduler/control/learnerVerbs";
import { describeComparison, type StudyComparison, updatedLine } from "../scheduler/control/studyComparison";
import { AdaptiveError, toAdaptiveError } from "../scheduler/state/errors";
import type { TypedSettings } from "../scheduler/state/layers";
import type { JobId, LearnerId } from "../scheduler/state/rows";
import { cancelQuestion, changeQuestion } from "./changeQuestions";
import { agreesToUpdate, runningJobsOf } from "./askUpdate";
import { choose } from "./dialog";
import { type ErrorDisplay, openAt } from "./errorDisplay";
import { plural } from "../scheduler/state/counts";
import type { JobOutputs } from "./jobOutput";
import { learnerVerbWords } from "./learnerVerbs";
import type { Place } from "./messagePlace";
import { knownHosts, pickCluster } from "./pickCluster";
import { plain } from "./plain";
import type { PointTrials } from "./pointTrials";
import type { PythonChoice } from "./pythonChoice";
import type { ShownTexts } from "./shownTexts";
import { askStart } from "./startForm";
import { goalAfter } from "./startFormModel";
import { continueThose, goalQuestion, update, updateQuestion } from "./studyWords";
import { runTitle } from "./statusText";
import { learnersViewId, withViewProgress } from "./viewProgress";

const messageMs = 5000;

export interface ActionsWorld {
  sessions: RunSessions;
  clusters: Pick<Clusters, "names">;
  outputs: JobOutputs;
  scripts: ShownTexts;
  trials: PointTrials;
  pythons: PythonChoice;
  /** What a person typed in this workspace. */
  memory: Memento;
  errors: ErrorDisplay;
  log: LogOutputChannel;
  /** Told while jobs are being started. */
  onStarting(isStarting: boolean): void;
}

/** What a person can do, however it was asked for: from the palette, a tree or the dashboard. */
export class Actions {
  constructor(private readonly world: ActionsWorld) {}

  /** @returns the run, or null when it was not started */
  async startJobs(): Promise<RunSession | null> {
    const { trials, errors, onStarting } = this.world;
    let started: RunSession | null = null;
    await errors.attempt("Start Jobs", async () => {
      onStarting(true);
      const outcome = await this.askAndStart().finally(() => onStarting(false));
      if (outcome?.toTry) await trials.try(outcome.toTry.study, [], outcome.toTry.session);
      started = outcome?.started ?? null;
    });
    return started;
  }

  /** Shows what an update to the edited study would do, and does it when that is agreed to. */
  updateRun(): Promise<void> {
    return this.withRun("Update Run", async (session) => {
      const comparison = await this.compare(session, { isSent: false });
      if (comparison === null) return say("The run has the study as it is.");
      const runningJobs = await runningJobsOf(session);
      if ((await choose(updateQuestion(comparison, { mayKeep: false, runningJobs }))) !== update) return;
      await session.updateStudy(comparison.revision);
      say(updatedLine(comparison, runningJobs));
    });
  }

  /** For the study that is shown, or one that is asked for; the next start goes by it. */
  choosePython(way: "choose" | "make"): Promise<void> {
    const { sessions, clusters, pythons, errors } = this.world;
    return errors.attempt(way === "choose" ? "Choose Python" : "Make an Environment", async () => {
      const study = (await sessions.activeStudy()) ?? (await pickStudy("Choose Python", await sessions.knownStudies()));
      if (study === undefined) return;
      const cluster = (await sessions.clusterOf(study)) ?? (await pickCluster(study.name, await knownHosts(clusters)));
      if (cluster === undefined) return;
      const { python } =
        way === "choose" ? await pythons.choose(study, cluster) : await pythons.make(study, cluster, null);
      const start = "Start Jobs";
      const words = `${python} runs the learners of ${study.name} from the next start on.`;
      if ((await window.showInformationMessage(plain(words), start)) === start) {
        await commands.executeCommand("adaptive.startJobs");
      }
    });
  }

  /** @param learners of the run that is shown, or none to take some of a study's */
  tryPoint(learners: readonly LearnerId[]): Promise<void> {
    const { sessions, trials, errors } = this.world;
    return errors.attempt("Try One Point", async () => {
      const shown = learners.length > 0 ? await sessions.activeStudy() : null;
      const study = shown ?? (await pickStudy("Try One Point", await sessions.knownStudies()));
      if (study !== undefined) await trials.try(study, learners);
    });
  }

  cancelTrial(): void {
    this.world.trials.cancel();
  }

  stopJobs(): Promise<void> {
    return this.withRun("Stop Jobs", async (session) => {
      const { jobs } = await session.query("overview", null);
      await window.withProgress({ location: { viewId: learnersViewId } }, () => session.stopJobs());
      const ended = jobs.running + jobs.queued + jobs.submitted;
      say(
        ended === 0
          ? "Stopped; there were no jobs."
          : `Stopped ${plural(ended, "job")}; their learners save what they have.`,
      );
    });
  }

  /** Connects to the run that is shown, with what that needs a person for. */
  connect(): Promise<void> {
    return this.withRun("Connect", (session) => session.reconnect());
  }

  changeLearners(verb: LearnerVerb, learners: readonly LearnerId[]): Promise<void> {
    const { label, done } = learnerVerbWords[verb];
    return this.withRun(label, async (session) => {
      const all = await session.query("learnerIds", { filter: "", states: statesFor[verb] });
      const possible = new Set(all);
      const count = learners.filter((id) => possible.has(id)).length;
      if (count === 0) return say(`Nothing to ${verb}.`);
      const question = changeQuestion(verb, count, learners.length);
      if (question !== null) await choose(question);
      // Who retries has usually just corrected the code.
      if (verb !== "stop") await this.bringUpToDate(session, { isSent: false });
      const moved = await session.changeLearners(verb, learners);
      say(moved === 0 ? `Nothing to ${verb}.` : `${plural(moved, "learner")} ${done}.`);
    });
  }

  /** Once a person has agreed to it. */
  cancelJobs(jobs: readonly JobView[]): Promise<void> {
    return this.withRun("Cancel Jobs", async (session) => {
      if (jobs.length === 0) return say("Nothing to cancel: it has ended.");
      const { run } = await session.query("overview", null);
      await choose(cancelQuestion(jobs, run.activity === "active"));
      await session.cancelJobs(jobs.map(({ jobId }) => jobId));
      say(`Cancelling ${plural(jobs.length, "job")}; their learners save what they have.`);
    });
  }

  /** @param learner whose part of what the job printed is shown; null for all of it */
  showOutput(job: JobId, learner: LearnerId | null): Promise<void> {
    return this.withRun("Show Output", (session) => this.world.outputs.show(session, job, learner));
  }

  goTo(place: Place): Promise<void> {
    return this.world.errors.attempt("Go to Line", async () => {
      await openAt(place);
    });
  }

  savePlot(name: string, png: Uint8Array): Promise<void> {
    return this.world.errors.attempt("Save Plot", () => saveAs(name, { Picture: ["png"] }, () => Promise.resolve(png)));
  }

  /** Saves the learners that are shown as a table. */
  saveLearners(shown: ReplicaQueries["learnersCsv"]["params"]): Promise<void> {
    return this.withRun("Save Learners", async (session) => {
      const { run } = await session.query("overview", null);
      await saveAs(`${run.name} learners`, { Table: ["csv"] }, async () =>
        Buffer.from(await session.query("learnersCsv", shown)),
      );
    });
  }

  showLog(): void {
    this.world.log.show();
  }

  /** Does something with the run that is shown. */
  withRun(what: string, act: (session: RunSession) => Promise<void>): Promise<void> {
    return this.world.errors.attempt(what, async () => {
      const { active } = this.world.sessions;
      if (active === null) throw new AdaptiveError("no-run", "No jobs have been started here yet.", "Use Start Jobs.");
      await act(active);
    });
  }

  /** @returns what was started, or is tried first; null when a person thought better of it */
  private async askAndStart(): Promise<
    { started: RunSession; toTry?: never } | { toTry: { study: Study; session: RunSession }; started?: never } | null
  > {
    const { sessions } = this.world;
    const study = await pickStudy("Start Jobs", await sessions.knownStudies());
    const asked = study && (await this.askHow(study));
    if (!asked) return null;
    const { cluster, report, step, typed } = asked;
    const { session, isResumed, warnings } = await this.prepare(study, cluster, typed);
    for (const warning of warnings) void window.showInformationMessage(plain(warning));
    if (step === "try") return { toTry: { study, session } };
    if (isResumed) {
      await this.bringUpToDate(session, { isSent: true });
      await this.continueMissed(session, goalAfter(report, typed));
    }
    await this.withProgress(study.name, (progress) => {
      progress("Starting");
      return session.startJobs();
    });
    return { started: session };
  }

  /** Asks how jobs are to be started: in one form, and where first if there are several places for them. */
  private async askHow(study: Study) {
    const { sessions, clusters, scripts, memory, errors } = this.world;
    const configOn = (where: string) =>
      this.withProgress(study.name, (_, token) => sessions.config(study, where, token));
    const known = await sessions.clusterOf(study);
    // What is wrong in the study is said before anything is asked.
    let readFor = known ?? "local";
    let report = await configOn(readFor);
    const places = await knownHosts(clusters);
    const isHereOnly = places.hosts.length + places.problems.length === 0;
    let cluster = known ?? (isHereOnly ? "local" : await pickCluster(study.name, places));
    while (cluster !== undefined) {
      const where: string = cluster;
      if (where !== readFor) report = await configOn(where);
      readFor = where;
      const showScript = (typed: TypedSettings) =>
        errors.attempt("Preview Job Script", async () =>
          scripts.show(
            `${runTitle(study.name, where)} job.sh`,
            await this.withProgress(study.name, (_, token) => sessions.script(study, where, typed, token)),
            { preserveFocus: true },
          ),
        );
      const wish = await askStart(study, where, report, { memory, showScript });
      if (wish?.step !== "place") return wish && { cluster: where, report, ...wish };
      cluster = (await pickCluster(study.name, places)) ?? where;
    }
    return null;
  }

  /** Makes the run, once a person has mended what keeps its Python from running learners. */
  private prepare(study: Study, cluster: string, typed: TypedSettings): ReturnType<RunSessions["prepare"]> {
    const { sessions, pythons } = this.world;
    return pythons.whileMending(study, cluster, (isMended) =>
      this.withProgress(study.name, (progress, token) => {
        progress("Checking");
        const now = isMended ? withoutPython(typed) : typed;
        return sessions.prepare(study, now, token, { cluster, onStep: progress });
      }),
    );
  }

  /**
   * Before jobs go on: the run gets the study as it is now. One that cannot be read is no reason not to go on.
   * @throws AdaptiveError `cancelled`
   */
  private async bringUpToDate(session: RunSession, study: { isSent: boolean }): Promise<void> {
    try {
      const comparison = await this.compare(session, study);
      if (comparison === null) return;
      if (!(await agreesToUpdate(session, comparison))) return;
      await session.updateStudy(comparison.revision);
      say(`The study was edited: ${describeComparison(comparison.counts)}.`);
    } catch (error) {
      const { code, message } = toAdaptiveError(error);
      if (code === "cancelled") throw error;
      const hint = "The run goes on with the code it has.";
      void this.world.errors.attempt("Update Run", () =>
        Promise.reject(new AdaptiveError(code, message, hint, { cause: error })),
      );
    }
  }

  /**
   * Asks once for each goal whether done learners that miss it go on.
   * @throws AdaptiveError `cancelled`
   */
  private async continueMissed(session: RunSession, { goal, isNew }: { goal: unknown; isNew: boolean }): Promise<void> {
    const { memory } = this.world;
    const key = `adaptive.leftDone/${session.directory}`;
    const asked = goalQuestion(await session.missedGoals(), isNew);
    if (asked === null || (!isNew && memory.get(key) === JSON.stringify(goal))) return;
    const isContinued = (await choose(asked.question)) === continueThose;
    if (isContinued) await session.changeLearners("reopen", asked.learners);
    await memory.update(key, isContinued ? undefined : JSON.stringify(goal));
  }

  /** With the study as it is here, which is sent first to the cluster of the run. */
  private async compare(session: RunSession, { isSent }: { isSent: boolean }): Promise<StudyComparison | null> {
    const { run } = await session.query("overview", null);
    return this.withProgress(run.name, async (progress) => {
      if (!isSent) await this.world.sessions.sendStudy(session, progress);
      progress("Comparing");
      return session.compareStudy();
    });
  }

  private withProgress<T>(
    name: string,
    act: (progress: (step: string) => void, token: CancellationToken) => Promise<T>,
  ): Promise<T> {
    return withViewProgress(name, this.world.log, act);
  }
}

/** What was typed would come before the Python that has been chosen. */
function withoutPython({ set, unset }: TypedSettings): TypedSettings {
  const { python: _, ...others } = set;
  return { set: others, unset: [...unset.filter((name) => name !== "python"), "python"] };
}

/** Saves what `make` gives where a person chooses. */
async function saveAs(name: string, filters: Record<string, [string]>, make: () => Promise<Uint8Array>): Promise<void> {
  const folder = workspace.workspaceFolders?.[0]?.uri;
  const [[extension] = [""]] = Object.values(filters);
  const file = `${name.replace(/[^\w.=-]+/g, "_")}.${extension}`;
  const defaultUri = folder && Uri.joinPath(folder, file);
  const chosen = await window.showSaveDialog({ filters, ...(defaultUri ? { defaultUri } : {}) });
  if (chosen !== undefined) await workspace.fs.writeFile(chosen, await make());
}

async function pickStudy(title: string, studies: readonly Study[]): Promise<Study | undefined> {
  if (studies.length === 1) return studies[0];
  const items = studies.map((study) => ({
    label: study.name,
    description: study.learnersFile,
    ...(study.learnersLine === null ? {} : { detail: study.learnersLine }),
    study,
  }));
  return (await window.showQuickPick(items, { title, placeHolder: "Which study?" }))?.study;
}

function say(message: string): void {
  window.setStatusBarMessage(`$(graph-line) ${plain(message)}`, messageMs);
}

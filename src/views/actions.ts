import { availableParallelism } from "node:os";
import {
  type CancellationToken,
  type LogOutputChannel,
  type Memento,
  ProgressLocation,
  type QuickPickItem,
  window,
} from "vscode";
import type { RunSession } from "../remote/runSession";
import type { RunSessions } from "../remote/runSessions";
import type { Study } from "../remote/studies";
import { AdaptiveError } from "../scheduler/state/errors";
import type { TypedSettings } from "../scheduler/state/layers";
import type { JobId, LearnerId } from "../scheduler/state/rows";
import type { ErrorDisplay } from "./errorDisplay";
import { plural } from "./format";
import type { JobOutputs } from "./jobOutput";
import type { JobScripts } from "./jobScripts";
import { learnersViewId } from "./learnersView";
import { askStart } from "./startForm";

const messageMs = 5000;

export interface ActionsWorld {
  sessions: RunSessions;
  outputs: JobOutputs;
  scripts: JobScripts;
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
    const { sessions, scripts, memory, errors } = this.world;
    const study = await pickStudy(sessions.studies);
    if (study === undefined) return null;
    let started: RunSession | null = null;
    await errors.attempt("Start Jobs", async () => {
      const report = await this.withProgress(study.name, (_, token) => sessions.config(study, token));
      // A run has its cluster already.
      const cluster = report.run === null ? await pickCluster(study) : "local";
      if (cluster === undefined) return;
      const showScript = (typed: TypedSettings) =>
        errors.attempt("Preview Job Script", async () =>
          scripts.show(
            study.name,
            await this.withProgress(study.name, (_, token) => sessions.script(study, typed, token)),
          ),
        );
      const typed = await askStart(study, cluster, report, { memory, showScript });
      if (typed === null) return;
      started = await this.withProgress(study.name, (progress, token) => sessions.start(study, typed, progress, token));
    });
    return started;
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

  retry(learners: readonly LearnerId[]): Promise<void> {
    return this.withRun("Retry", async (session) => {
      const moved = await session.retryLearners(learners);
      say(moved === 0 ? "Nothing to retry." : `${plural(moved, "learner")} set to waiting again.`);
    });
  }

  showOutput(job: JobId): Promise<void> {
    return this.withRun("Show Output", (session) => this.world.outputs.show(session, job));
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

  private async withProgress<T>(
    name: string,
    act: (progress: (step: string) => void, token: CancellationToken) => Promise<T>,
  ): Promise<T> {
    const { log, onStarting } = this.world;
    onStarting(true);
    try {
      return await window.withProgress({ location: { viewId: learnersViewId } }, (_, inView) =>
        window.withProgress({ location: ProgressLocation.Window, title: name }, (progress) =>
          act((step) => {
            log.info(`${name}: ${step}`);
            progress.report({ message: step });
          }, inView),
        ),
      );
    } finally {
      onStarting(false);
    }
  }
}

async function pickStudy(studies: readonly Study[]): Promise<Study | undefined> {
  if (studies.length <= 1) return studies[0];
  const items = studies.map((study) => ({
    label: study.name,
    description: study.learnersFile,
    ...(study.learnersLine === null ? {} : { detail: study.learnersLine }),
    study,
  }));
  return (await window.showQuickPick(items, { title: "Start Jobs", placeHolder: "Which study?" }))?.study;
}

async function pickCluster(study: Study): Promise<"local" | undefined> {
  const cores = availableParallelism();
  const items: (QuickPickItem & { cluster: "local" })[] = [
    {
      label: `$(device-desktop) This computer (${plural(cores, "core")})`,
      description: "jobs as processes here",
      cluster: "local",
    },
  ];
  const placeHolder = `Where do the jobs of ${study.name} run?`;
  return (await window.showQuickPick(items, { title: "Start Jobs", placeHolder }))?.cluster;
}

function say(message: string): void {
  window.setStatusBarMessage(`$(graph-line) ${message}`, messageMs);
}

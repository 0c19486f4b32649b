import { dirname, join } from "node:path";
import type { CancellationToken, Event } from "vscode";
import { AdaptiveError, toAdaptiveError } from "../scheduler/state/errors";
import type { ConfigReport } from "../scheduler/control/configReport";
import type { EditedParts } from "../scheduler/control/studyComparison";
import type { TypedSettings } from "../scheduler/state/layers";
import { type Queue, queues } from "../scheduler/state/settings";
import { RunDirectory } from "../scheduler/state/runDirectory";
import { chooseActive } from "./chooseActive";
import { hostOf, isOnCluster } from "./clusterRuns";
import type { Need } from "./deploy/clusterHost";
import { Emitter } from "./event";
import { configCommand, initCommand, type ProgramCommand, runCommand, scriptCommand, type Start } from "./launch";
import type { Program } from "./program";
import { interpreterOf, type Profile } from "./python";
import type { Machine } from "./pythons";
import { type CopyWish, deleteCommand, type Deletion, deletionCommand, settleCommand } from "./runCommands";
import type { Reached } from "./reached";
import type { FoundRun, RunSession } from "./runSession";
import type { Study } from "./studies";
import type { CommandTransport, TerminalTransport } from "./transport";
import { type WorkspaceRun, WorkspaceRuns, type WorkspaceRunsWorld } from "./workspaceRuns";

/** `init` imports the learners file, which may build a hundred thousand learners. */
const initDeadlineMs = 900_000;
/** Counting and moving many files, or waiting for a scheduler to end. */
const runDeadlineMs = 120_000;

export interface RunSessionsWorld extends WorkspaceRunsWorld {
  /** Whether the workspace may run what lies in it, and when it becomes so. */
  isTrusted(): boolean;
  readonly onDidGrantTrust: Event<void>;
  /** What is known of a cluster, with the Python for this study. */
  profileFor(study: Study, cluster: string): Promise<Profile>;
  /** The run that a person last chose to see in this workspace. */
  remembered: { get(): string | null; set(directory: string): void };
  /** A session that connects by itself. */
  connect(directory: string): RunSession;
  /** Of this computer. */
  transport: TerminalTransport;
}

/** Where a study is started. */
export interface StartPlace {
  /** `local`, or an SSH host. */
  cluster: string;
  /** Says in two words what is being done. */
  onStep(step: string): void;
}

/** The runs of the workspace's studies; one at a time is connected. In a workspace that is not trusted, none, and no process is started. */
export class RunSessions {
  private readonly activeChanged = new Emitter<RunSession | null>();
  private readonly studiesChanged = new Emitter<void>();
  readonly onDidChangeActive = this.activeChanged.event;
  readonly onDidChangeStudies = this.studiesChanged.event;
  private session: RunSession | null = null;
  /** The runs that were found last; null before they were looked for. */
  private seen: ReadonlySet<string> | null = null;
  private adopting: Promise<void> = Promise.resolve();
  private isDisposed = false;
  private isSearched = false;
  private readonly registrations: { dispose(): unknown }[];
  private readonly all: WorkspaceRuns;

  constructor(private readonly world: RunSessionsWorld) {
    this.all = new WorkspaceRuns(world);
    const { source, onDidGrantTrust } = world;
    this.registrations = [
      source.onDidChangeStudies(() => {
        this.studiesChanged.fire();
        this.adopt();
      }),
      source.onDidChangeRuns(() => this.adopt()),
      onDidGrantTrust(() => this.adopt()),
    ];
    this.adopt();
  }

  get active(): RunSession | null {
    return this.session;
  }

  /** Where a run stands in the workspace; null while that is not known. */
  standing(directory: string): "shown" | "notShown" | "gone" | "untrusted" | null {
    if (!this.world.isTrusted()) return "untrusted";
    if (this.session?.directory === directory) return "shown";
    return this.seen && (this.seen.has(directory) ? "notShown" : "gone");
  }

  /** Whether the folders were searched: before, that there is no study or run is not known. */
  get hasLooked(): boolean {
    return this.isSearched;
  }

  get studies(): readonly Study[] {
    return this.world.source.studies;
  }

  /**
   * The studies, as soon as they are known: a person may be quicker than the first search.
   * @throws AdaptiveError `no-study`
   */
  async knownStudies(): Promise<readonly Study[]> {
    await this.world.source.firstSearch;
    if (this.studies.length > 0) return this.studies;
    throw new AdaptiveError(
      "no-study",
      "This folder has no study.",
      "A study is a Python file _learners.py that defines learners and fnames; see the view Adaptive.",
    );
  }

  /**
   * Makes the study's run, or has the one that exists go by the settings of now, and connects to it.
   * @throws AdaptiveError why that cannot be; code `cancelled` when the token was
   */
  async prepare(
    study: Study,
    typed: TypedSettings,
    token: CancellationToken,
    { cluster, onStep }: StartPlace = { cluster: "local", onStep: () => undefined },
  ): Promise<{ session: RunSession; isResumed: boolean; warnings: readonly string[] }> {
    try {
      const {
        run,
        resumed: isResumed,
        warnings,
      } = cluster === "local"
        ? await this.ask(initCommand, study, typed, token)
        : await this.unlessCancelled(token, study, (signal) =>
            this.world.clusters.prepare(cluster, study, typed, { isAsked: true, onStep, signal }),
          );
      return { session: this.show(run), isResumed, warnings };
    } catch (error) {
      // What is asked of the person then is about this run.
      if (toAdaptiveError(error).code === "copied-run") {
        const there = cluster === "local" ? null : this.world.clusters.remember(cluster, study);
        const run = cluster === "local" ? RunDirectory.ofStudy(study.learnersFile).own : there;
        if (run !== null) this.show(run);
      }
      throw error;
    }
  }

  /** The runs of the workspace's studies, newest first. */
  async runs(): Promise<WorkspaceRun[]> {
    await this.knownStudies();
    return this.all.list();
  }

  /**
   * Looks on a cluster for runs of the workspace's studies that were started from elsewhere. They are no news, and
   * shown only where no run is.
   * @param need null to look only where there is a connection already
   * @returns all that are there
   */
  async lookOn(host: string, need: Need | null): Promise<readonly FoundRun[]> {
    const { source, isTrusted, clusters } = this.world;
    await source.firstSearch;
    if (!isTrusted()) return [];
    const found = await clusters.discover(host, this.studies, need);
    if (this.seen !== null) this.seen = new Set([...this.seen, ...found.map(({ directory }) => directory)]);
    this.adopt();
    return found;
  }

  /** Connects to a run of the workspace, because a person wants to see that one. */
  show(directory: string): RunSession {
    this.world.remembered.set(directory);
    return this.activate(directory);
  }

  /** What deleting a run would move to the trash. */
  deletion(directory: string): Promise<Deletion> {
    return this.runAt(directory, deletionCommand);
  }

  /** @returns where the run is then */
  async delete(directory: string, withData: boolean): Promise<string> {
    const trash = await this.runAt(directory, (program, path) => deleteCommand(program, path, withData));
    this.world.clusters.forget(directory);
    this.adopt();
    return trash;
  }

  /** Says what a copied run is, and connects to it. */
  async settleCopy(directory: string, wish: CopyWish): Promise<void> {
    await this.runAt(directory, (program, path) => settleCommand(program, path, wish));
    if (this.session?.directory === directory) this.activate(null);
    this.activate(directory);
  }

  /** The study whose run is connected, or null. */
  async activeStudy(): Promise<Study | null> {
    if (this.session === null) return null;
    const learnersFile = await this.learnersFileOf(this.session);
    return this.studies.find((study) => study.learnersFile === learnersFile) ?? null;
  }

  /** Where the study of a run is on this computer; null when that is not known. */
  async folderOf(session: RunSession): Promise<string | null> {
    const learnersFile = await this.learnersFileOf(session);
    return learnersFile === null ? null : dirname(learnersFile);
  }

  /** What of a run's study was edited, here or on its cluster. */
  async studyEdits(session: RunSession): Promise<EditedParts> {
    const [there, here] = await Promise.all([session.studyEdits(), this.world.clusters.edited(session.directory)]);
    return { code: there.code || here.code, settings: there.settings || here.settings };
  }

  /** Brings the study of a run on a cluster there as it is here; one on this computer is where it is. */
  async sendStudy({ directory }: RunSession, onStep: (step: string) => void): Promise<void> {
    const { signal } = new AbortController();
    if (isOnCluster(directory)) await this.world.clusters.send(directory, { isAsked: true, onStep, signal });
  }

  /** A study has been sent to a cluster. */
  get onDidSendStudy(): Event<void> {
    return this.world.clusters.onDidSend;
  }

  /** What a start of the study would go by, without anything typed anew. */
  config(study: Study, cluster: string, token: CancellationToken): Promise<ConfigReport> {
    return this.ask(configCommand, study, { set: {}, unset: [] }, token, cluster);
  }

  /** The script of the jobs that such a start would submit. */
  script(study: Study, cluster: string, typed: TypedSettings, token: CancellationToken): Promise<string> {
    return this.ask(scriptCommand, study, typed, token, cluster);
  }

  /** Where the run of a study is: `local`, or an SSH host; null when it has none. */
  async clusterOf(study: Study): Promise<string | null> {
    if (await RunDirectory.ofStudy(study.learnersFile).hasRun()) return "local";
    const runs = this.world.clusters.all.filter((run) => run.learnersFile === study.learnersFile);
    const shown = runs.find(({ directory }) => directory === this.session?.directory) ?? runs.at(-1);
    return shown === undefined ? null : hostOf(shown.directory);
  }

  /**
   * The machine that runs a study's scheduler.
   * @throws AdaptiveError `not-trusted`, or why it cannot be reached
   */
  async machine(study: Study, cluster: string, need: Need): Promise<Machine> {
    const { transport, program, clock, clusters, profileFor } = this.world;
    this.checkTrusted(study);
    if (cluster !== "local") return clusters.machine(cluster, study.learnersFile, need);
    const profile = await profileFor(study, cluster);
    return { transport, program, clock, folder: study.folder.fsPath, ...interpreterOf(profile), remote: null };
  }

  /** The way to a run, here or on a cluster. */
  async reach(directory: string, need: Need): Promise<Reached<TerminalTransport>> {
    const { transport, program, clusters } = this.world;
    return isOnCluster(directory) ? clusters.reach(directory, need) : { transport, program, path: directory };
  }

  /** On this computer. */
  private async learnersFileOf(session: RunSession): Promise<string | null> {
    const { directory } = session;
    const known = this.world.clusters.all.find((run) => run.directory === directory);
    if (isOnCluster(directory)) return known?.learnersFile ?? null;
    const { run } = await session.query("overview", null);
    return join(run.directory, run.learnersFile);
  }

  private run<T>(transport: CommandTransport, command: ProgramCommand<T>): Promise<T> {
    const { clock } = this.world;
    const { signal } = new AbortController();
    return runCommand(transport, command, { clock, deadlineMs: runDeadlineMs, signal });
  }

  private async runAt<T>(directory: string, make: (program: Program, path: string) => ProgramCommand<T>): Promise<T> {
    const { signal } = new AbortController();
    const { transport, program, path } = await this.reach(directory, {
      isAsked: true,
      onStep: () => undefined,
      signal,
    });
    return this.run(transport, make(program, path));
  }

  private async ask<T>(
    command: (program: Program, start: Start) => ProgramCommand<T>,
    study: Study,
    typed: TypedSettings,
    token: CancellationToken,
    cluster = "local",
  ): Promise<T> {
    const { world } = this;
    return this.unlessCancelled(token, study, async (signal) => {
      const profile = await world.profileFor(study, cluster);
      const start = { learnersFile: study.learnersFile, queue: queueOf(cluster, profile), profile, typed };
      const options = { clock: world.clock, deadlineMs: initDeadlineMs, signal, cwd: study.folder.fsPath };
      return runCommand(world.transport, command(world.program, start), options);
    });
  }

  private async unlessCancelled<T>(
    token: CancellationToken,
    study: Study,
    work: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    this.checkTrusted(study);
    const cancelling = new AbortController();
    const registration = token.onCancellationRequested(() => cancelling.abort());
    if (token.isCancellationRequested) cancelling.abort();
    try {
      return await work(cancelling.signal);
    } finally {
      registration.dispose();
    }
  }

  private checkTrusted(study: Study): void {
    if (this.world.isTrusted()) return;
    throw new AdaptiveError(
      "not-trusted",
      `The folder of ${study.name} is not trusted, so nothing in it is run.`,
      "Use the command Workspaces: Manage Workspace Trust if you know where its files come from.",
    );
  }

  dispose(): void {
    this.isDisposed = true;
    for (const registration of this.registrations) registration.dispose();
    this.session?.dispose();
    this.session = null;
    this.activeChanged.dispose();
    this.studiesChanged.dispose();
  }

  /** Connects to a run that is there already, one search after the other. */
  private adopt(): void {
    this.adopting = this.adopting.then(async () => {
      await this.world.source.firstSearch;
      await this.connectFound().finally(() => this.noteSearched());
    });
    // One search that went wrong must not be the last.
    this.adopting = this.adopting.catch((error: unknown) =>
      this.world.log(`the runs of this window: ${String(error)}`),
    );
  }

  private noteSearched(): void {
    if (this.isSearched || this.isDisposed) return;
    this.isSearched = true;
    this.studiesChanged.fire();
  }

  private async connectFound(): Promise<void> {
    if (!this.world.isTrusted()) return;
    const { session } = this;
    const runs = await this.all.find();
    // What was started meanwhile may be missing in what was found; word of it is still to come.
    if (this.isDisposed || this.session !== session) return;
    const active = this.session?.directory ?? null;
    const directory = chooseActive({
      active,
      remembered: this.world.remembered.get(),
      seen: this.seen ?? new Set(),
      runs,
    });
    this.seen = new Set(runs.map((run) => run.directory));
    this.activate(directory);
  }

  private activate(directory: string): RunSession;
  private activate(directory: string | null): RunSession | null;
  private activate(directory: string | null): RunSession | null {
    if (directory === (this.session?.directory ?? null)) return this.session;
    this.session?.dispose();
    this.session = directory === null ? null : this.world.connect(directory);
    this.activeChanged.fire(this.session);
    return this.session;
  }
}

/** Where jobs go, as far as that is known before the cluster was asked. */
function queueOf(cluster: string, { queue }: Profile): Queue {
  return queues.find((name) => name === queue) ?? (cluster === "local" ? "local" : "slurm");
}

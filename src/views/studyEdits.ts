import { posix } from "node:path";
import { type Disposable, RelativePattern, Uri, workspace } from "vscode";
import { systemClock } from "../scheduler/state/clock";
import { Emitter } from "../remote/event";
import { settingsOf } from "../scheduler/state/settings";
import { DisposableScope, together } from "./disposableScope";
import { Refresher } from "./refresher";
import type { ShownRun } from "./shownRun";

const refreshIntervalMs = 500;

/** Whether the study of the run that is shown was edited since its jobs were started. */
export class StudyEdits {
  private readonly changed = new Emitter<void>();
  readonly onDidChange = this.changed.event;
  private readonly scope = new DisposableScope();
  private readonly refresher: Refresher;
  private watching: { dispose(): unknown } = { dispose: () => undefined };
  /** The run that `value` is true of. */
  private directory: string | null = null;
  /** What is watched, and the revision that the files were compared with; null when they are to be compared. */
  private watched: string | null = null;
  private compared: string | null = null;
  private value = false;

  constructor(
    private readonly run: ShownRun,
    log: (line: string) => void,
  ) {
    this.refresher = this.scope.add(
      new Refresher(
        systemClock,
        refreshIntervalMs,
        () => this.refresh(),
        (error) => log(`edits of the study: ${String(error)}`),
      ),
    );
    this.scope.add(run.onDidChange(() => this.refresher.request()));
  }

  get isEdited(): boolean {
    return this.value;
  }

  dispose(): void {
    this.watching.dispose();
    this.scope.dispose();
    this.changed.dispose();
  }

  private async refresh(): Promise<void> {
    const { session, overview } = this.run;
    if ((session?.directory ?? null) !== this.directory) {
      this.directory = session?.directory ?? null;
      this.set(false);
    }
    // Asking would start a scheduler that has ended; the next one is asked when it is there.
    if (session === null || overview === null) return;
    if (session.link.at !== "online") {
      this.compared = null;
      return;
    }
    const { directory, revision } = overview.run;
    this.watch(directory, settingsOf(overview.run).include);
    if (revision === this.compared) return;
    this.compared = revision;
    const isEdited = await session.isEdited();
    if (session === this.run.session) this.set(isEdited);
  }

  private watch(folder: string, include: readonly string[]): void {
    const wanted = JSON.stringify([folder, include]);
    if (wanted === this.watched) return;
    this.watched = wanted;
    this.compared = null;
    this.watching.dispose();
    this.watching = watchStudy(folder, include, () => {
      this.compared = null;
      this.refresher.request();
    });
  }

  private set(isEdited: boolean): void {
    if (isEdited === this.value) return;
    this.value = isEdited;
    this.changed.fire();
  }
}

/** Calls back when a file that jobs may get has changed. */
function watchStudy(folder: string, include: readonly string[], onDidChange: () => void): Disposable {
  const names = include.map((name) => posix.normalize(name).replace(/\/$/, ""));
  const globs = ["**/*.py", ...names.flatMap((name) => [name, `${name}/**`])];
  const watchers = globs.map((glob) => workspace.createFileSystemWatcher(new RelativePattern(Uri.file(folder), glob)));
  return together(
    ...watchers,
    ...watchers.flatMap((watcher) => [
      watcher.onDidCreate(onDidChange),
      watcher.onDidChange(onDidChange),
      watcher.onDidDelete(onDidChange),
    ]),
  );
}

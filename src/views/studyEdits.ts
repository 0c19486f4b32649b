import { posix } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { type Disposable, RelativePattern, Uri, workspace } from "vscode";
import { systemClock } from "../scheduler/state/clock";
import { Emitter } from "../remote/event";
import type { RunSessions } from "../remote/runSessions";
import type { EditedParts } from "../scheduler/control/studyComparison";
import { notStartedYet } from "../scheduler/state/rows";
import { settingsOf } from "../scheduler/state/settings";
import { DisposableScope, together } from "./disposableScope";
import { Refresher } from "./refresher";
import type { ShownRun } from "./shownRun";
import { editNotice, type EditNotice } from "./studyWords";

const refreshIntervalMs = 500;
const unedited: EditedParts = { code: false, settings: false };

/** What of the study of the run that is shown was edited since its jobs were started. */
export class StudyEdits {
  private readonly changed = new Emitter<void>();
  readonly onDidChange = this.changed.event;
  private readonly scope = new DisposableScope();
  private readonly refresher: Refresher;
  private watching: { dispose(): unknown } = { dispose: () => undefined };
  /** The run that `value` is true of. */
  private directory: string | null = null;
  /** What is watched, and what of the run the files were compared with; null when they are to be compared. */
  private watched: string | null = null;
  private compared: string | null = null;
  private value = unedited;

  constructor(
    private readonly run: ShownRun,
    private readonly sessions: Pick<RunSessions, "folderOf" | "studyEdits" | "onDidSendStudy">,
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
    this.scope.add(sessions.onDidSendStudy(() => this.lookAgain()));
  }

  get parts(): EditedParts {
    return this.value;
  }

  get notice(): EditNotice | null {
    const { overview } = this.run;
    const isStarted = overview?.run.reason !== notStartedYet;
    return editNotice(this.value, { isStarted, runningJobs: overview?.jobs.running ?? 0 });
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
      this.set(unedited);
    }
    // Asking would start a scheduler that has ended; the next one is asked when it is there.
    if (session === null || overview === null) return;
    if (session.link.at !== "online") {
      this.compared = null;
      return;
    }
    const { revision, settings, origins, mismatches } = overview.run;
    const folder = await this.sessions.folderOf(session);
    if (session !== this.run.session) return;
    if (folder !== null) this.watch(folder, [...settingsOf(overview.run).include, "adaptive.json"]);
    // Jobs may find other learners in files that nobody edited.
    const now = JSON.stringify([revision, settings, origins, mismatches > 0]);
    if (now === this.compared) return;
    this.compared = now;
    const parts = await this.sessions.studyEdits(session);
    if (session === this.run.session) this.set(parts);
  }

  private watch(folder: string, names: readonly string[]): void {
    const wanted = JSON.stringify([folder, names]);
    if (wanted === this.watched) return;
    this.watched = wanted;
    this.compared = null;
    this.watching.dispose();
    this.watching = watchStudy(folder, names, () => this.lookAgain());
  }

  private lookAgain(): void {
    this.compared = null;
    this.refresher.request();
  }

  private set(parts: EditedParts): void {
    if (isDeepStrictEqual(parts, this.value)) return;
    this.value = parts;
    this.changed.fire();
  }
}

/** Calls back when a Python file or one of these files and folders has changed. */
function watchStudy(folder: string, names: readonly string[], onDidChange: () => void): Disposable {
  const normal = names.map((name) => posix.normalize(name).replace(/\/$/, ""));
  const globs = ["**/*.py", ...normal.flatMap((name) => [name, `${name}/**`])];
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

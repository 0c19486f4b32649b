import { type Disposable, type Event, RelativePattern, Uri, workspace, type WorkspaceFolder } from "vscode";
import { RunDirectory } from "../scheduler/state/runDirectory";
import { systemClock } from "../scheduler/state/clock";
import { textOf } from "../scheduler/state/files";
import { Coalescer } from "./coalescer";
import { Emitter } from "./event";
import { isStudyPath, learnersGlob, learnersLineOf, mayBeFolder } from "./studyFiles";

/** A learners file in its folder. */
export interface Study {
  folder: Uri;
  /** Absolute path. */
  learnersFile: string;
  /** What its run is called: as the folder, and in a folder with several also as the file. */
  name: string;
  /** The line of the file that defines its learners, as far as that can be told without running it. */
  learnersLine: string | null;
}

/** The studies there are, and word of them. */
export interface StudySource {
  readonly studies: readonly Study[];
  /** Fulfilled once they have been looked for. */
  readonly firstSearch: Promise<void>;
  readonly onDidChangeStudies: Event<void>;
  /** A run has appeared, changed or gone in some folder. */
  readonly onDidChangeRuns: Event<void>;
}

const maxStudies = 200;
const refreshIntervalMs = 500;
/** A folder that is copied gets its files in less, or word of its other folders comes meanwhile. */
const quietMs = 2000;

/** The studies in the workspace's folders, found by the setting `adaptive.learnersFiles` and watched. */
export class WorkspaceStudies implements StudySource {
  studies: readonly Study[] = [];
  private readonly studiesChanged = new Emitter<void>();
  private readonly runsChanged = new Emitter<void>();
  readonly onDidChangeStudies = this.studiesChanged.event;
  readonly onDidChangeRuns = this.runsChanged.event;
  private readonly refreshing: Coalescer;
  private readonly registrations: Disposable[];
  private watchers: Disposable[] = [];
  private searches = 0;
  readonly firstSearch: Promise<void>;
  private cancelSecondLook: () => void = () => undefined;
  private endFirstSearch: () => void = () => undefined;

  constructor(private readonly log: (line: string) => void) {
    this.firstSearch = new Promise((resolve) => (this.endFirstSearch = resolve));
    this.refreshing = new Coalescer(systemClock, refreshIntervalMs, () => void this.refresh());
    this.registrations = [
      workspace.onDidChangeWorkspaceFolders(() => this.refreshing.request()),
      workspace.onDidChangeConfiguration((event) => {
        if (!event.affectsConfiguration("adaptive.learnersFiles")) return;
        this.watch();
        this.refreshing.request();
      }),
    ];
    this.watch();
    this.refreshing.request();
  }

  dispose(): void {
    this.refreshing.dispose();
    this.cancelSecondLook();
    for (const disposable of [...this.registrations, ...this.watchers]) disposable.dispose();
    this.studiesChanged.dispose();
    this.runsChanged.dispose();
  }

  private watch(): void {
    for (const watcher of this.watchers) watcher.dispose();
    const runs = workspace.createFileSystemWatcher("**/{.adaptive,.adaptive-*}/run.json");
    const onRun = (): void => this.runsChanged.fire();
    const files = learnersFiles().map((name) => workspace.createFileSystemWatcher(`**/${name}`));
    const onFile = (): void => this.refreshing.request();
    const created = workspace.createFileSystemWatcher("**/*", false, true, true);
    this.watchers = [
      runs,
      runs.onDidCreate(onRun),
      runs.onDidChange(onRun),
      runs.onDidDelete(onRun),
      created,
      created.onDidCreate(({ path }) => mayBeFolder(path) && this.lookInto()),
      ...files.flatMap((file) => [file, file.onDidCreate(onFile), file.onDidChange(onFile), file.onDidDelete(onFile)]),
    ];
  }

  /** Watchers miss what comes into a new folder before they watch that too, so it is looked for. */
  private lookInto(): void {
    this.refreshing.request();
    this.cancelSecondLook();
    this.cancelSecondLook = systemClock.after(quietMs, () => this.refreshing.request());
  }

  private async refresh(): Promise<void> {
    const search = ++this.searches;
    try {
      const folders = workspace.workspaceFolders ?? [];
      const found = (await Promise.all(folders.map(findStudies))).flat();
      // A search that began later knows better.
      if (search !== this.searches) return;
      this.studies = found;
      this.studiesChanged.fire();
    } catch (error) {
      this.log(`looking for studies: ${String(error)}`);
    }
    this.endFirstSearch();
  }
}

function learnersFiles(): readonly string[] {
  const names: unknown = workspace.getConfiguration("adaptive").get("learnersFiles");
  return Array.isArray(names) ? names.filter((name) => typeof name === "string") : ["_learners.py"];
}

async function findStudies(folder: WorkspaceFolder): Promise<Study[]> {
  const globs = learnersFiles().map((name) => new RelativePattern(folder, learnersGlob(name)));
  const files = (await Promise.all(globs.map((glob) => workspace.findFiles(glob, null, maxStudies)))).flat();
  const studies = files.filter(({ path }) => isStudyPath(path.slice(folder.uri.path.length + 1)));
  return Promise.all(studies.sort((a, b) => a.path.localeCompare(b.path)).map(readStudy));
}

async function readStudy(file: Uri): Promise<Study> {
  const folder = Uri.joinPath(file, "..");
  // One that cannot be read is a study all the same: its start says what is wrong.
  const text = await workspace.fs.readFile(file).then(textOf, () => "");
  return {
    folder,
    learnersFile: file.fsPath,
    name: RunDirectory.ofStudy(file.fsPath).name,
    learnersLine: learnersLineOf(text),
  };
}

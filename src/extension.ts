import { commands, type ExtensionContext, Uri, window, workspace } from "vscode";
import { Awakenings } from "./remote/awakenings";
import { clustersSetting } from "./remote/clustersSetting";
import { Clusters } from "./remote/connectClusters";
import { localRunSessions } from "./remote/connectLocally";
import { localProgram } from "./remote/program";
import { ownConfiguration } from "./remote/ssh/ownConfiguration";
import { WorkspaceStudies } from "./remote/studies";
import { systemClock } from "./scheduler/state/clock";
import { Actions } from "./views/actions";
import { ClusterActions } from "./views/clusterActions";
import { clusterQuestions } from "./views/clusterQuestions";
import { registerCommands } from "./views/commands";
import { keepContextKeys } from "./views/contextKeys";
import { Dashboards } from "./views/dashboards";
import { DisposableScope } from "./views/disposableScope";
import { ErrorDisplay } from "./views/errorDisplay";
import { createExampleStudy } from "./views/exampleStudy";
import { JobOutputs } from "./views/jobOutput";
import { JobsView } from "./views/jobsView";
import { LearnerFilter } from "./views/learnerFilter";
import { LearnersView } from "./views/learnersView";
import { PointTrials } from "./views/pointTrials";
import { PythonChoice } from "./views/pythonChoice";
import { RunChoice } from "./views/runChoice";
import { ShownRun } from "./views/shownRun";
import { ShownTexts } from "./views/shownTexts";
import { tellNews } from "./views/runNotices";
import { showStatusBar } from "./views/statusBar";
import { StudyEdits } from "./views/studyEdits";
import { terminalPath } from "./views/terminalPath";
import { Terminals } from "./views/terminals";

export function activate(context: ExtensionContext): void {
  const scope = new DisposableScope();
  context.subscriptions.push(scope);
  const log = scope.add(window.createOutputChannel("Adaptive", { log: true }));
  const note = (line: string): void => log.info(line);

  const studies = scope.add(new WorkspaceStudies(note));
  const memory = context.workspaceState;
  const distFolder = Uri.joinPath(context.extensionUri, "dist");
  const runtime = { execPath: process.execPath, electron: process.versions["electron"] };
  const program = localProgram(runtime, Uri.joinPath(distFolder, "scheduler", "main.js").fsPath);
  const clusters = scope.add(
    new Clusters({
      configuration: ownConfiguration(),
      setting: clustersSetting,
      distFolder: distFolder.fsPath,
      storage: context.globalStorageUri.fsPath,
      memory,
      everywhere: context.globalState,
      questions: clusterQuestions,
      log: note,
    }),
  );
  const awakenings = scope.add(new Awakenings(systemClock));
  scope.add(window.onDidChangeWindowState(({ focused }) => awakenings.focus(focused)));
  scope.add(awakenings.onDidAwake(() => clusters.probe()));
  const { onDidAwake } = awakenings;
  const sessions = scope.add(
    localRunSessions({ source: studies, distFolder, program, memory, clusters, onDidAwake, log: note }),
  );
  const run = scope.add(new ShownRun(sessions, note));
  const errors = new ErrorDisplay(log);
  const outputs = scope.add(new JobOutputs(sessions, note));
  const scripts = scope.add(new ShownTexts("adaptive-script"));
  const tracebacks = scope.add(new ShownTexts("adaptive-traceback"));
  const pythons = new PythonChoice({ sessions, log });
  const trials = new PointTrials({ sessions, tracebacks, pythons, memory, errors, log });
  const onStarting = (isStarting: boolean): void =>
    void commands.executeCommand("setContext", "adaptive.isStarting", isStarting);
  const actions = new Actions({
    sessions,
    clusters,
    outputs,
    scripts,
    trials,
    pythons,
    memory,
    errors,
    log,
    onStarting,
  });

  const edits = scope.add(new StudyEdits(run, sessions, note));
  const filter = scope.add(new LearnerFilter(sessions));
  const learners = scope.add(new LearnersView(run, sessions, edits, filter, note));
  learners.openAtStart();
  const jobs = scope.add(new JobsView(run, note));
  const dashboards = scope.add(new Dashboards(context, { sessions, edits, filter, actions, trials, log: note }));
  const terminalCommand = terminalPath(context, program, note);
  scope.add(showStatusBar(run, terminalCommand));
  scope.add(tellNews(run, sessions, Uri.joinPath(context.globalStorageUri, "told").fsPath, note));
  scope.add(keepContextKeys(run, sessions, edits, filter));
  const runs = new RunChoice({ sessions, clusters, errors, log });
  const logged = async () => String(await workspace.fs.readFile(Uri.joinPath(context.logUri, "Adaptive.log")));
  const { version } = context.extension.packageJSON as { version: string };
  const onClusters = new ClusterActions({ sessions, clusters, errors, log, logged, memory, version });
  const terminals = new Terminals(sessions);
  const examples = Uri.joinPath(distFolder, "example");
  const createExample = () => createExampleStudy(examples, errors);
  scope.add(
    registerCommands({
      createExample,
      actions,
      runs,
      clusters: onClusters,
      dashboards,
      learners,
      jobs,
      terminals,
      filter,
    }),
  );
}

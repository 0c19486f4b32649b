import { commands, type TreeView, window, workspace } from "vscode";
import type { LearnerState } from "../scheduler/state/rows";
import { RunDirectory } from "../scheduler/state/runDirectory";
import { clusterOf } from "../remote/clusterRuns";
import type { RunSessions } from "../remote/runSessions";
import { systemClock } from "../scheduler/state/clock";
import { DisposableScope } from "./disposableScope";
import { plural } from "../scheduler/state/counts";
import type { LearnerFilter } from "./learnerFilter";
import { conditionNode, groupPage, groupsOpenAtFirst, learnersTree, needNode, stateOfGroup } from "./learnersTreeModel";
import { NodeTree } from "./nodeTree";
import { Refresher } from "./refresher";
import { conditionOf } from "./runCondition";
import type { ShownRun } from "./shownRun";
import { awayLine, clusterName } from "./statusText";
import type { StudyEdits } from "./studyEdits";
import { drawHead } from "./viewHead";
import { learnersViewId } from "./viewProgress";

const refreshIntervalMs = 1000;

/** The view *Learners*. */
export class LearnersView {
  private readonly scope = new DisposableScope();
  private readonly tree: NodeTree;
  private readonly view: TreeView<string>;
  private readonly refresher: Refresher;
  private hasMatch = true;
  /** How many learners are shown of the groups that are open. */
  private readonly shown = new Map<LearnerState, number>(groupsOpenAtFirst.map((state) => [state, groupPage]));

  constructor(
    private readonly run: ShownRun,
    private readonly sessions: RunSessions,
    private readonly edits: StudyEdits,
    private readonly filter: LearnerFilter,
    log: (line: string) => void,
  ) {
    this.tree = this.scope.add(new NodeTree((id) => this.open(stateOfGroup(id))));
    this.view = this.scope.add(
      window.createTreeView(learnersViewId, {
        treeDataProvider: this.tree,
        canSelectMany: true,
        showCollapseAll: true,
      }),
    );
    this.refresher = this.scope.add(
      new Refresher(
        systemClock,
        refreshIntervalMs,
        () => this.refresh(),
        (error) => log(`learners: ${String(error)}`),
      ),
    );
    const request = (): void => this.refresher.request();
    this.scope.add(run.onDidChange(request));
    this.scope.add(edits.onDidChange(request));
    this.scope.add(filter.onDidChange(request));
    this.scope.add(sessions.onDidChangeStudies(request));
    this.scope.add(this.view.onDidChangeVisibility(request));
    this.scope.add(
      this.view.onDidCollapseElement(({ element }) => {
        const state = stateOfGroup(element);
        if (state !== null) this.shown.delete(state);
      }),
    );
    request();
  }

  showMore(state: LearnerState): void {
    this.shown.set(state, (this.shown.get(state) ?? 0) + groupPage);
    this.refresher.request();
  }

  /** Brings the view to the front, where a person wants a window to begin with it. */
  openAtStart(): void {
    const isWanted = workspace.getConfiguration("adaptive").get("openViewAtStart", false);
    if (isWanted) void commands.executeCommand(`${learnersViewId}.focus`);
  }

  dispose(): void {
    this.scope.dispose();
  }

  private open(state: LearnerState | null): void {
    if (state === null || this.shown.has(state)) return;
    this.shown.set(state, groupPage);
    this.refresher.request();
  }

  private async refresh(): Promise<void> {
    this.drawTitle();
    const { session, overview } = this.run;
    if (session === null) return this.tree.show([]);
    if (overview === null) return this.tree.show(needNode(session.link));
    if (!this.view.visible) return;
    const filter = this.filter.text;
    const counts = filter === "" ? overview.learners : await session.query("matches", { filter });
    const open = [...this.shown].filter(([state]) => counts[state] > 0);
    const pages = await Promise.all(
      open.map(async ([state, limit]) => {
        const query = { states: [state], filter, orderBy: "position", descending: false, offset: 0, limit } as const;
        return [state, await session.query("learners", query)] as const;
      }),
    );
    if (session !== this.run.session || filter !== this.filter.text) return;
    this.hasMatch = Object.values(counts).some((count) => count > 0);
    this.drawTitle();
    const condition = conditionOf(overview, session.notice);
    this.tree.show([...needNode(session.link), ...conditionNode(condition), ...learnersTree(counts, new Map(pages))]);
  }

  private drawTitle(): void {
    const { overview, session } = this.run;
    // A message hides what the view says while it is empty.
    const condition = overview && conditionOf(overview, session?.notice ?? null);
    const isOver = condition?.kind === "finished";
    const lines = [
      overview === null || session === null || isOver ? "" : awayLine(session.link, Date.now()),
      this.edits.notice?.line ?? "",
      this.hasMatch ? "" : "No learner matches the filter.",
    ];
    const message = lines.filter((line) => line !== "").join("\n");
    if (overview === null) {
      this.view.badge = undefined;
      const description =
        session === null ? studiesLine(this.sessions) : RunDirectory.ofStateFolder(session.directory).name;
      drawHead(this.view, { message, description });
      return;
    }
    const { run, learners } = overview;
    const words = [
      // First, for the line is cut off where the view ends.
      ...(this.filter.text === "" ? [] : [`filter: ${this.filter.text}`]),
      clusterName(clusterOf(session?.directory ?? "", run.cluster)),
      run.name,
      ...(condition === null ? [] : [condition.word]),
    ];
    drawHead(this.view, { message, description: words.join(" · ") });
    const [value, what] = learners.failed > 0 ? [learners.failed, "failed"] : [learners.running, "running"];
    this.view.badge = value === 0 ? undefined : { value, tooltip: `${plural(value, "learner")} ${what}` };
  }
}

function studiesLine({ studies }: RunSessions): string {
  const [study] = studies;
  if (study === undefined) return "";
  return studies.length === 1 ? `study ${study.name}` : plural(studies.length, "study", "studies");
}

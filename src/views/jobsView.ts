import { type TreeView, window } from "vscode";
import { systemClock } from "../scheduler/state/clock";
import type { JobView } from "../remote/replica/queries";
import { DisposableScope } from "./disposableScope";
import { cancellableAt, jobsTree, maxJobsShown } from "./jobsTreeModel";
import { NodeTree } from "./nodeTree";
import { Refresher } from "./refresher";
import type { ShownRun } from "./shownRun";

const refreshIntervalMs = 1000;

/** The view *Jobs*. */
export class JobsView {
  private readonly scope = new DisposableScope();
  private readonly tree: NodeTree;
  private readonly view: TreeView<string>;
  private jobs: readonly JobView[] = [];

  constructor(
    private readonly run: ShownRun,
    log: (line: string) => void,
  ) {
    this.tree = this.scope.add(new NodeTree(() => undefined));
    this.view = this.scope.add(
      window.createTreeView("adaptive.jobs", { treeDataProvider: this.tree, showCollapseAll: true }),
    );
    const refresher = this.scope.add(
      new Refresher(
        systemClock,
        refreshIntervalMs,
        () => this.refresh(),
        (error) => log(`jobs: ${String(error)}`),
      ),
    );
    this.scope.add(run.onDidChange(() => refresher.request()));
    this.scope.add(this.view.onDidChangeVisibility(() => refresher.request()));
    const clock = setInterval(() => this.tick(), refreshIntervalMs);
    this.scope.add({ dispose: () => clearInterval(clock) });
  }

  /** The learner that a job runs, or null. */
  learnerOf(jobId: string): number | null {
    return this.jobs.find((job) => job.jobId === jobId)?.learner?.id ?? null;
  }

  /** The jobs that a node stands for and that can be cancelled. */
  cancellableAt(node: string): JobView[] {
    return cancellableAt(node, this.jobs);
  }

  dispose(): void {
    this.scope.dispose();
  }

  private async refresh(): Promise<void> {
    const { session, overview } = this.run;
    if (session !== null && overview !== null && !this.view.visible) return;
    this.jobs = session === null || overview === null ? [] : await session.query("jobs", { limit: maxJobsShown });
    this.draw();
  }

  /** Elapsed times go on by themselves. */
  private tick(): void {
    if (this.view.visible && this.jobs.some((job) => job.state === "running")) this.draw();
  }

  private draw(): void {
    this.tree.show(jobsTree(this.jobs, Date.now()));
  }
}

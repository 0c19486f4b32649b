import { type Disposable, type ExtensionContext, Uri, ViewColumn, type WebviewPanel, window } from "vscode";
import * as v from "valibot";
import type { RunSession } from "../remote/runSession";
import type { LearnerId } from "../scheduler/state/rows";
import { DashboardPanel, type DashboardWorld } from "./dashboardPanel";
import { pageRoots } from "./dashboardPage";
import { pageStateSchema } from "./messages";

const viewType = "adaptive.dashboard";

/** The dashboards that are open, one per run. */
export class Dashboards {
  private readonly panels = new Map<string, DashboardPanel>();
  private readonly serializer: Disposable;

  constructor(
    private readonly context: Pick<ExtensionContext, "extensionUri">,
    private readonly world: Omit<DashboardWorld, "extensionUri">,
  ) {
    this.serializer = window.registerWebviewPanelSerializer(viewType, {
      deserializeWebviewPanel: (panel, kept: unknown) => {
        const state = v.safeParse(pageStateSchema, kept);
        if (state.success && !this.panels.has(state.output.directory)) this.adopt(panel, state.output.directory);
        else panel.dispose();
        return Promise.resolve();
      },
    });
  }

  get areVisible(): boolean {
    return [...this.panels.values()].some(({ isVisible }) => isVisible);
  }

  /** @param learner to be shown in detail */
  show(session: RunSession, learner: LearnerId | null): void {
    const open = this.panels.get(session.directory);
    if (open !== undefined) open.reveal(learner);
    else {
      const panel = window.createWebviewPanel(viewType, "Adaptive", ViewColumn.Active);
      this.adopt(panel, session.directory).reveal(learner);
    }
  }

  dispose(): void {
    this.serializer.dispose();
    for (const panel of [...this.panels.values()]) panel.dispose();
  }

  private adopt(panel: WebviewPanel, directory: string): DashboardPanel {
    const { extensionUri } = this.context;
    panel.webview.options = { enableScripts: true, localResourceRoots: pageRoots(extensionUri) };
    panel.iconPath = Uri.joinPath(extensionUri, "media", "icon.png");
    const dashboard = new DashboardPanel(panel, directory, { extensionUri, ...this.world });
    this.panels.set(directory, dashboard);
    panel.onDidDispose(() => {
      this.panels.delete(directory);
      dashboard.dispose();
    });
    return dashboard;
  }
}

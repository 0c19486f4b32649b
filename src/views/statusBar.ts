import { type Disposable, StatusBarAlignment, ThemeColor, window } from "vscode";
import { clusterOf } from "../remote/clusterRuns";
import { together } from "./disposableScope";
import type { ShownRun } from "./shownRun";
import { linkText, statusText, statusTooltip } from "./statusText";

/** The run in the status bar; a click shows its progress. */
export function showStatusBar(run: ShownRun): Disposable {
  const item = window.createStatusBarItem("adaptive.status", StatusBarAlignment.Left, 10);
  item.name = "Adaptive";
  item.command = "adaptive.showProgress";
  const draw = (): void => {
    const { session, overview } = run;
    if (session === null || overview === null) return item.hide();
    const { link, notice } = session;
    const why = link.at === "retrying" || link.at === "offline" ? link.why : (notice?.message ?? null);
    item.text = statusText(overview, linkText(link, Date.now(), run.linkSinceMs));
    item.tooltip = statusTooltip(overview, clusterOf(session.directory, overview.run.cluster), why);
    item.accessibilityInformation = { label: item.tooltip };
    item.backgroundColor = link.at === "retrying" ? new ThemeColor("statusBarItem.warningBackground") : undefined;
    item.show();
  };
  // The seconds until the next attempt are counted down here.
  const clock = setInterval(() => run.session?.link.at === "retrying" && draw(), 1000);
  draw();
  return together(item, run.onDidChange(draw), { dispose: () => clearInterval(clock) });
}

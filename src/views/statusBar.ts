import { type Disposable, StatusBarAlignment, ThemeColor, window } from "vscode";
import { RunDirectory } from "../scheduler/state/runDirectory";
import { clusterOf } from "../remote/clusterRuns";
import { together } from "./disposableScope";
import { plain } from "./plain";
import { conditionOf, type Notice, type RunCondition } from "./runCondition";
import type { ShownRun } from "./shownRun";
import { linkText, statusText, statusTooltip, terminalLine } from "./statusText";

/**
 * The run in the status bar; a click shows its progress, or does what the run needs a person for.
 * @param command the path of the program for terminals
 */
export function showStatusBar(run: ShownRun, command: string): Disposable {
  const item = window.createStatusBarItem("adaptive.status", StatusBarAlignment.Left, 10);
  item.name = "Adaptive";
  const draw = (): void => {
    const { session, overview } = run;
    // What needs a person is said although nothing is known of the run yet.
    if (session === null || (overview === null && session.link.at !== "needsUser")) return item.hide();
    const { directory, link, notice } = session;
    const condition = overview && conditionOf(overview, notice);
    // Its scheduler has ended as it should.
    const isOver = (condition?.kind === "finished" || condition?.kind === "dataGone") && link.at === "offline";
    const said = isOver ? null : linkText(link, Date.now(), run.linkSinceMs);
    const isAway = (link.at === "retrying" || link.at === "offline") && !isOver;
    const why = isAway ? link.why : textOf(condition, notice);
    item.text =
      overview === null
        ? `$(graph-line) ${plain(`${RunDirectory.ofStateFolder(directory).name} · ${said}`)}`
        : statusText(overview, said, condition);
    const about =
      overview === null ? (said ?? "") : statusTooltip(overview, clusterOf(directory, overview.run.cluster), why);
    item.tooltip = `${about}\n${terminalLine(command)}`;
    item.accessibilityInformation = { label: about };
    const isAmiss =
      link.at === "retrying" ||
      link.at === "needsUser" ||
      condition?.kind === "waits" ||
      condition?.kind === "dataGone";
    item.backgroundColor = isAmiss ? new ThemeColor("statusBarItem.warningBackground") : undefined;
    item.command = link.at === "needsUser" ? "adaptive.connect" : "adaptive.showProgress";
    item.show();
  };
  // The seconds until the next attempt are counted down here.
  const clock = setInterval(() => run.session?.link.at === "retrying" && draw(), 1000);
  draw();
  return together(item, run.onDidChange(draw), { dispose: () => clearInterval(clock) });
}

/** What is to be known of the run, or else of what its scheduler meets. */
function textOf(condition: RunCondition | null, notice: Notice | null): string | null {
  const isBeside = condition?.kind === "lost" || condition?.kind === "dataGone";
  const isOwn = condition?.kind === "waits" || (isBeside && notice === null);
  const { message, hint } = isOwn ? { message: condition.detail, hint: condition.hint } : (notice ?? {});
  const lines = [message ?? "", hint ?? ""].filter((line) => line !== "");
  return lines.length > 0 ? lines.join("\n") : (condition?.line ?? null);
}

import { isOnCluster } from "../remote/clusterRuns";
import { canAsk } from "../remote/link";
import { commands, type Disposable } from "vscode";
import type { RunSessions } from "../remote/runSessions";
import { together } from "./disposableScope";
import { isFinished } from "./finished";
import type { LearnerFilter } from "./learnerFilter";
import type { ShownRun } from "./shownRun";
import type { StudyEdits } from "./studyEdits";
import { viewStateOf, type WindowFacts } from "./viewState";

/** Keeps the context keys that the manifest's menus and welcome texts go by. */
export function keepContextKeys(
  run: ShownRun,
  sessions: RunSessions,
  edits: StudyEdits,
  filter: LearnerFilter,
): Disposable {
  const known = new Map<string, unknown>();
  const set = (key: string, value: unknown): void => {
    if (known.get(key) === value) return;
    known.set(key, value);
    void commands.executeCommand("setContext", `adaptive.${key}`, value);
  };
  const update = (): void => {
    set("state", viewStateOf(factsOf(run, sessions)));
    set("isOnCluster", run.session !== null && isOnCluster(run.session.directory));
    set("canAct", run.session !== null && canAsk(run.session.link));
    set("needsUser", run.session?.link.at === "needsUser");
    set("isEdited", edits.parts.code);
    set("hasNewSettings", edits.parts.settings);
    set("isFiltered", filter.text !== "");
    set("isFinished", run.overview !== null && isFinished(run.overview));
    set("activity", run.overview?.run.activity ?? "none");
  };
  update();
  const sources = [run.onDidChange, sessions.onDidChangeStudies, edits.onDidChange, filter.onDidChange];
  return together(...sources.map((listen) => listen(update)));
}

function factsOf({ session, overview }: ShownRun, { studies, hasLooked }: RunSessions): WindowFacts {
  return {
    platform: process.platform,
    hasLooked,
    hasStudy: studies.length > 0,
    hasSession: session !== null,
    isCopied: session?.link.at === "offline" && session.link.isCopied === true,
    hasOverview: overview !== null,
  };
}

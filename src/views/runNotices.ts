import { commands, ConfigurationTarget, type Disposable, window, workspace } from "vscode";
import { isOnCluster } from "../remote/clusterRuns";
import type { Overview } from "../remote/replica/queries";
import type { RunSession } from "../remote/runSession";
import type { RunSessions } from "../remote/runSessions";
import { systemClock } from "../scheduler/state/clock";
import { together } from "./disposableScope";
import { plain } from "./plain";
import { Refresher } from "./refresher";
import { conditionOf } from "./runCondition";
import { asNews, isWanted, type News, quieter } from "./runNews";
import type { ShownRun } from "./shownRun";
import { isFirstToTell } from "./told";

/** What comes together, such as a pause and its explanation, is told together. */
const quietMs = 1500;
const never = "Don't Show Again";

/**
 * Tells that a run waits for a person or is finished: once of each cause.
 * @param folder remembers what was told, for all windows of this computer
 */
export function tellNews(
  run: ShownRun,
  sessions: Pick<RunSessions, "show">,
  folder: string,
  log: (line: string) => void,
): Disposable {
  const refresher = new Refresher(
    systemClock,
    quietMs,
    async () => {
      const { session } = run;
      const news = session === null ? null : await newsOf(session, run.overview);
      if (session === null || news === null || !(await isFirstToTell(folder, news.cause))) return;
      // It may stay on screen for as long as nobody is there; what happens meanwhile is told too.
      if (isWanted(news, level())) void tell(news, () => sessions.show(session.directory));
    },
    (error) => log(`telling of a run: ${String(error)}`),
  );
  return together(
    refresher,
    run.onDidChange(() => refresher.request()),
  );
}

async function newsOf(session: RunSession, overview: Overview | null): Promise<News | null> {
  const condition = overview && conditionOf(overview, session.notice);
  if (overview === null || condition === null) return null;
  const newest = { orderBy: "changedAt", descending: true, offset: 0, limit: 1 } as const;
  const [last] = (await session.query("learners", newest)).rows;
  return asNews(overview.run, condition, last?.changedAt ?? 0, isOnCluster(session.directory));
}

/** @param show turns to the run, where another one is shown by now */
async function tell({ message, isProblem, steps }: News, show: () => unknown): Promise<void> {
  const inform = isProblem ? window.showWarningMessage : window.showInformationMessage;
  const chosen = await inform(plain(message), ...steps.map(({ title }) => title), never);
  if (chosen === never) {
    await workspace
      .getConfiguration("adaptive")
      .update("notifications", quieter(isProblem), ConfigurationTarget.Global);
  }
  const step = steps.find(({ title }) => title === chosen);
  if (!step) return;
  show();
  await commands.executeCommand(step.command);
}

function level(): string {
  return workspace.getConfiguration("adaptive").get("notifications", "all");
}

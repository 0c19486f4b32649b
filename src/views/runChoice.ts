import { type LogOutputChannel, type QuickPickItem, window } from "vscode";
import type { CopyWish } from "../remote/runCommands";
import type { RunSession } from "../remote/runSession";
import type { RunSessions, WorkspaceRun } from "../remote/runSessions";
import { AdaptiveError } from "../scheduler/state/errors";
import { RunDirectory } from "../scheduler/state/runDirectory";
import { choose } from "./dialog";
import type { ErrorDisplay } from "./errorDisplay";
import { deletionQuestion, runLine, withData } from "./runWords";
import { withViewProgress } from "./viewProgress";

/** Which of the workspace's runs is shown, and what becomes of one as a whole. */
export class RunChoice {
  constructor(private readonly world: { sessions: RunSessions; errors: ErrorDisplay; log: LogOutputChannel }) {}

  /** @returns the run that is shown from now on, or null when none was chosen */
  async switchRun(): Promise<RunSession | null> {
    const { sessions, errors } = this.world;
    let shown: RunSession | null = null;
    await errors.attempt("Switch Run", async () => {
      const items = sessions.runs().then((runs) => {
        if (runs.length === 0) throw noRun();
        return runs.map((run) => itemOf(run, sessions.active?.directory));
      });
      const chosen = await window.showQuickPick(items, { title: "Switch Run", placeHolder: "Which run to show?" });
      if (chosen) shown = sessions.show(chosen.directory);
    });
    return shown;
  }

  /** Moves the run that is shown to its folder's trash, once a person has seen how much that is. */
  deleteRun(): Promise<void> {
    const { sessions, errors, log } = this.world;
    return errors.attempt("Delete Run", async () => {
      const directory = this.shown();
      const deletion = await withViewProgress("Delete Run", log, () => sessions.deletion(directory));
      const choice = await choose(deletionQuestion(deletion));
      const trash = await withViewProgress("Delete Run", log, () => sessions.delete(directory, choice === withData));
      log.info(`${deletion.name} was moved to ${trash}`);
    });
  }

  /** Says of the copied run that is shown what it is. */
  settleCopy(wish: CopyWish): Promise<void> {
    const { sessions, errors, log } = this.world;
    return errors.attempt(wish === "fork" ? "Use as New Run" : "Restored Backup", () =>
      withViewProgress("Starting", log, () => sessions.settleCopy(this.shown(), wish)),
    );
  }

  private shown(): string {
    const { active } = this.world.sessions;
    if (active === null) throw noRun();
    return active.directory;
  }
}

function noRun(): AdaptiveError {
  return new AdaptiveError("no-run", "There is no run here.", "Use Start Jobs to make one.");
}

function itemOf(run: WorkspaceRun, shown: string | undefined): QuickPickItem & { directory: string } {
  const isShown = run.directory === shown;
  return {
    label: `$(${isShown ? "check" : "graph-line"}) ${run.name}`,
    description: runLine(run),
    // What is in the folder beside the study is nothing to choose by; the name tells several in one folder apart.
    detail: RunDirectory.ofStateFolder(run.directory).path,
    directory: run.directory,
  };
}

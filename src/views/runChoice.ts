import { posix } from "node:path";
import { type LogOutputChannel, type QuickPickItem, QuickPickItemKind, window } from "vscode";
import { isOnCluster } from "../remote/clusterRuns";
import type { Clusters } from "../remote/connectClusters";
import type { CopyWish } from "../remote/runCommands";
import type { RunSession } from "../remote/runSession";
import type { RunSessions } from "../remote/runSessions";
import type { WorkspaceRun } from "../remote/workspaceRuns";
import { AdaptiveError } from "../scheduler/state/errors";
import { RunDirectory } from "../scheduler/state/runDirectory";
import { hostsToLookOn } from "./clusterChoices";
import { choose } from "./dialog";
import type { ErrorDisplay } from "./errorDisplay";
import { knownHosts } from "./pickCluster";
import { plain } from "./plain";
import { deletionQuestion, runLine, withData } from "./runWords";
import { withViewProgress } from "./viewProgress";

/** Which of the workspace's runs is shown, and what becomes of one as a whole. */
export class RunChoice {
  constructor(
    private readonly world: {
      sessions: RunSessions;
      clusters: Pick<Clusters, "names">;
      errors: ErrorDisplay;
      log: LogOutputChannel;
    },
  ) {}

  /** @returns the run that is shown from now on, or null when none was chosen */
  async switchRun(): Promise<RunSession | null> {
    const { sessions, clusters, errors } = this.world;
    let shown: RunSession | null = null;
    await errors.attempt("Switch Run", async () => {
      const items = Promise.all([sessions.runs(), knownHosts(clusters)]).then(([runs, { hosts, problems }]) => {
        const elsewhere = hostsToLookOn(hosts, problems).map(hostItem);
        if (runs.length + elsewhere.length === 0) throw noRun();
        return [...runs.map((run) => itemOf(run, sessions.active?.directory)), ...elsewhere];
      });
      const placeHolder = "Which run to show?";
      const chosen: Item | undefined = await window.showQuickPick(items, { title: "Switch Run", placeHolder });
      if (chosen?.directory !== undefined) shown = sessions.show(chosen.directory);
      else if (chosen?.host !== undefined) shown = await this.lookOn(chosen.host);
    });
    return shown;
  }

  /** Shows the run of this workspace's studies that is on a cluster; of several the one that is chosen. */
  private async lookOn(host: string): Promise<RunSession | null> {
    const { sessions, log } = this.world;
    const found = await withViewProgress(host, log, (onStep, token) => {
      const cancelling = new AbortController();
      token.onCancellationRequested(() => cancelling.abort());
      return sessions.lookOn(host, { isAsked: true, onStep, signal: cancelling.signal });
    });
    const [first] = found;
    if (first === undefined) {
      throw new AdaptiveError(
        "no-run",
        `${host} has no run of this workspace's studies.`,
        `A study is looked for in a folder named as its own, in the runRoot of ${host} (adaptive.clusters).`,
      );
    }
    return found.length === 1 ? sessions.show(first.directory) : this.switchRun();
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

/** A run to show, or a host to look for some on. */
type Item = QuickPickItem & { directory?: string; host?: string };

function hostItem({ label, host }: { label: string; host: string | null }): Item {
  return host === null ? { label, kind: QuickPickItemKind.Separator } : { label, host };
}

function itemOf(run: WorkspaceRun, shown: string | undefined): Item {
  const isShown = run.directory === shown;
  return {
    label: `$(${isShown ? "check" : "graph-line"}) ${plain(run.name)}`,
    description: plain(runLine(run)),
    // What is in the folder beside the study is nothing to choose by; the name tells several in one folder apart.
    detail: isOnCluster(run.directory) ? posix.dirname(run.directory) : RunDirectory.ofStateFolder(run.directory).path,
    directory: run.directory,
  };
}

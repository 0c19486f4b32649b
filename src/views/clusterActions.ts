import { hostname, userInfo } from "node:os";
import { dirname } from "node:path";
import { type LogOutputChannel, type Memento, version as editorVersion, window, workspace } from "vscode";
import { textTail } from "../remote/boundedText";
import { hostOf, isOnCluster } from "../remote/clusterRuns";
import { type Clusters, downloadedInto } from "../remote/connectClusters";
import { writeDiagnostics } from "../remote/deploy/diagnostics";
import type { RunSession } from "../remote/runSession";
import type { RunSessions } from "../remote/runSessions";
import { downloadResults } from "../remote/studySync/downloadResults";
import type { Ledger } from "../remote/studySync/planDownload";
import { formatBytes } from "../scheduler/control/bytes";
import { systemClock } from "../scheduler/state/clock";
import { downloadedWords, downloadQuestion, notOnCluster, studyNotOpen } from "./clusterWords";
import { choose } from "./dialog";
import type { ErrorDisplay } from "./errorDisplay";
import { plain } from "./plain";
import { withViewProgress } from "./viewProgress";

interface ClusterActionsWorld {
  sessions: RunSessions;
  clusters: Clusters;
  errors: ErrorDisplay;
  log: LogOutputChannel;
  /** What the log holds. */
  logged(): Promise<string>;
  /** Of this workspace. */
  memory: Memento;
  version: string;
}

/** What a person can do about clusters, besides starting jobs there. */
export class ClusterActions {
  constructor(private readonly world: ClusterActionsWorld) {}

  /** Fetches the data files of the run that is shown into the study's folder. */
  downloadData(): Promise<void> {
    const { sessions, clusters, errors, log, memory } = this.world;
    return errors.attempt("Download Data", async () => {
      const session = sessions.active;
      if (session === null || !isOnCluster(session.directory)) throw notOnCluster;
      const study = await sessions.activeStudy();
      if (study === null) throw studyNotOpen(hostOf(session.directory), await sessions.folderOf(session));
      const folder = dirname(study.learnersFile);
      const host = hostOf(session.directory);
      const [ledgerKey, agreedKey, intoKey] = [
        `downloaded/${session.directory}`,
        `agreedDownloads/${session.directory}`,
        downloadedInto(folder),
      ];
      const kept = (key: string): string[] => memory.get<string[]>(key) ?? [];
      const keep = (key: string, more: readonly string[]) =>
        void memory.update(key, [...new Set([...kept(key), ...more])]);
      const done = await withViewProgress(study.name, log, async (progress, token) => {
        const cancelling = new AbortController();
        token.onCancellationRequested(() => cancelling.abort());
        const { signal } = cancelling;
        progress("Looking");
        const { path, ...reach } = await sessions.reach(session.directory, { isAsked: true, onStep: progress, signal });
        return downloadResults(
          { ...reach, clock: systemClock, signal },
          {
            run: path,
            folder,
            own: new Set(await clusters.runs.studyFiles(folder)),
            ledger: {
              load: () => memory.get<Ledger>(ledgerKey) ?? {},
              save: (ledger) => {
                void memory.update(ledgerKey, ledger);
                keep(intoKey, Object.keys(ledger));
              },
            },
            agreed: new Set(kept(agreedKey)),
            agree: async (places) => {
              await choose(downloadQuestion(host, folder, places));
              keep(
                agreedKey,
                places.map(({ place }) => place),
              );
              return true;
            },
            onProgress: (doneBytes, ofBytes) =>
              progress(`Downloading ${formatBytes(doneBytes)} of ${formatBytes(ofBytes)}`),
          },
        );
      });
      for (const { path, why } of done.refused) log.warn(`${host}: ${JSON.stringify(path)} was not taken: it ${why}`);
      const show = done.refused.length === 0 ? window.showInformationMessage : window.showWarningMessage;
      void show(plain(downloadedWords(done)));
    });
  }

  /** Takes off a cluster what was installed there. */
  removeScheduler(): Promise<void> {
    const { clusters, sessions, errors, log } = this.world;
    return errors.attempt("Remove Scheduler from Cluster", async () => {
      const shown = sessions.active?.directory ?? "";
      const hosts = isOnCluster(shown) ? [hostOf(shown)] : await clusters.names();
      const host =
        hosts.length === 1 ? hosts[0] : await window.showQuickPick(hosts, { title: "Remove Scheduler from Cluster" });
      if (host === undefined) return;
      await choose({
        message: `Remove the scheduler from ${host}?`,
        detail:
          "Its schedulers are ended and its program is deleted there. Runs and data stay. The next start installs it again.",
        choices: ["Remove"],
      });
      const runs = await withViewProgress(host, log, (progress, token) => {
        const cancelling = new AbortController();
        token.onCancellationRequested(() => cancelling.abort());
        return clusters.removeScheduler(host, { isAsked: true, onStep: progress, signal: cancelling.signal });
      });
      const left = runs.length === 0 ? "" : ` Its runs and their data stay: ${runs.join(", ")}.`;
      void window.showInformationMessage(plain(`Removed from ${host}.${left}`));
    });
  }

  /** Opens a report for whoever helps, in which nobody is recognised. */
  collectDiagnostics(): Promise<void> {
    const { sessions, clusters, errors, logged, version } = this.world;
    return errors.attempt("Collect Diagnostics", async () => {
      const active = sessions.active;
      const content = await writeDiagnostics(
        [
          {
            title: "Versions",
            read: () =>
              Promise.resolve(
                [`Adaptive ${version}`, `editor ${editorVersion}`, `${process.platform} ${process.arch}`].join("\n"),
              ),
          },
          {
            title: "Settings",
            read: () => Promise.resolve(JSON.stringify(workspace.getConfiguration("adaptive"), null, 2)),
          },
          { title: "Run", read: () => Promise.resolve(JSON.stringify({ ...linkOf(active) }, null, 2)) },
          { title: "Scheduler's log", read: () => (active === null ? noRun() : schedulerLog(sessions, active)) },
          { title: "Editor's log", read: logged },
        ],
        { users: [userInfo().username], hosts: [hostname(), ...(await clusters.names())] },
      );
      await window.showTextDocument(await workspace.openTextDocument({ content, language: "markdown" }));
    });
  }
}

function linkOf(active: RunSession | null): object {
  return active === null ? {} : { directory: active.directory, link: active.link, notice: active.notice };
}

function noRun(): Promise<string> {
  return Promise.resolve("no run is shown");
}

async function schedulerLog(sessions: RunSessions, { directory }: RunSession): Promise<string> {
  const { signal } = new AbortController();
  const { transport, path } = await sessions.reach(directory, { isAsked: false, onStep: () => undefined, signal });
  const process = await transport.exec(["tail", "-n", "300", `${path}/scheduler.log`], { stdin: "", signal });
  const [log, problem] = await Promise.all([process.stdout, process.stderr].map((said) => textTail(said, 1 << 20)));
  return log || problem || "it is empty";
}

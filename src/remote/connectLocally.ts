import { access, constants } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { type Event, type Memento, type Uri, workspace } from "vscode";
import { RunDirectory } from "../scheduler/state/runDirectory";
import { systemClock } from "../scheduler/state/clock";
import { hostOf, isOnCluster } from "./clusterRuns";
import type { Clusters } from "./connectClusters";
import { localTransport } from "./localTransport";
import { hostProfileOf, profileOf } from "./profile";
import type { Program } from "./program";
import { choosePython, type Profile } from "./python";
import { WorkerReplica } from "./replica/replica";
import type { FoundRun } from "./runSession";
import { RunSessions } from "./runSessions";
import { Session } from "./session";
import type { Study, StudySource } from "./studies";

interface LocalWorld {
  source: StudySource;
  /** Where the bundles lie. */
  distFolder: Uri;
  /** The scheduler for this computer. */
  program: Program;
  /** Of this workspace. */
  memory: Memento;
  clusters: Clusters;
  onDidAwake: Event<void>;
  log: (line: string) => void;
}

/** The runs of this workspace, with everything they take from the editor and the system. */
export function localRunSessions({
  source,
  distFolder,
  program,
  memory,
  clusters,
  onDidAwake,
  log,
}: LocalWorld): RunSessions {
  const inDist = (...names: string[]): string => join(distFolder.fsPath, ...names);
  const sessions: RunSessions = new RunSessions({
    source,
    isTrusted: () => workspace.isTrusted,
    onDidGrantTrust: workspace.onDidGrantWorkspaceTrust,
    findRuns,
    profileFor,
    remembered: {
      get: () => memory.get<string>(shownRun) ?? null,
      set: (directory) => void memory.update(shownRun, directory),
    },
    connect: (directory) =>
      new Session(directory, {
        reach: (need) => sessions.reach(directory, need),
        replica: new WorkerReplica({ workerFile: inDist("replicaWorker.js"), wasmFile: inDist("sql-wasm.wasm") }),
        onDidAwake,
        ...(isOnCluster(directory) && { onDidOpenWay: clusters.host(hostOf(directory)).onDidConnect }),
        clock: systemClock,
        random: Math.random,
        log,
      }),
    transport: localTransport,
    program,
    clusters: clusters.runs,
    clock: systemClock,
    log,
  });
  clusters.onDidConnect((host) => {
    sessions.lookOn(host, null).catch((error: unknown) => log(`the runs on ${host}: ${String(error)}`));
  });
  return sessions;
}

const shownRun = "shownRun";

async function findRuns(folder: string): Promise<FoundRun[]> {
  const found = await RunDirectory.allIn(folder);
  const runs = await Promise.allSettled(
    found.map(async (directory) => {
      const { name, created } = await directory.readRunFile();
      return { directory: directory.own, name, created };
    }),
  );
  // One that cannot be read does not hide the others beside it.
  return runs.flatMap((run) => (run.status === "fulfilled" ? [run.value] : []));
}

async function profileFor(study: Study, cluster: string): Promise<Profile> {
  if (cluster !== "local")
    return hostProfileOf(workspace.getConfiguration("adaptive").get("clusters"), cluster).profile;
  const around = workspace.getWorkspaceFolder(study.folder)?.uri.fsPath;
  const configuration = workspace.getConfiguration("adaptive", study.folder);
  const profile = profileOf(configuration.get("clusters"), "local");
  const python = await choosePython(
    {
      setting: configuration.get<string>("python") || profile.python,
      home: homedir(),
      folders: [study.folder.fsPath, ...(around === undefined ? [] : [around])],
    },
    (file) =>
      access(file, constants.X_OK).then(
        () => true,
        () => false,
      ),
  );
  return { ...profile, python };
}

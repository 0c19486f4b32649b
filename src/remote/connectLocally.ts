import { access, constants } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { type Memento, type Uri, workspace } from "vscode";
import { RunDirectory } from "../scheduler/state/runDirectory";
import { systemClock } from "../scheduler/state/clock";
import type { ClusterRuns } from "./clusterRuns";
import { localTransport } from "./localTransport";
import { hostProfileOf, profileOf } from "./profile";
import { localProgram } from "./program";
import { choosePython, type Profile } from "./python";
import { WorkerReplica } from "./replica/replica";
import type { FoundRun } from "./runSession";
import { RunSessions } from "./runSessions";
import { Session } from "./session";
import type { Study, StudySource } from "./studies";

/**
 * The runs on this machine, with everything they take from the editor and the system.
 * @param distFolder where the bundles lie
 * @param memory of this workspace
 */
export function localRunSessions(
  source: StudySource,
  distFolder: Uri,
  memory: Memento,
  clusters: ClusterRuns,
  log: (line: string) => void,
): RunSessions {
  const inDist = (...names: string[]): string => join(distFolder.fsPath, ...names);
  const runtime = { execPath: process.execPath, electron: process.versions["electron"] };
  const program = localProgram(runtime, inDist("scheduler", "main.js"));
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
        clock: systemClock,
        random: Math.random,
        log,
      }),
    transport: localTransport,
    program,
    clusters,
    clock: systemClock,
    log,
  });
  return sessions;
}

const shownRun = "shownRun";

async function findRuns(folder: string): Promise<FoundRun[]> {
  const found = await RunDirectory.allIn(folder);
  return Promise.all(
    found.map(async (directory) => {
      const { name, created } = await directory.readRunFile();
      return { directory: directory.own, name, created };
    }),
  );
}

async function profileFor(study: Study, cluster: string): Promise<Profile> {
  if (cluster !== "local")
    return hostProfileOf(workspace.getConfiguration("adaptive").get("clusters"), cluster).profile;
  const around = workspace.getWorkspaceFolder(study.folder)?.uri.fsPath;
  const profile = profileOf(workspace.getConfiguration("adaptive").get("clusters"), "local");
  const python = await choosePython(
    {
      setting: profile.python,
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

import type { Clock } from "../scheduler/state/clock";
import { type ClusterRuns, hostOf, isOnCluster } from "./clusterRuns";
import { runCommand } from "./launch";
import type { Program } from "./program";
import { listCommand, type ListedRun } from "./runCommands";
import type { FoundRun } from "./runSession";
import type { StudySource } from "./studies";
import type { CommandTransport } from "./transport";

const listDeadlineMs = 120_000;

export interface WorkspaceRunsWorld {
  source: StudySource;
  /** The runs in a folder of studies. */
  findRuns(folder: string): Promise<readonly FoundRun[]>;
  /** Of this computer. */
  transport: CommandTransport;
  program: Program;
  clusters: ClusterRuns;
  clock: Clock;
  log: (line: string) => void;
}

/** A run of the workspace, and how it stands as far as that is known. */
export type WorkspaceRun = FoundRun & Partial<Pick<ListedRun, "state" | "learners">>;

/** The runs of the workspace's studies, here and on clusters. */
export class WorkspaceRuns {
  constructor(private readonly world: WorkspaceRunsWorld) {}

  /** Those that are known; asks no cluster. */
  async find(): Promise<FoundRun[]> {
    const { source, clusters } = this.world;
    const folders = new Set(source.studies.map((study) => study.folder.fsPath));
    const found = await Promise.all(
      [...folders].map((folder) => this.orNone(`the runs in ${folder}`, this.world.findRuns(folder))),
    );
    const onClusters = clusters.all.filter((run) =>
      source.studies.some((study) => study.learnersFile === run.learnersFile),
    );
    return [...found.flat(), ...onClusters];
  }

  /** Newest first, with how they stand as far as that can be told now: a cluster is asked where there is a connection. */
  async list(): Promise<WorkspaceRun[]> {
    const { transport, program, clusters, clock } = this.world;
    const { signal } = new AbortController();
    const found = await this.find();
    const hosts = new Set(found.filter(({ directory }) => isOnCluster(directory)).map((run) => hostOf(run.directory)));
    const [here, ...there] = await Promise.all([
      runCommand(transport, listCommand(program), { clock, deadlineMs: listDeadlineMs, signal }),
      ...[...hosts].map((host) => this.orNone(`the runs on ${host}`, clusters.listed(host, null))),
    ]);
    const standing = new Map(here.map((run) => [run.stateFolder, run]));
    for (const run of there.flat()) standing.set(run.directory, run.listed);
    return found
      .sort((a, b) => b.created.localeCompare(a.created))
      .map((run) => ({ ...standing.get(run.directory), ...run }));
  }

  private orNone<T>(what: string, found: Promise<readonly T[]>): Promise<readonly T[]> {
    return found.catch((error: unknown) => {
      this.world.log(`${what}: ${String(error)}`);
      return [];
    });
  }
}

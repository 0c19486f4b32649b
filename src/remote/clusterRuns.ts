import { dirname } from "node:path";
import type { Clock } from "../scheduler/state/clock";
import type { TypedSettings } from "../scheduler/state/layers";
import type { ClusterHost, Need } from "./deploy/clusterHost";
import { prepareStudy } from "./deploy/prepareStudy";
import type { Profile } from "./python";
import type { Reached } from "./reached";
import type { FoundRun } from "./runSession";
import type { StudyPlan } from "./studySync/plan";

/** A run of this workspace on a cluster, as this computer remembers it; `directory` is the host and the path there. */
export interface ClusterRun extends FoundRun {
  /** On this computer. */
  learnersFile: string;
}

export interface ClusterRunsWorld {
  clock: Clock;
  /** Who sends a folder, in words for whoever finds it there. */
  sender(folder: string): string;
  host(name: string): ClusterHost;
  settings(host: string): { profile: Profile; runRoot: string };
  /** What a person is shown before a study is sent. */
  agree(host: string, there: string, plan: StudyPlan): Promise<boolean>;
  /** Of this workspace. */
  memory: { get(): readonly ClusterRun[]; set(runs: readonly ClusterRun[]): void };
}

/** The runs of this workspace on clusters, and the way to them. */
export class ClusterRuns {
  constructor(private readonly world: ClusterRunsWorld) {}

  get all(): readonly ClusterRun[] {
    return this.world.memory.get();
  }

  /** Sends the study and makes its run, or has the one that exists go by the study and settings of now. */
  async prepare(
    host: string,
    study: { learnersFile: string; name: string },
    typed: TypedSettings,
    need: Need,
  ): Promise<{ run: string; resumed: boolean; keptAside: readonly string[] }> {
    const { clock, sender, agree, memory } = this.world;
    const { profile, runRoot } = this.world.settings(host);
    const cluster = await this.world.host(host).ready(need);
    const { transport } = cluster;
    const { signal, onStep } = need;
    const made = await prepareStudy(
      {
        ...{ transport, clock, signal, onStep, runRoot },
        sender: sender(dirname(study.learnersFile)),
        agree: (plan, there) => agree(host, there, plan),
      },
      cluster,
      { learnersFile: study.learnersFile, profile, typed },
    );
    const directory = `${host}:${made.run}`;
    const known = memory.get().find((run) => run.directory === directory);
    const created = known?.created ?? new Date(clock.now()).toISOString();
    const { name, learnersFile } = study;
    memory.set([
      ...memory.get().filter((run) => run.directory !== directory),
      { directory, name, created, learnersFile },
    ]);
    return { run: directory, resumed: made.resumed, keptAside: made.keptAside };
  }

  /** The way to a run. */
  async reach(directory: string, need: Need): Promise<Reached> {
    const { host, path } = splitDirectory(directory);
    const { transport, program } = await this.world.host(host).ready(need);
    return { transport, program, path };
  }

  /** A run that is not there any more. */
  forget(directory: string): void {
    this.world.memory.set(this.world.memory.get().filter((run) => run.directory !== directory));
  }
}

/** Whether it names a run on a cluster. */
export function isOnCluster(directory: string): boolean {
  // On Windows a single letter before the colon is a disk.
  return /^[^/\\]{2,}:\//.test(directory);
}

/**
 * What the cluster of a run is called: its host, where a person picked one.
 * @param queue where its jobs go, as the run says it
 */
export function clusterOf(directory: string, queue: string): string {
  return isOnCluster(directory) ? hostOf(directory) : queue;
}

/** Of a run on a cluster. */
export function hostOf(directory: string): string {
  return splitDirectory(directory).host;
}

function splitDirectory(directory: string): { host: string; path: string } {
  const at = directory.indexOf(":/");
  return { host: directory.slice(0, at), path: directory.slice(at + 1) };
}

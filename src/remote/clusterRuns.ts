import { dirname } from "node:path";
import type { Clock } from "../scheduler/state/clock";
import type { TypedSettings } from "../scheduler/state/layers";
import { RunDirectory } from "../scheduler/state/runDirectory";
import type { ClusterHost, Need, ReadyCluster } from "./deploy/clusterHost";
import { placeOf, prepareStudy } from "./deploy/prepareStudy";
import { runCommand } from "./launch";
import type { Profile } from "./python";
import type { Reached } from "./reached";
import { listCommand, type ListedRun } from "./runCommands";
import type { FoundRun } from "./runSession";
import type { StudyPlan } from "./studySync/plan";
import type { TerminalTransport } from "./transport";

const listDeadlineMs = 120_000;

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
  settings(host: string): { profile: Profile; runRoot: string; schedulerInJob?: boolean };
  /** What a person is shown before a study is sent. */
  agree(host: string, there: string, plan: StudyPlan): Promise<boolean>;
  /** Asks a person whether schedulers there are to be jobs of the queue from now on. */
  offerJob?(host: string): Promise<boolean>;
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
    const { profile, runRoot, schedulerInJob = false } = this.world.settings(host);
    const cluster = await this.world.host(host).ready(need);
    const { transport } = cluster;
    const { signal, onStep } = need;
    const made = await prepareStudy(
      {
        ...{ transport, clock, signal, onStep, runRoot, schedulerInJob },
        offerJob: async () => (await this.world.offerJob?.(host)) === true,
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

  /**
   * All runs of this user on a host; none when there is no connection and nobody may be asked for one.
   * @param need null to make none
   */
  async listed(host: string, need: Need | null): Promise<{ directory: string; listed: ListedRun }[]> {
    const { clock } = this.world;
    const there = await this.ready(host, need);
    if (there === null) return [];
    const { signal } = need ?? new AbortController();
    const runs = await runCommand(there.transport, listCommand(there.program), {
      clock,
      deadlineMs: listDeadlineMs,
      signal,
    });
    return runs.map((listed) => ({ directory: `${host}:${listed.stateFolder}`, listed }));
  }

  /**
   * The runs of these studies on a host, also those that were made from elsewhere, which are remembered from now on.
   * @param need null to look only where there is a connection
   */
  async discover(
    host: string,
    studies: readonly { learnersFile: string; name: string }[],
    need: Need | null,
  ): Promise<readonly ClusterRun[]> {
    const there = await this.ready(host, need);
    if (there === null) return [];
    const { memory, settings } = this.world;
    const listed = (await this.listed(host, need)).filter(({ listed: { state } }) => state !== "gone");
    const found = studies.flatMap(({ learnersFile, name }) => {
      const place = placeOf(dirname(learnersFile), settings(host).runRoot, there.probe);
      const directory = `${host}:${place}/${RunDirectory.ofStudy(learnersFile).folder}`;
      const run = listed.find((other) => other.directory === directory);
      return run === undefined ? [] : [{ directory, name, created: run.listed.created, learnersFile }];
    });
    const known = new Set(memory.get().map(({ directory }) => directory));
    const fresh = found.filter(({ directory }) => !known.has(directory));
    if (fresh.length > 0) memory.set([...memory.get(), ...fresh]);
    return found;
  }

  private async ready(host: string, need: Need | null): Promise<ReadyCluster | null> {
    const one = this.world.host(host);
    return need === null ? one.connected : one.ready(need);
  }

  /** The way to a run. */
  async reach(directory: string, need: Need): Promise<Reached<TerminalTransport>> {
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

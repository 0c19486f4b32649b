import { dirname, posix } from "node:path";
import type { EditedParts } from "../scheduler/control/studyComparison";
import type { Clock } from "../scheduler/state/clock";
import type { TypedSettings } from "../scheduler/state/layers";
import { AdaptiveError } from "../scheduler/state/errors";
import { RunDirectory } from "../scheduler/state/runDirectory";
import { atHome } from "./deploy/atHome";
import type { ClusterHost, Need, ReadyCluster } from "./deploy/clusterHost";
import { isOutdated } from "./deploy/pythonProblem";
import { placeOf, prepareStudy } from "./deploy/prepareStudy";
import { type SendWorld, sendFolder } from "./deploy/sendFolder";
import { Emitter } from "./event";
import { runCommand } from "./launch";
import { interpreterOf, type Profile } from "./python";
import type { Machine } from "./pythons";
import type { Reached } from "./reached";
import { listCommand, type ListedRun } from "./runCommands";
import type { FoundRun } from "./runSession";
import type { StudyPlan } from "./studySync/plan";
import { editedSince, planFolder, type SentFiles } from "./studySync/sentFiles";
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
  /** Files of a study's folder that a run's data was downloaded into. */
  downloaded?(folder: string): readonly string[];
  /** What this workspace has sent, by run. */
  sent?: { get(): Readonly<Record<string, SentFiles>>; set(sent: Readonly<Record<string, SentFiles>>): void };
}

/** The runs of this workspace on clusters, and the way to them. */
export class ClusterRuns {
  private readonly sentStudy = new Emitter<void>();
  readonly onDidSend = this.sentStudy.event;

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
  ): Promise<{ run: string; resumed: boolean; keptAside: readonly string[]; warnings: readonly string[] }> {
    const { profile, runRoot, schedulerInJob = false } = this.world.settings(host);
    const one = this.world.host(host);
    let cluster = await one.ready(need);
    if (isOutdated(cluster, profile)) {
      one.lookAgain();
      cluster = await one.ready(need);
    }
    const { transport } = cluster;
    const made = await prepareStudy(
      {
        ...{ transport, runRoot, schedulerInJob },
        ...this.sending(host, dirname(study.learnersFile), need),
        offerJob: async () => (await this.world.offerJob?.(host)) === true,
      },
      cluster,
      { learnersFile: study.learnersFile, profile, typed },
    );
    if (!isPathThere(made.run)) {
      throw new AdaptiveError("bad-answer", `${host} did not say where the run is.`, "See the log.", {
        cause: made.run,
      });
    }
    const directory = `${host}:${made.run}`;
    this.note(directory, study);
    this.noteSent(directory, made.sent);
    return { run: directory, resumed: made.resumed, keptAside: made.keptAside, warnings: made.warnings };
  }

  /** The machine on which the scheduler of a study runs. */
  async machine(host: string, learnersFile: string, need: Need): Promise<Machine> {
    const { clock, settings } = this.world;
    const { transport, program, probe } = await this.world.host(host).ready(need);
    const { profile, runRoot } = settings(host);
    const { python, prelude } = interpreterOf(profile);
    const { libc, machine: architecture, home, place } = probe;
    return {
      ...{ transport, program, clock, folder: placeOf(dirname(learnersFile), runRoot, probe) },
      ...{ python: atHome(python, home), prelude },
      remote: { host, architecture, glibc: libc?.name === "glibc" ? libc.version : null, place: place.path },
    };
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
    const { memory } = this.world;
    const listed = (await this.listed(host, need)).filter(({ listed: { state } }) => state !== "gone");
    const found = studies.flatMap(({ learnersFile, name }) => {
      const directory = this.directoryOf(host, learnersFile, there);
      const run = listed.find((other) => other.directory === directory);
      return run === undefined ? [] : [{ directory, name, created: run.listed.created, learnersFile }];
    });
    const known = new Set(memory.get().map(({ directory }) => directory));
    const fresh = found.filter(({ directory }) => !known.has(directory));
    if (fresh.length > 0) memory.set([...memory.get(), ...fresh]);
    return found;
  }

  /**
   * Remembers the run that a study has on a host that is connected, although it is not made ready: it may be a copy, and
   * a person says what it is.
   * @returns which it is; null where there is no connection
   */
  remember(host: string, study: { learnersFile: string; name: string }): string | null {
    const there = this.world.host(host).connected;
    if (there === null) return null;
    const directory = this.directoryOf(host, study.learnersFile, there);
    this.note(directory, study);
    return directory;
  }

  /** The way to a run. */
  async reach(directory: string, need: Need): Promise<Reached<TerminalTransport>> {
    const { host, path } = splitDirectory(directory);
    const { transport, program } = await this.world.host(host).ready(need);
    return { transport, program, path };
  }

  /** Sends what was edited of a run's study; one that is not known here is left as it is there. */
  async send(directory: string, need: Need): Promise<void> {
    const folder = this.folderOf(directory);
    if (folder === null) return;
    const { host, path } = splitDirectory(directory);
    const { transport, program } = await this.world.host(host).ready(need);
    const world = { transport, ...this.sending(host, folder, need) };
    this.noteSent(directory, (await sendFolder(world, program, folder, posix.dirname(path))).sent);
  }

  /** What of a run's study was edited here since it was sent from here; nothing where it never was. */
  async edited(directory: string): Promise<EditedParts> {
    const [folder, sent] = [this.folderOf(directory), this.world.sent?.get()[directory]];
    return folder === null || sent === undefined
      ? { code: false, settings: false }
      : editedSince(sent, folder, this.downloaded(folder));
  }

  /** What of a study's folder is sent to clusters. */
  async studyFiles(folder: string): Promise<readonly string[]> {
    return (await planFolder(folder, this.downloaded(folder))).send.map(({ path }) => path);
  }

  /** Where a run's study is on this computer; null when that is not known. */
  folderOf(directory: string): string | null {
    const run = this.all.find((one) => one.directory === directory);
    return run === undefined ? null : dirname(run.learnersFile);
  }

  /** A run that is not there any more. */
  forget(directory: string): void {
    const { memory, sent } = this.world;
    memory.set(memory.get().filter((run) => run.directory !== directory));
    const { [directory]: _, ...others } = sent?.get() ?? {};
    sent?.set(others);
  }

  private async ready(host: string, need: Need | null): Promise<ReadyCluster | null> {
    const one = this.world.host(host);
    return need === null ? one.connected : one.ready(need);
  }

  private sending(host: string, folder: string, { signal, onStep }: Need): Omit<SendWorld, "transport"> {
    const { clock, sender, agree } = this.world;
    return {
      ...{ clock, signal, onStep, sender: sender(folder), downloaded: this.downloaded(folder) },
      agree: (plan, there) => agree(host, there, plan),
    };
  }

  private downloaded(folder: string): ReadonlySet<string> {
    return new Set(this.world.downloaded?.(folder));
  }

  private directoryOf(host: string, learnersFile: string, { probe }: ReadyCluster): string {
    const place = placeOf(dirname(learnersFile), this.world.settings(host).runRoot, probe);
    return `${host}:${place}/${RunDirectory.ofStudy(learnersFile).folder}`;
  }

  private note(directory: string, { name, learnersFile }: { learnersFile: string; name: string }): void {
    const { clock, memory } = this.world;
    const known = memory.get().find((run) => run.directory === directory);
    const created = known?.created ?? new Date(clock.now()).toISOString();
    const others = memory.get().filter((run) => run.directory !== directory);
    memory.set([...others, { directory, name, created, learnersFile }]);
  }

  private noteSent(directory: string, files: SentFiles): void {
    const { sent } = this.world;
    sent?.set({ ...sent.get(), [directory]: files });
    this.sentStudy.fire();
  }
}

/** Absolute, and as it stands: it is told from a path of this computer by that. */
function isPathThere(path: string): boolean {
  return posix.isAbsolute(path) && posix.normalize(path) === path && !/\p{Cc}/u.test(path);
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

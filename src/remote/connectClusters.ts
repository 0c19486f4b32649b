import { hostname, userInfo } from "node:os";
import { join } from "node:path";
import type { Memento } from "vscode";
import { systemClock } from "../scheduler/state/clock";
import { ClusterRuns, type ClusterRun } from "./clusterRuns";
import { ClusterHost, type Need } from "./deploy/clusterHost";
import type { NodeOffer } from "./deploy/chooseNode";
import { connectCluster } from "./deploy/connectCluster";
import type { NodeSource } from "./deploy/nodeArchive";
import { removeScheduler } from "./deploy/removeScheduler";
import { Emitter } from "./event";
import { type HostProfile, hostProfileOf } from "./profile";
import type { Prompts } from "./ssh/prompts";
import type { SshConfiguration } from "./ssh/resolveHost";
import { SshHosts } from "./ssh/sshHosts";
import type { StudyPlan } from "./studySync/plan";
import type { SentFiles } from "./studySync/sentFiles";

/** What a person is asked on the way to a cluster. */
export interface ClusterQuestions {
  prompts: Prompts;
  askForNode(host: string, offer: NodeOffer): Promise<NodeSource | null>;
  agreeToSend(host: string, there: string, plan: StudyPlan): Promise<boolean>;
  /** Whether schedulers are to run in jobs, where a host ends what a session leaves running. */
  offerJob(host: string): Promise<boolean>;
}

/** The user setting `adaptive.clusters`. */
export interface ClustersSetting {
  /** As a person wrote it. */
  get(): unknown;
  /** Among the user's settings, as if they had typed it. */
  setSchedulerInJob(host: string): Promise<void>;
}

interface ClustersWorld {
  configuration: SshConfiguration;
  setting: ClustersSetting;
  /** Where the bundles lie. */
  distFolder: string;
  /** Of the extension, on this computer. */
  storage: string;
  /** Of this workspace. */
  memory: Pick<Memento, "get" | "update">;
  /** Of the person, in every workspace. */
  everywhere: Pick<Memento, "get" | "update">;
  questions: ClusterQuestions;
  log: (line: string) => void;
}

const keepAlive = { intervalMs: 5_000, countMax: 3 };

/** The clusters that the person's SSH configuration and settings name, each connected when somebody needs it. */
export class Clusters {
  readonly runs: ClusterRuns;
  private readonly hosts = new Map<string, ClusterHost>();
  private readonly connected = new Emitter<string>();
  /** A host, by its name, is connected and ready. */
  readonly onDidConnect = this.connected.event;
  private readonly ssh: SshHosts;

  constructor(private readonly world: ClustersWorld) {
    const { memory, questions, storage, configuration, setting, log } = world;
    this.ssh = new SshHosts({
      configuration,
      prompts: questions.prompts,
      ownKnownHosts: join(storage, "known_hosts"),
      keepAlive,
      log,
    });
    this.runs = new ClusterRuns({
      clock: systemClock,
      sender: (folder) => `${userInfo().username} on ${hostname()} (${folder})`,
      host: (name) => this.host(name),
      settings: (name) => this.profile(name),
      agree: async (host, there, plan) => {
        const sentTo = memory.get<string[]>(agreedPlaces) ?? [];
        const place = `${host}:${there}`;
        if (sentTo.includes(place)) return true;
        if (!(await questions.agreeToSend(host, there, plan))) return false;
        await memory.update(agreedPlaces, [...sentTo, place]);
        return true;
      },
      offerJob: async (host) => {
        if (!(await questions.offerJob(host))) return false;
        await setting.setSchedulerInJob(host);
        return true;
      },
      memory: {
        get: () => memory.get<readonly ClusterRun[]>(clusterRuns) ?? [],
        set: (runs) => void memory.update(clusterRuns, runs),
      },
      downloaded: (folder) => memory.get<string[]>(downloadedInto(folder)) ?? [],
      sent: {
        get: () => memory.get<Readonly<Record<string, SentFiles>>>(sentFiles) ?? {},
        set: (sent) => void memory.update(sentFiles, sent),
      },
    });
  }

  /**
   * The hosts there are to choose from.
   * @param onProblem told of each file of the SSH configuration that cannot be read
   */
  async names(onProblem: (problem: string) => void = this.world.log): Promise<string[]> {
    const set = Object.keys(this.world.setting.get() ?? {}).filter((name) => name !== "local");
    return [...new Set([...set, ...(await this.ssh.list(onProblem)), ...this.connectedBefore()])];
  }

  /** A host, which is connected when somebody needs it. */
  host(name: string): ClusterHost {
    return this.hosts.get(name) ?? this.add(new ClusterHost(name, this.hostWorld(name)));
  }

  /** Sees at once whether the connections there are still hold. */
  probe(): void {
    this.ssh.probe();
  }

  /** Takes off a host what was installed there; @returns the runs that stay. */
  async removeScheduler(name: string, need: Need): Promise<string[]> {
    const { transport, probe, program } = await this.host(name).ready(need);
    const { signal } = need;
    const removed = await removeScheduler({ transport, clock: systemClock, signal, place: probe.place.path }, program);
    this.host(name).lookAgain();
    return removed;
  }

  dispose(): void {
    for (const host of this.hosts.values()) host.dispose();
    this.ssh.dispose();
    this.connected.dispose();
  }

  private add(host: ClusterHost): ClusterHost {
    this.hosts.set(host.name, host);
    host.onDidConnect(() => {
      this.connected.fire(host.name);
      void this.remember(host.name);
    });
    return host;
  }

  /** Newest first: of a host that was typed nothing else knows. */
  private connectedBefore(): string[] {
    return this.world.everywhere.get<string[]>(connectedHosts) ?? [];
  }

  private async remember(name: string): Promise<void> {
    const others = this.connectedBefore().filter((other) => other !== name);
    await this.world.everywhere.update(connectedHosts, [name, ...others].slice(0, maxConnectedHosts));
  }

  private profile(name: string): HostProfile {
    return hostProfileOf(this.world.setting.get(), name);
  }

  private hostWorld(name: string): ConstructorParameters<typeof ClusterHost>[1] {
    const { distFolder, storage, questions } = this.world;
    return {
      open: (isAsked, signal) => this.ssh.connect(name, isAsked, signal),
      prepare: (transport, { isAsked, onStep, signal }) => {
        const { profile, node, installFolder } = this.profile(name);
        const { python = "python3", prelude = [] } = profile;
        return connectCluster({
          transport,
          clock: systemClock,
          signal,
          wish: { place: installFolder, node, python, prelude },
          distFolder,
          fetching: { cacheFolder: join(storage, "node"), download },
          onStep,
          askForNode: (offer) => (isAsked ? questions.askForNode(name, offer) : Promise.resolve(null)),
        });
      },
    };
  }
}

const connectedHosts = "connectedHosts";
const maxConnectedHosts = 20;
const agreedPlaces = "studiesSentTo";
const clusterRuns = "clusterRuns";
const sentFiles = "sentFiles";

/** The workspace's memory of the files that data was downloaded into. */
export function downloadedInto(folder: string): string {
  return `downloadedInto/${folder}`;
}

async function download(url: string, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>> {
  const response = await fetch(url, { signal });
  if (!response.ok || response.body === null) throw new Error(`${response.status} ${response.statusText}`);
  return response.body;
}

import type { TerminalTransport } from "../transport";
import { connectSsh, type SshWorld } from "./connect";
import type { UnlockedKeys } from "./identities";
import type { Prompts } from "./prompts";
import { listHosts, resolveHost, type SshConfiguration } from "./resolveHost";
import type { SshConnection } from "./sshConnection";

export interface SshHostsWorld extends Pick<SshWorld, "ownKnownHosts" | "keepAlive" | "log"> {
  configuration: SshConfiguration;
  prompts: Prompts;
}

/** The hosts that a person reaches over SSH, each by one connection that everything shares. */
export class SshHosts {
  private readonly connecting = new Map<string, Connecting>();
  private readonly unlocked: UnlockedKeys = new Map();
  private readonly enoughSessions = new Map<string, boolean>();
  private readonly disposing = new AbortController();

  constructor(private readonly world: SshHostsWorld) {}

  /** Those named in the person's configuration; a file of it that cannot be read costs its own hosts, and a word. */
  list(onProblem?: (problem: string) => void): Promise<string[]> {
    return listHosts(this.world.configuration, onProblem);
  }

  /**
   * The connection to a host, made when there is none.
   * @param mayAsk a person has just asked for it, and answers questions; else it fails with `needs-user` where one arises
   * @throws AdaptiveError see `connectSsh`
   */
  async connect(name: string, mayAsk: boolean, signal: AbortSignal): Promise<SshConnection> {
    const current = this.connecting.get(name);
    if (current === undefined) return this.begin(name, mayAsk, signal);
    if (current.mayAsk || !mayAsk) return current.connection;
    // What failed without asking may succeed with it.
    return current.connection.catch(() => this.connect(name, mayAsk, signal));
  }

  /** A host as a machine to work on: connects when it is used and has been lost, and never asks. */
  transport(name: string): TerminalTransport {
    const connect = (signal: AbortSignal): Promise<SshConnection> => this.connect(name, false, signal);
    return {
      exec: async (argv, options) => (await connect(options.signal)).exec(argv, options),
      upload: async (content, file, options) => (await connect(options.signal)).upload(content, file, options),
      terminal: async (argv, options) => (await connect(options.signal)).terminal(argv, options),
    };
  }

  /** Sees at once whether the connections there are still hold; those that do not end. */
  probe(): void {
    for (const { connection } of this.connecting.values()) void connection.then((made) => made.probe(), ignore);
  }

  dispose(): void {
    this.disposing.abort();
    for (const { connection } of this.connecting.values()) void connection.then((made) => made.dispose(), ignore);
    this.unlocked.clear();
  }

  private begin(name: string, mayAsk: boolean, signal: AbortSignal): Promise<SshConnection> {
    const { configuration, prompts, ...world } = this.world;
    const connection = connectSsh(
      name,
      {
        ...world,
        unlocked: this.unlocked,
        enoughSessions: this.enoughSessions,
        prompts: mayAsk ? prompts : null,
        resolveHost: (host) => resolveHost(host, configuration),
      },
      AbortSignal.any([signal, this.disposing.signal]),
    );
    this.connecting.set(name, { connection, mayAsk });
    const forget = (): void => void this.connecting.delete(name);
    connection.then(({ ended }) => ended.then(forget), forget);
    return connection;
  }
}

interface Connecting {
  connection: Promise<SshConnection>;
  mayAsk: boolean;
}

function ignore(): void {
  // It was not connected.
}

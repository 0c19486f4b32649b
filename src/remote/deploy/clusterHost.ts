import { AdaptiveError } from "../../scheduler/state/errors";
import { atHost } from "../atHost";
import { Emitter } from "../event";
import type { TerminalTransport, Transport } from "../transport";
import type { Cluster } from "./connectCluster";

/** A connection to a head node. */
export interface OpenTransport extends TerminalTransport {
  /** Resolves when it is over, for whatever reason. */
  readonly ended: Promise<unknown>;
}

/** Who needs a cluster, and may be asked for it. */
export interface Need {
  /** Whether a person has just asked for something: only then are they asked anything. */
  isAsked: boolean;
  onStep(step: string): void;
  /** Ends the waiting; others may still need the cluster. */
  signal: AbortSignal;
}

export interface ClusterHostWorld {
  open(isAsked: boolean, signal: AbortSignal): Promise<OpenTransport>;
  /** Looks at it and installs what is missing. */
  prepare(transport: Transport, need: Need): Promise<Cluster>;
}

/** A cluster that is connected and ready. */
export interface ReadyCluster extends Cluster {
  transport: OpenTransport;
}

interface Attempt {
  isAsked: boolean;
  ready: Promise<ReadyCluster>;
}

/** A cluster as all of a window's sessions share it: one connection, made when somebody needs it, and again when it was lost. */
export class ClusterHost {
  private readonly readied = new Emitter<void>();
  /** It is connected and ready. */
  readonly onDidConnect = this.readied.event;
  private current: Attempt | null = null;
  private now: ReadyCluster | null = null;
  private readonly waiting = new Set<Need>();
  private readonly disposing = new AbortController();

  constructor(
    readonly name: string,
    private readonly world: ClusterHostWorld,
  ) {}

  /** The connection that there is; null when there is none. */
  get connected(): ReadyCluster | null {
    return this.now;
  }

  /** @throws AdaptiveError why it cannot be reached or made ready; `cancelled` */
  async ready(need: Need): Promise<ReadyCluster> {
    const { isAsked, signal } = need;
    this.waiting.add(need);
    const attempt = this.attempt(isAsked);
    try {
      return await orAborted(attempt.ready, signal);
    } catch (error) {
      // What failed because nobody could be asked is tried again for a person who can.
      if (!isAsked || attempt.isAsked || signal.aborted) throw error;
      return await orAborted(this.attempt(true).ready, signal);
    } finally {
      this.waiting.delete(need);
    }
  }

  /** Before the next use, because what is installed there has changed. */
  lookAgain(): void {
    this.current = null;
    this.now = null;
  }

  dispose(): void {
    this.disposing.abort();
    this.readied.dispose();
  }

  /** The one that there is, or a new one. */
  private attempt(isAsked: boolean): Attempt {
    if (this.current !== null) return this.current;
    const mine = { isAsked, ready: this.connect(isAsked) };
    this.current = mine;
    mine.ready.then(
      ({ transport }) => void transport.ended.then(() => this.forget(mine)),
      () => this.forget(mine),
    );
    return mine;
  }

  private async connect(isAsked: boolean): Promise<ReadyCluster> {
    const { signal } = this.disposing;
    const onStep = (step: string): void => this.waiting.forEach((need) => need.onStep(step));
    onStep("Connecting");
    // Kept when something is wrong there: to correct it nobody should have to log in again.
    const transport = await this.world.open(isAsked, signal);
    const cluster = await this.world.prepare(transport, { isAsked, onStep, signal }).catch((error: unknown) => {
      throw atHost(transport, error);
    });
    const ready = { transport, ...cluster };
    this.now = ready;
    void transport.ended.then(() => {
      if (this.now === ready) this.now = null;
    });
    this.readied.fire();
    return ready;
  }

  private forget(one: Attempt): void {
    if (this.current === one) this.current = null;
  }
}

function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(new AdaptiveError("cancelled", "Cancelled"));
    if (signal.aborted) onAbort();
    signal.addEventListener("abort", onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}

import { join } from "node:path";
import { type ClusterRun, ClusterRuns } from "../src/remote/clusterRuns";
import { ClusterHost, type Need } from "../src/remote/deploy/clusterHost";
import { WorkerReplica } from "../src/remote/replica/replica";
import { Session } from "../src/remote/session";
import type { SshConnection } from "../src/remote/ssh/sshConnection";
import { systemClock } from "../src/scheduler/state/clock";
import { distFolder, python, type SshAccount } from "./sshAccount";

/** As many jobs does its run have at a time. */
export const jobs = 4;

/** A run on the account's cluster, and the sessions of a window with it. */
export class RemoteRun {
  private connection: SshConnection | null = null;
  private readonly host: ClusterHost;
  private readonly runs: ClusterRuns;
  private readonly need: Need;
  private directory = "";

  constructor(readonly account: SshAccount) {
    this.need = { isAsked: true, onStep: () => undefined, signal: account.signal };
    let remembered: readonly ClusterRun[] = [];
    this.host = new ClusterHost("hpc", {
      open: async () => (this.connection = await account.connect()),
      prepare: (transport) => account.prepare(transport),
    });
    this.runs = new ClusterRuns({
      clock: systemClock,
      sender: () => "the bench",
      host: () => this.host,
      settings: () => ({ profile: { python, queue: "slurm", maxJobs: jobs }, runRoot: "~/adaptive-runs" }),
      agree: () => Promise.resolve(true),
      memory: { get: () => remembered, set: (runs) => (remembered = runs) },
    });
  }

  /** The run's state folder there. */
  get path(): string {
    return this.directory.slice("hpc:".length);
  }

  /** Sends the study, makes its run and starts its scheduler. */
  async prepare(file: string): Promise<void> {
    const prepared = await this.runs.prepare(
      "hpc",
      { learnersFile: file, name: "bench" },
      { set: {}, unset: [] },
      this.need,
    );
    this.directory = prepared.run;
  }

  /** A session that mirrors the run. */
  async attach(): Promise<Session> {
    const session = new Session(this.directory, {
      reach: (asked) => this.runs.reach(this.directory, asked),
      replica: new WorkerReplica({
        workerFile: join(distFolder, "replicaWorker.js"),
        wasmFile: join(distFolder, "sql-wasm.wasm"),
      }),
      clock: systemClock,
      random: Math.random,
      log: () => undefined,
    });
    await session.query("overview", null);
    return session;
  }

  /** Cuts the connection, and returns when a session has noticed. */
  async cut(session: Session): Promise<void> {
    const noticed = new Promise<void>((resolve) => {
      session.onDidChangeLink(({ at }) => at === "retrying" && resolve());
    });
    this.connection?.dispose();
    await noticed;
  }

  /** Closes the connection, as the last window does. */
  async leave(): Promise<void> {
    this.connection?.dispose();
    await this.connection?.ended;
  }

  /** Cancels its jobs and ends its scheduler. */
  async end(): Promise<void> {
    if (this.directory === "") return;
    const { transport, program, path } = await this.runs.reach(this.directory, this.need);
    const stop = await transport.exec([...program.argv, "stop", path, "--shut-down"], { stdin: "", ...this.need });
    await stop.exit;
    await this.leave();
  }
}

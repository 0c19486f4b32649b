/** The Slurm cluster that `cluster.sh` starts, and what tests do to it. */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

const folder = "/var/lib/adaptive-test-cluster";

type Node = "n1" | "n2" | "n3" | "n4" | "n5" | "n6";

async function cluster(...args: readonly string[]): Promise<void> {
  await run(join(import.meta.dirname, "cluster.sh"), args);
}

export const testCluster = {
  /** Starts what does not run, and waits until all nodes answer. */
  up: () => cluster("up"),
  /** Takes a node off the network; its processes go on. */
  cut: (node: Node) => cluster("cut", node),
  restore: (node: Node) => cluster("restore", node),
  /** The machine of a node goes down, with all that runs on it. */
  kill: (node: Node) => cluster("kill", node),
  revive: (node: Node) => cluster("revive", node),
  stopController: () => cluster("controller", "stop"),
  startController: () => cluster("controller", "start"),
  /** Makes a user who may read no more than any user; dismissed with everything of theirs. */
  admit: (user: string, shell: string) => cluster("admit", user, shell),
  dismiss: (user: string) => cluster("dismiss", user),
  home: (user: string) => join(folder, "home", user),
  /** A Python with what jobs need, which every user may read. */
  python: join(folder, "python/bin/python"),
  /** Ends slurm.conf with these lines, instead of those of the last time. */
  configure: (...lines: readonly string[]) => cluster("configure", ...lines),
};

/** Vitest's, once before all tests on the cluster; `npm test` ends it, or `cluster.sh down`. */
export const setup = (): Promise<void> => testCluster.up();

/** Runs a command of Slurm, again while another test has stopped its controller. */
export async function slurm(program: string, ...args: readonly string[]): Promise<string> {
  for (;;) {
    try {
      return (await run(program, args)).stdout;
    } catch (error) {
      if (!(error instanceof Error && /unable to contact/i.test(error.message))) throw error;
    }
  }
}

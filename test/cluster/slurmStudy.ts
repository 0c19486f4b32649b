import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { expect, onTestFinished } from "vitest";
import type { Change } from "../../src/scheduler/state/changes";
import type { Row } from "../../src/scheduler/state/rows";
import { createStudy, eventually, python, type Running, type Study } from "../integration/program";
import { slurm } from "./testCluster";

/**
 * Learners whose function notes down job and node of each evaluation, and takes a third of a second
 * until there is a file `fast`: so a test decides when they get to their goal.
 */
export const slowPeaks = (learners: number) => `
import os, socket, time
from functools import partial
import adaptive

def peak(x, k):
    with open(f"evaluations-{k}", "a") as file:
        file.write(f"{os.environ['ADAPTIVE_JOB_ID']} {socket.gethostname()}\\n")
    if not os.path.exists("fast"):
        time.sleep(0.3)
    return x + 0.01**2 / (0.01**2 + (x - k / 10) ** 2)

combos = [{"k": k} for k in range(${learners})]
learners = [adaptive.Learner1D(partial(peak, **combo), bounds=(-1, 1)) for combo in combos]
fnames = [f"data/{combo['k']}.pickle" for combo in combos]
`;

/** For a test that has the cluster to itself: it waits for all the others. */
export const aloneMs = 1_200_000;

/** What slow learners do not reach in any test. */
export const farGoal = { goal: { npoints: 2000 }, saveEverySeconds: 1 };

export const inPartition = (partition: string): string[] => ["--set", `resources.partition=${partition}`];

/** A study whose jobs are on Slurm, and cancelled with the test. */
export class SlurmStudy {
  private constructor(readonly study: Study) {}

  static async create(
    learnersFile: string,
    settings: object,
    claimed: "shared" | "exclusive" = "shared",
  ): Promise<SlurmStudy> {
    await claim(claimed);
    const study = new SlurmStudy(await createStudy(learnersFile, settings));
    onTestFinished(async ({ task: { result } }) => {
      if (result?.state === "fail") console.error(await study.explain());
      const jobs = (await study.jobs()).map(({ id }) => id);
      if (jobs.length > 0) await slurm("scancel", ...jobs);
    });
    return study;
  }

  /** Starts the run; it is there when this returns. */
  async run(...more: string[]): Promise<Running> {
    const asked = ["--cluster", "slurm", "--python", python, "--json", "--set", "pollSeconds=30", ...more];
    const run = this.study.run(...asked);
    await run.line((line) => line.includes('"event":"begin"'));
    return run;
  }

  /** Where the first learner runs, once it has saved some points. */
  async firstHolder(): Promise<{ job: string; node: string }> {
    const { job } = await this.until("learnerAssigned");
    await eventually(async () => (await this.evaluations(0)).length > 20);
    const { node } = await eventually(async () => (await this.jobs()).find(({ id }) => id === job));
    return { job, node };
  }

  /** Lets the learners get to their goal, and gives how they ended. */
  async finish(run: Running): Promise<Row<"learners">[]> {
    await writeFile(this.study.at("fast"), "");
    const { exitCode, stdout } = await run.ended;
    expect({ exitCode, end: exitCode === 0 ? "" : stdout.slice(-3000) }).toEqual({ exitCode: 0, end: "" });
    return this.study.rows("learners");
  }

  /** The jobs of this run that Slurm has at the moment. */
  async jobs(): Promise<{ id: string; state: string; node: string }[]> {
    const text = await readFile(this.study.at(".adaptive", "run.json"), "utf8").catch(() => null);
    if (text === null) return [];
    const { runId } = JSON.parse(text) as { runId: string };
    const listed = await slurm("squeue", "--noheader", "--array", "--format=%i %T %N %k");
    return listed
      .split("\n")
      .map((line) => line.split(" "))
      .filter((words) => words.at(-1)?.startsWith(`adaptive:${runId}:`))
      .map(([id = "", state = "", node = ""]) => ({ id, state, node }));
  }

  /** Waits for a change that a test looks for. */
  until<K extends Change["kind"]>(
    kind: K,
    isWanted: (change: Extract<Change, { kind: K }>) => boolean = () => true,
  ): Promise<Extract<Change, { kind: K }>> {
    const isOfKind = (change: Change): change is Extract<Change, { kind: K }> => change.kind === kind;
    return eventually(async () => (await this.study.changes()).filter(isOfKind).find(isWanted));
  }

  async changes<K extends Change["kind"]>(kind: K): Promise<Extract<Change, { kind: K }>[]> {
    return (await this.study.changes()).filter((change) => change.kind === kind) as Extract<Change, { kind: K }>[];
  }

  /** What a failed test leaves: the queue, the last changes, and what the jobs printed. */
  private async explain(): Promise<string> {
    const changes = (await this.study.changes()).slice(-30).map((change) => JSON.stringify(change));
    const jobs = (await this.study.rows("jobs")).map(({ jobId }) => jobId);
    const outputs = jobs.slice(-6).map(async (job) => `--- output of ${job}\n${(await this.output(job)).slice(-3000)}`);
    return ["--- queue", await slurm("squeue"), "--- changes", ...changes, ...(await Promise.all(outputs))].join("\n");
  }

  output(job: string): Promise<string> {
    return readFile(this.study.at(".adaptive", "jobs", `${job}.out`), "utf8").catch(() => "");
  }

  /** Job and node of each evaluation of a learner. */
  async evaluations(learner: number): Promise<{ job: string; node: string }[]> {
    const text = await readFile(this.study.at(`evaluations-${learner}`), "utf8").catch(() => "");
    return text
      .split("\n")
      .slice(0, -1)
      .map((line) => line.split(" "))
      .map(([job = "", node = ""]) => ({ job, node }));
  }
}

/** Beside the cluster's folder, which `cluster.sh` may make anew. */
const lockFile = "/var/lib/adaptive-test-cluster.lock";

/**
 * Claims the cluster for the test that runs: together with others, or alone, which waits until they
 * are over. A job that starts without a controller may wait for its launcher for ever.
 */
export async function claim(how: "shared" | "exclusive"): Promise<void> {
  // `cat` holds the lock until its input ends.
  const holder = spawn("flock", [`--${how}`, lockFile, "sh", "-c", "echo held; cat"], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  onTestFinished(() => void holder.stdin.end());
  await once(holder.stdout, "data");
}

import { readFile, writeFile } from "node:fs/promises";
import { userInfo } from "node:os";
import { join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import type { Cluster, Submission } from "../../src/scheduler/clusters/cluster";
import { runCommand } from "../../src/scheduler/clusters/runCommand";
import { slurmCluster } from "../../src/scheduler/clusters/slurm";
import { areRunning, haveEnded, testContract } from "../integration/clusters/contract";
import { eventually } from "../integration/program";
import { aloneMs, claim, farGoal, SlurmStudy, slowPeaks } from "./slurmStudy";
import { slurm, testCluster } from "./testCluster";

const clusterOf = (runId: string) => (folder: string) =>
  slurmCluster({ folder, runId, name: "a study", user: userInfo().username });
const head = "#!/bin/bash\nADAPTIVE_JOB_ID=${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID\n";

/** Of one file of tests: what an earlier one left in the queue is not ours. */
const runId = `contract-${process.pid}-${Date.now()}`;
const asking = (...lines: string[]) => `#!/bin/bash\n${lines.map((line) => `#SBATCH ${line}\n`).join("")}sleep 1000\n`;

function submission(script: string, more: Partial<Submission> = {}): Submission {
  return { number: 1, count: 1, script, excludedNodes: [], ...more };
}

describe("Slurm", () => {
  beforeEach(() => claim("shared"));
  const subject = testContract((folder) => clusterOf(`${runId}-${folder}`)(folder), head);

  const refused = (cluster: Cluster, ...lines: string[]) =>
    expect(runCommand(cluster.submit(submission(asking(...lines))))).rejects;

  test("says how large an array may be", async () => {
    const command = subject().cluster.largestArray();
    expect(command && (await runCommand(command))).toBe(10_001);
  });

  test("refuses what it never takes, in its own words and with the command", async () => {
    const { cluster } = subject();
    await refused(cluster, "--partition=nowhere").toMatchObject({
      code: "submission-refused",
      message: expect.stringMatching(/invalid partition specified: nowhere.*\(sbatch --parsable --array=0-0/) as string,
      hint: expect.stringContaining("resources.partition") as string,
    });
    await refused(cluster, "--mem=900G").toMatchObject({ code: "submission-refused" });
    await refused(cluster, "--time=soon").toMatchObject({ code: "submission-refused" });
    await refused(cluster, "--no-such-option").toMatchObject({ code: "submission-refused" });
    await refused(cluster, "--constraint=gpu").toMatchObject({ code: "submission-refused" });
    expect(await runCommand(cluster.list(new Set()))).toEqual([]);
  });

  test.each([
    ["its walltime is over the limit (PartitionTimeLimit)", ["--partition=short", "--time=5"]],
    ["it asks for more nodes than it may have (PartitionNodeLimit)", ["--nodes=9"]],
    ["no node of the partition has what it asks for (PartitionConfig)", ["--ntasks=999"]],
  ])("tells that a job can never start: %s", async (waitsFor, lines) => {
    const { cluster, until } = subject();
    await runCommand(cluster.submit(submission(asking(...lines))));
    // Slurm's first answer is PartitionConfig for all of them.
    const jobs = await until(([job]) => job?.waitsFor === waitsFor);
    expect(jobs).toMatchObject([{ state: "queued", host: null, isHopeless: true }]);
  });

  test("jobs that wait for something that may come have a reason, and are not hopeless", async () => {
    const { cluster, until } = subject();
    await runCommand(cluster.submit(submission(asking("--hold"))));
    const jobs = await until((jobs) => jobs.some(({ waitsFor }) => waitsFor !== null));
    expect(jobs).toMatchObject([{ state: "queued", isHopeless: false }]);
    expect(jobs[0]?.waitsFor).toContain("because it is held");
  });

  test("a job leaves out the nodes that have lost jobs", async () => {
    const { cluster, until } = subject();
    await runCommand(cluster.submit(submission(asking("--ntasks=1"), { excludedNodes: ["n1", "n4"] })));
    expect(await until(areRunning(1))).toMatchObject([{ host: "n5" }]);
  });

  test("what a job is counted and where it ran is known when it is started anew", async () => {
    const { cluster, submit, until } = subject();
    const [job] = await submit(1, 1, "sleep 1000\n");
    await until(areRunning(1));
    await slurm("scontrol", "update", `JobId=${job?.id}`, "Requeue=1");
    await slurm("scontrol", "requeue", job?.id ?? "");
    expect(await until((jobs) => jobs.some(({ restart }) => restart === 1))).toMatchObject([{ id: job?.id }]);
    await runCommand(cluster.cancel([job?.id ?? ""], true));
  });

  test("a suspended job is alive", async () => {
    const { submit, until } = subject();
    const [job] = await submit(1, 1, "sleep 1000\n");
    await until(areRunning(1));
    await slurm("scontrol", "suspend", job?.id ?? "");
    expect(await slurm("squeue", "--noheader", "--format=%T", `--jobs=${job?.id}`)).toContain("SUSPENDED");
    expect(await subject().list()).toMatchObject([{ state: "running" }]);
    await slurm("scontrol", "resume", job?.id ?? "");
  });

  test("another run of the same user has jobs of its own", async () => {
    const { submit, until, folder } = subject();
    await submit(1, 1, "sleep 1000\n");
    await until(areRunning(1));
    expect(await runCommand(clusterOf("another")(folder).list(new Set()))).toEqual([]);
  });

  test("variables of the user's do not change what is asked, and names of other jobs do not garble it", async () => {
    const { cluster, submit, until } = subject();
    const variables = {
      SQUEUE_FORMAT2: "jobid",
      SQUEUE_STATES: "PENDING",
      SBATCH_CLUSTERS: "nowhere",
      SLURM_CLUSTERS: "nowhere",
    };
    const other = await slurm("sbatch", "--parsable", "--hold", "--job-name=a|b\n\\c", "--wrap=exit");
    Object.assign(process.env, variables);
    try {
      await submit(1, 1, "exit 7\n");
      expect(await until((jobs) => jobs.length === 1 && haveEnded(jobs))).toMatchObject([{ end: { exitCode: 7 } }]);
    } finally {
      for (const name of Object.keys(variables)) delete process.env[name];
      await slurm("scancel", other.trim());
    }
    expect(cluster.isExact).toBe(false);
  });

  test.each([
    ["is taken where the script names none", [], "single"],
    ["gives way to that of the script", ["--partition=short"], "short"],
    ["gives way to that of the script in its short form", ["-N1 -p pair"], "pair"],
  ])("a partition that a person's environment names %s", async (_, lines, partition) => {
    const { cluster } = subject();
    process.env["SBATCH_PARTITION"] = "single";
    try {
      const [job] = await runCommand(cluster.submit(submission(asking("--hold", ...lines))));
      expect((await slurm("squeue", "--noheader", "--format=%P", `--jobs=${job?.id}`)).trim()).toBe(partition);
    } finally {
      delete process.env["SBATCH_PARTITION"];
    }
  });

  test("a job whose folder no node can open has ended, with the reason", async () => {
    const cluster = clusterOf(`${runId}-nowhere`)("/nowhere/jobs");
    const [job] = await runCommand(cluster.submit(submission(asking())));
    const known = new Set([job?.id ?? ""]);
    const { end } = await eventually(async () => {
      const [listed] = await runCommand(cluster.list(known));
      return listed?.state === "ended" ? listed : null;
    });
    expect(end).toMatchObject({ exitCode: null, cause: "exit" });
    expect(end?.words).toMatch(/^could not be started: its working folder/);
  });

  test("refuses an account that there is not", async () => {
    await refused(subject().cluster, "--account=nobody").toMatchObject({
      code: "submission-refused",
      message: expect.stringContaining("Invalid account") as string,
      hint: expect.stringContaining("resources.account") as string,
    });
  });

  test("takes no more jobs than a limit allows, for now", async () => {
    const { cluster } = subject();
    const three = submission(asking("--qos=few"), { count: 3 });
    await expect(runCommand(cluster.submit(three))).rejects.toMatchObject({
      code: "queue-full",
      message: expect.stringContaining("QOSMaxSubmitJobPerUserLimit") as string,
    });
    expect(await runCommand(cluster.list(new Set()))).toEqual([]);
    await runCommand(cluster.submit({ ...three, count: 2 }));
  });

  test("knows how jobs ended that its queue has forgotten", async () => {
    const { cluster, submit, until } = subject();
    const [failed, cancelled] = await submit(
      1,
      3,
      '[ "$ADAPTIVE_JOB_ID" = "${SLURM_ARRAY_JOB_ID}_0" ] && exit 4\nsleep 1000\n',
    );
    await until(areRunning(2));
    await slurm("scancel", cancelled?.id ?? "");
    await until(areRunning(1));
    const ids = [failed?.id ?? "", cancelled?.id ?? "", `${failed?.id}9999`];
    const command = cluster.account(ids);
    const accounts = await eventually(async () => {
      const accounts = command && (await runCommand(command));
      return accounts?.size === 2 ? accounts : null;
    });
    expect(accounts.get(ids[0] ?? "")).toEqual({ exitCode: 4, cause: "exit" });
    expect(accounts.get(ids[1] ?? "")).toMatchObject({ cause: "cancelled" });
  });

  test("that keeps no account of ended jobs says so", async () => {
    const { cluster, folder } = subject();
    const { SLURM_CONF = "" } = process.env;
    const without = (await readFile(SLURM_CONF, "utf8")).replaceAll(/^Accounting.*$/gm, "");
    await writeFile(join(folder, "slurm.conf"), without);
    process.env["SLURM_CONF"] = join(folder, "slurm.conf");
    try {
      const command = cluster.account(["1_0"]);
      await expect(command && runCommand(command)).rejects.toMatchObject({ code: "no-accounts" });
    } finally {
      process.env["SLURM_CONF"] = SLURM_CONF;
    }
  });

  test("a command that is missing is named", async () => {
    const path = process.env["PATH"];
    process.env["PATH"] = "/nowhere";
    try {
      const { argv, ...command } = subject().cluster.list(new Set());
      const listing = runCommand({ ...command, argv: ["/bin/bash", ...argv.slice(1)] });
      await expect(listing).rejects.toMatchObject({ code: "command-missing", message: /squeue/ });
    } finally {
      process.env["PATH"] = path;
    }
  });
});

test(
  "while the controller does not answer jobs go on, and nothing is submitted or given back",
  { timeout: aloneMs },
  async () => {
    const on = await SlurmStudy.create(slowPeaks(2), farGoal, "exclusive");
    const run = await on.run();
    const { job } = await on.firstHolder();
    await on.until("learnerAssigned", ({ learner }) => learner === 1);
    const submissions = await on.changes("jobsSubmitting");
    await testCluster.stopController();
    try {
      await run.line((line) => line.includes("queue-silent") && line.includes("Unable to contact slurm controller"));
    } finally {
      await testCluster.startController();
    }
    const learners = await on.finish(run);
    expect(learners.map(({ state, epoch }) => ({ state, epoch }))).toEqual([
      { state: "done", epoch: 1 },
      { state: "done", epoch: 1 },
    ]);
    expect(await on.changes("learnerReleased")).toEqual([]);
    expect(await on.changes("jobsSubmitting")).toEqual(submissions);
    expect(await on.output(job)).toContain("no learner");
  },
);

import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Cluster, QueuedJob } from "../../../src/scheduler/clusters/cluster";
import { localCluster } from "../../../src/scheduler/clusters/local";
import { runCommand } from "../../../src/scheduler/clusters/runCommand";

let folder: string;
let cluster: Cluster;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "adaptive-jobs with blanks-"));
  cluster = localCluster(folder, "study");
});

afterEach(async () => {
  const jobs = await runCommand(cluster.list());
  await runCommand(
    cluster.cancel(
      jobs.map(({ id }) => id),
      true,
    ),
  );
  await until((jobs) => jobs.every(({ state }) => state === "ended"));
  await rm(folder, { recursive: true });
});

const submit = (number: number, count: number, script: string) =>
  runCommand(cluster.submit({ number, count, script, excludedNodes: [] }));

/** Polls as the scheduler does. */
async function until(condition: (jobs: QueuedJob[]) => boolean): Promise<QueuedJob[]> {
  for (;;) {
    const jobs = await runCommand(cluster.list());
    if (condition(jobs)) return jobs;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

const areRunning = (count: number) => (jobs: QueuedJob[]) =>
  jobs.filter(({ state }) => state === "running").length === count;
const haveEnded = (jobs: QueuedJob[]) => jobs.every(({ state }) => state === "ended");
const outputOf = (job: string) => readFile(join(folder, `${job}.out`), "utf8");

describe("a local job", () => {
  test("runs its script, with its own id, and leaves its output and exit code", async () => {
    expect(await submit(3, 2, `echo "I am $ADAPTIVE_JOB_ID"; echo "and complain" >&2; exit 4\n`)).toEqual([
      { id: "3_1", name: "study-3_1" },
      { id: "3_2", name: "study-3_2" },
    ]);
    const jobs = await until(haveEnded);
    expect(jobs).toMatchObject([
      { id: "3_1", submission: 3, state: "ended", end: { exitCode: 4 } },
      { id: "3_2", submission: 3, state: "ended", end: { exitCode: 4 } },
    ]);
    expect(await outputOf("3_2")).toBe("I am 3_2\nand complain\n");
  });

  test("is in no terminal's session and not in ours", async () => {
    await submit(1, 1, `ps -o sid= -p $$; ps -o tty= -p $$; exit 0\n`);
    await until(haveEnded);
    const [session, terminal] = (await outputOf("1_1")).trim().split("\n");
    expect(Number(session)).not.toBe(process.pid);
    expect(terminal?.trim()).toBe("?");
  });

  test("is found by another scheduler: its identity lies in the folder", async () => {
    await submit(1, 1, "sleep 1000\n");
    const heir = localCluster(folder, "study");
    expect(await runCommand(heir.list())).toMatchObject([{ id: "1_1", state: "running" }]);
    await runCommand(heir.cancel(["1_1"], false));
    expect(await until(haveEnded)).toMatchObject([{ id: "1_1", end: { exitCode: 143 } }]);
  });

  test("is not taken for a later process with its pid", async () => {
    await submit(1, 1, "sleep 1000\n");
    const path = join(folder, "1_1.pid");
    const identity = await readFile(path, "utf8");
    await writeFile(path, identity.replace(/^(\d+) \d+/, "$1 1"));
    expect(await runCommand(cluster.list())).toMatchObject([{ id: "1_1", state: "ended", end: { exitCode: null } }]);
    await writeFile(path, identity);
  });

  test("is cancelled with everything it started, also what left its process group", async () => {
    await submit(
      1,
      2,
      `setsid sleep 1001 & setsid bash -c 'trap "" TERM; sleep 1002; sleep 1003' & echo ready; wait\n`,
    );
    while (!(await outputOf("1_1")).includes("ready") || !(await outputOf("1_2")).includes("ready"))
      await until(areRunning(2));
    await runCommand(cluster.cancel(["1_1"], true));
    expect(await until(areRunning(1))).toMatchObject([
      { id: "1_1", state: "ended", end: { exitCode: null } },
      { id: "1_2", state: "running" },
    ]);
    const processes = await runCommand({
      argv: ["ps", "-A", "-o", "args="],
      deadlineMs: 10_000,
      parse: ({ stdout }) => stdout.split("\n"),
    });
    expect(processes.filter((line) => line === "sleep 1001")).toHaveLength(1);
  });

  test("that ignores being told to end is killed by force", async () => {
    await submit(1, 1, `trap "" TERM; echo ready; while :; do sleep 0.1; done\n`);
    while (!(await outputOf("1_1")).includes("ready")) await until(areRunning(1));
    await runCommand(cluster.cancel(["1_1"], false));
    expect(await runCommand(cluster.list())).toMatchObject([{ state: "running" }]);
    await runCommand(cluster.cancel(["1_1"], true));
    expect(await until(haveEnded)).toMatchObject([{ end: { exitCode: null } }]);
  });
});

test("cancelling what has ended is no error", async () => {
  await submit(1, 1, "exit 0\n");
  await until(haveEnded);
  await runCommand(cluster.cancel(["1_1", "9_9"], false));
});

describe("a command", () => {
  const command = { stdin: "", deadlineMs: 10_000, parse: (output: unknown) => output };

  test("that is missing is named", async () => {
    await expect(runCommand({ ...command, argv: ["no-such-queue"] })).rejects.toMatchObject({
      code: "command-missing",
    });
  });

  test("that hangs is ended at its deadline, with what it started", async () => {
    const argv = ["bash", "-c", "sleep 1004 & sleep 1004"];
    await expect(runCommand({ ...command, argv, deadlineMs: 50 })).rejects.toMatchObject({ code: "command-timeout" });
  });

  test("may end without reading its input", async () => {
    const output = await runCommand({ ...command, argv: ["true"], stdin: "x".repeat(1 << 20) });
    expect(output).toMatchObject({ exitCode: 0 });
  });
});

test("a listing that did not get to its end is no listing", () => {
  const { parse } = cluster.list();
  const output = (stdout: string, exitCode: number | null = 0) => ({ exitCode, stdout, stderr: "" });
  expect(parse(output("end of list\n"))).toEqual([]);
  for (const garbled of ["", "1_1|running\n", "1_1|dancing\nend of list\n", "x|running\nend of list\n"]) {
    expect(() => parse(output(garbled))).toThrow();
  }
  expect(() => parse(output("end of list\n", 1))).toThrow();
});

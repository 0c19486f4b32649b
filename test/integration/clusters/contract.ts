import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Cluster, QueuedJob } from "../../../src/scheduler/clusters/cluster";
import { localTransport } from "../../../src/remote/localTransport";
import { runCommand } from "../../../src/scheduler/clusters/runCommand";
import { isAlive, shownBy } from "../remote/shown";

/** A cluster under test, with jobs of its own only. */
export interface Subject {
  cluster: Cluster;
  /** Where the outputs of its jobs lie. */
  folder: string;
  submit(number: number, count: number, script: string): Promise<{ id: string; name: string }[]>;
  /** Polls as the scheduler does. */
  until(condition: (jobs: QueuedJob[]) => boolean): Promise<QueuedJob[]>;
  /** As a scheduler that knows what was submitted here. */
  list(): Promise<QueuedJob[]>;
  outputOf(job: string): Promise<string>;
}

export const areRunning = (count: number) => (jobs: QueuedJob[]) =>
  jobs.filter(({ state }) => state === "running").length === count;
const nothing: ReadonlySet<string> = new Set();
export const haveEnded = (jobs: QueuedJob[]) => jobs.every(({ state }) => state === "ended");

/**
 * What every cluster promises to the job loop.
 *
 * @param make a cluster whose jobs leave their output in the folder
 * @param head first lines of a job's script, which set `ADAPTIVE_JOB_ID` where the queue does not
 * @returns the cluster of the test that runs
 */
export function testContract(make: (folder: string) => Cluster, head: string): () => Subject {
  let subject: Subject;

  beforeEach(async () => {
    subject = subjectOf(make, await mkdtemp(join(tmpdir(), "adaptive jobs 100% 'quoted'-")), head);
  });

  afterEach(async () => {
    const { cluster, folder, until, list } = subject;
    const jobs = await list();
    const live = jobs.filter(({ state }) => state !== "ended").map(({ id }) => id);
    if (live.length > 0) await runCommand(cluster.cancel(live, true));
    await until(haveEnded);
    await rm(folder, { recursive: true });
  });

  describe("a job", () => {
    test("runs its script, with its own id, and leaves its output and exit code", async () => {
      const { submit, until, outputOf } = subject;
      const submitted = await submit(3, 2, `echo "I am $ADAPTIVE_JOB_ID"; echo "and complain" >&2; exit 4\n`);
      expect(new Set(submitted.map(({ id }) => id)).size).toBe(2);
      const jobs = await until((jobs) => jobs.length === 2 && haveEnded(jobs));
      for (const job of submitted) {
        expect(jobs.find(({ id }) => id === job.id)).toMatchObject({
          name: job.name,
          submission: 3,
          restart: 0,
          isHopeless: false,
          end: { exitCode: 4 },
        });
        expect(await outputOf(job.id)).toBe(`I am ${job.id}\nand complain\n`);
      }
    });

    test("has a host while it runs, and is found by another scheduler", async () => {
      const { submit, until, folder } = subject;
      const [job] = await submit(1, 1, "sleep 1000\n");
      await until(areRunning(1));
      const [found] = await runCommand(make(folder).list(nothing));
      expect(found).toMatchObject({ ...job, submission: 1, state: "running", end: null });
      expect(found?.host).toBeTruthy();
    });

    test("is cancelled, and its siblings go on", async () => {
      const { cluster, submit, until } = subject;
      const [first, , third] = (await submit(1, 3, "sleep 1000\n")).map(({ id }) => id);
      await until(areRunning(3));
      await runCommand(cluster.cancel([first ?? "", third ?? ""], false));
      const jobs = await until(areRunning(1));
      expect(jobs.filter(({ state }) => state === "ended").map(({ id }) => id)).toEqual(
        expect.arrayContaining([first, third]),
      );
    });

    test("that ignores being told to end is killed by force", async () => {
      const { cluster, submit, until, outputOf } = subject;
      const [job] = await submit(1, 1, `trap "" TERM; echo ready; while :; do sleep 0.1; done\n`);
      const id = job?.id ?? "";
      await until(areRunning(1));
      while (!(await outputOf(id)).includes("ready")) await until(areRunning(1));
      await runCommand(cluster.cancel([id], true));
      await until(haveEnded);
    });
  });

  describe("a shell in a job", () => {
    const open = (job: string, { signal } = new AbortController()) =>
      localTransport.terminal(subject.cluster.shell(job), {
        cwd: subject.folder,
        size: { rows: 31, columns: 101 },
        signal,
      });
    const sleeps = `[ -z "\${ADAPTIVE_SHELL-}" ] || exec "$ADAPTIVE_SHELL"\nsleep 1000\n`;

    test("is on the job's host and in the run's folder, in a terminal with a size and an exit code", async () => {
      const { submit, until, folder } = subject;
      const [job] = await submit(1, 2, sleeps);
      const jobs = await until(areRunning(2));
      const { input, output, resize, exit } = await open(job?.id ?? "");
      const shown = shownBy(output);
      input.write('echo "on $(hostname) in $PWD"; stty size\r');
      const { host } = jobs.find(({ id }) => id === job?.id) ?? {};
      await shown.match(new RegExp(`on ${host} in ${folder.replace(/[^\w/]/g, "\\$&")}\\s`));
      await shown.until("31 101");
      resize({ rows: 32, columns: 102 });
      input.write("until stty size | grep '32 102'; do sleep 0.1; done; exit 7\r");
      expect(await exit).toEqual({ code: 7, signal: null });
      expect(await subject.list()).toHaveLength(2);
    });

    test("ends with its terminal, and the job goes on", async () => {
      const { submit, until, list } = subject;
      const [job] = await submit(1, 1, sleeps);
      await until(areRunning(1));
      const closing = new AbortController();
      const { input, output } = await open(job?.id ?? "", closing);
      input.write("echo pid: $$\r");
      const [, pid = ""] = await shownBy(output).match(/pid: (\d+)\s/);
      closing.abort();
      // The nodes of the test cluster are this machine's.
      await expect.poll(() => isAlive(pid), { timeout: 60_000 }).toBe(false);
      expect(await list()).toMatchObject([{ id: job?.id, state: "running" }]);
    });

    test("says that the job has ended", async () => {
      const { submit, until } = subject;
      const [job] = await submit(1, 1, "exit 0\n");
      await until(haveEnded);
      const { output, exit } = await open(job?.id ?? "");
      await shownBy(output).until(`Job ${job?.id} has ended.`);
      expect((await exit).code).toBe(1);
    });
  });

  test("cancelling what has ended, or never was, is no error", async () => {
    const { cluster, submit, until } = subject;
    const [job] = await submit(1, 1, "exit 0\n");
    await until(haveEnded);
    await runCommand(cluster.cancel([job?.id ?? "", "99999999_9"], false));
  });

  test("a listing that did not get to its end is no listing", async () => {
    const { cluster, submit } = subject;
    await submit(1, 2, "exit 0\n");
    const { parse, ...command } = cluster.list(nothing);
    const output = await runCommand({ ...command, parse: (output) => output });
    expect(parse(output)).toHaveLength(2);
    for (let length = 0; length < output.stdout.trimEnd().length; length++) {
      expect(() => parse({ ...output, stdout: output.stdout.slice(0, length) })).toThrow();
    }
    expect(() => parse({ ...output, exitCode: 1 })).toThrow();
    expect(() => parse({ ...output, exitCode: null })).toThrow();
    expect(() => parse({ ...output, stdout: output.stdout.replace("\n", "\nwhat is this\n") })).toThrow();
  });

  return () => subject;
}

function subjectOf(make: (folder: string) => Cluster, folder: string, head: string): Subject {
  const cluster = make(folder);
  const known = new Set<string>();
  const list = () => runCommand(cluster.list(known));
  return {
    cluster,
    folder,
    list,
    submit: async (number, count, script) => {
      const order = { number, count, script: `${head}${script}`, excludedNodes: [] };
      const jobs = await runCommand(cluster.submit(order));
      for (const { id } of jobs) known.add(id);
      return jobs;
    },
    until: async (condition) => {
      for (;;) {
        const jobs = await list();
        if (condition(jobs)) return jobs;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    },
    // The file appears a moment after the job runs.
    outputOf: (job) => readFile(join(folder, `${job}.out`), "utf8").catch(() => ""),
  };
}

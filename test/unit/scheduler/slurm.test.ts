import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { inArrays, slurmCluster } from "../../../src/scheduler/clusters/slurm";
import { parseAccounts, parseListing } from "../../../src/scheduler/clusters/slurmListing";
import { isHopeless, reasonWords } from "../../../src/scheduler/clusters/slurmReasons";

const tag = "adaptive:run";
const record = (line: string) => `${line.replaceAll("|", "\x1f")}\x1e\n`;
const listing = (...lines: string[]) => lines.map(record).join("");
const cluster = slurmCluster({ folder: "/run/jobs", runId: "run", name: "peaks", user: "ada" });

describe("a listing", () => {
  // Printed by Slurm 22.05.8: squeue --array --states=all, bars for the separators.
  test("gives our jobs, and of others nothing", () => {
    const output = listing(
      "17|N/A|CANCELLED|0|0||wrap|(null)|Priority",
      "4|0|FAILED|0|768|n1|peaks-3|adaptive:run|NonZeroExitCode",
      "4|1|RUNNING|0|0|n1|peaks-3|adaptive:run|None",
      "4|2|RUNNING|2|0|n[1-2]|peaks-3|adaptive:run|None",
      "18|N/A|PENDING|0|0||another\nname|adaptive:other|JobHeldUser",
      "7|N/A|PENDING|0|0||peaks-12|adaptive:run|PartitionTimeLimit",
      "19|4|PENDING|0|0||peaks-13|adaptive:run|ReqNodeNotAvail, UnavailableNodes:n4",
    );
    const alive = { restart: 0, waitsFor: null, isHopeless: false, end: null };
    expect(parseListing(output, tag)).toEqual([
      {
        ...alive,
        id: "4_0",
        name: "peaks-3",
        submission: 3,
        state: "ended",
        host: "n1",
        end: { exitCode: 3, cause: "exit" },
      },
      { ...alive, id: "4_1", name: "peaks-3", submission: 3, state: "running", host: "n1" },
      { ...alive, id: "4_2", name: "peaks-3", submission: 3, state: "running", host: "n[1-2]", restart: 2 },
      {
        ...alive,
        id: "7",
        name: "peaks-12",
        submission: 12,
        state: "queued",
        host: null,
        waitsFor: "its walltime is over the limit (PartitionTimeLimit)",
        isHopeless: true,
      },
      {
        ...alive,
        id: "19_4",
        name: "peaks-13",
        submission: 13,
        state: "queued",
        host: null,
        waitsFor: "nodes that are reserved or down (ReqNodeNotAvail, UnavailableNodes:n4)",
      },
    ]);
  });

  test.each([
    ["PENDING", "queued", null],
    ["REQUEUED", "queued", null],
    ["REQUEUE_HOLD", "queued", null],
    ["SPECIAL_EXIT", "queued", null],
    ["RUNNING", "running", null],
    ["SUSPENDED", "running", null],
    ["CONFIGURING", "running", null],
    ["COMPLETING", "running", null],
    ["STAGE_OUT", "running", null],
    ["SIGNALING", "running", null],
    ["COMPLETED", "ended", { exitCode: 0, cause: "exit" }],
    ["FAILED", "ended", { exitCode: 0, cause: "exit" }],
    ["CANCELLED", "ended", { exitCode: null, cause: "cancelled" }],
    ["TIMEOUT", "ended", { exitCode: null, cause: "walltime" }],
    ["DEADLINE", "ended", { exitCode: null, cause: "walltime" }],
    ["OUT_OF_MEMORY", "ended", { exitCode: null, cause: "memory" }],
    ["NODE_FAIL", "ended", { exitCode: null, cause: "node failure" }],
    ["BOOT_FAIL", "ended", { exitCode: null, cause: "node failure" }],
    ["PREEMPTED", "ended", { exitCode: null, cause: "preempted" }],
    ["REVOKED", "ended", { exitCode: null, cause: null }],
  ])("takes a job that is %s as %s", (word, state, end) => {
    expect(parseListing(listing(`4|0|${word}|0|0|n1|peaks-3|${tag}|None`), tag)).toMatchObject([{ state, end }]);
  });

  test.each([
    ["as wait(2) gives it", "768", 3],
    ["of a signal", "9", 137],
    ["of a signal, with a core dump", "139", 139],
    ["as newer versions may print it", "3:0", 3],
    ["of a signal, as newer versions may print it", "0:9", 137],
    ["that is not understood", "?", null],
  ])("understands an exit code %s", (_, status, exitCode) => {
    const output = listing(`4|0|FAILED|0|${status}|n1|peaks-3|${tag}|None`);
    expect(parseListing(output, tag)).toMatchObject([{ end: { exitCode } }]);
  });

  test("leaves out what sbatch refused, although Slurm keeps a record of it", () => {
    expect(parseListing(listing(`10|0|FAILED|0|1||peaks-3|${tag}|BadConstraints`), tag)).toEqual([]);
  });

  test.each([
    ["no end of its last line", `4\x1f0\x1fRUNNING\x1f0\x1f0\x1fn1\x1fpeaks-3\x1f${tag}\x1fNone`],
    ["words", "slurm_load_jobs error: Unable to contact slurm controller\n"],
    ["a missing field", record(`4|0|RUNNING|0|n1|peaks-3|${tag}|None`)],
    ["an unknown state", record(`4|0|DANCING|0|0|n1|peaks-3|${tag}|None`)],
    ["a name without a number", record(`4|0|RUNNING|0|0|n1|peaks|${tag}|None`)],
    ["no id", record(`*|0|RUNNING|0|0|n1|peaks-3|adaptive:other|None`)],
  ])("with %s is an error, and no list", (_, output) => {
    expect(() => parseListing(output, tag)).toThrow(expect.objectContaining({ code: "queue-garbled" }) as Error);
  });

  test("of nobody's jobs is empty", () => expect(parseListing("", tag)).toEqual([]));
});

describe("an account", () => {
  // Printed by Slurm 22.05.8 with slurmdbd, but for the last two lines.
  test("tells how jobs ended, and nothing of those that have not", () => {
    const output =
      "1_0|FAILED|3:0\n1_1|FAILED|0:9\n1_2|CANCELLED by 0|0:0\n1_3|COMPLETED|0:0\n1_4|RUNNING|0:0\n2|TIMEOUT|0:0\n" +
      "1_5|OUT_OF_MEMORY|0:125\n1_6|NODE_FAIL|1:0\n";
    expect([...parseAccounts(output)]).toEqual([
      ["1_0", { exitCode: 3, cause: "exit" }],
      ["1_1", { exitCode: 137, cause: "exit" }],
      ["1_2", { exitCode: null, cause: "cancelled" }],
      ["1_3", { exitCode: 0, cause: "exit" }],
      ["2", { exitCode: null, cause: "walltime" }],
      ["1_5", { exitCode: null, cause: "memory" }],
      ["1_6", { exitCode: null, cause: "node failure" }],
    ]);
  });

  test.each(["4_0|FAILED", "4_0|DANCING|0:0", "Slurm accounting", "|FAILED|3:0", "4_0|FAILED|3:0|more"])(
    "that says %j is an error",
    (line) => expect(() => parseAccounts(`${line}\n`)).toThrow(),
  );
});

test.each([
  ["None", null, false],
  ["Priority", "other jobs come first (Priority)", false],
  ["QOSMaxJobsPerUserLimit", "your limits: other jobs have to end first (QOSMaxJobsPerUserLimit)", false],
  ["AssocMaxJobsLimit", "your limits: other jobs have to end first (AssocMaxJobsLimit)", false],
  ["AssocMaxWallDurationPerJobLimit", "its walltime is over the limit (AssocMaxWallDurationPerJobLimit)", true],
  ["AssocGrpCPUMinutesLimit", "your limits: other jobs have to end first (AssocGrpCPUMinutesLimit)", false],
  ["SomethingNew", "SomethingNew", false],
  ["QOSMaxWallDurationPerJobLimit", "its walltime is over the limit (QOSMaxWallDurationPerJobLimit)", true],
  ["AssocMaxCpuPerJobLimit", "it asks for more or less than one job may have (AssocMaxCpuPerJobLimit)", true],
  ["DependencyNeverSatisfied", "it depends on a job that failed (DependencyNeverSatisfied)", true],
])("the reason %s", (reason, words, never) => {
  expect(reasonWords(reason)).toBe(words);
  expect(isHopeless(reason)).toBe(never);
});

describe("a submission", () => {
  const submit = cluster.submit({ number: 7, count: 3, script: "#!/bin/bash\n", excludedNodes: ["n1", "n2"] });
  const failing = (stderr: string, exitCode: number | null = 1) => {
    try {
      submit.parse({ exitCode, stdout: "", stderr });
    } catch (error) {
      return error;
    }
    return null;
  };

  test("is one array with the run's tag, told by its number", () => {
    expect(submit.argv.slice(4)).toEqual([
      ...["sbatch", "--parsable", "--array=0-2", "--comment=adaptive:run", "--job-name=peaks-7", "--no-requeue"],
      ...["--exclude=n1,n2", "--chdir=/run/jobs", "--output=%A_%a.out", "--open-mode=append"],
    ]);
    expect(submit.stdin).toBe("#!/bin/bash\n");
  });

  test.each(["4711\n", "4711;federated\n", "a banner\n4711\n"])("reads the id from %j", (stdout) => {
    const jobs = submit.parse({ exitCode: 0, stdout: `${stdout}end of list\n`, stderr: "" });
    expect(jobs.map(({ id }) => id)).toEqual(["4711_0", "4711_1", "4711_2"]);
  });

  test.each([
    ["submission-refused", "invalid partition specified: nope", "sbatch: error: invalid partition specified: nope\n"],
    [
      "submission-refused",
      "Batch job submission failed: Invalid account or account/partition combination specified",
      "sbatch: error: Batch job submission failed: Invalid account or account/partition combination specified\n",
    ],
    [
      "submission-refused",
      "QOSMaxWallDurationPerJobLimit; Batch job submission failed: Job violates",
      "sbatch: error: QOSMaxWallDurationPerJobLimit\nsbatch: error: Batch job submission failed: Job violates accounting/QOS policy (job submit limit, user's size and/or time limits)\n",
    ],
    [
      "queue-full",
      "QOSMaxSubmitJobPerUserLimit",
      "sbatch: error: QOSMaxSubmitJobPerUserLimit\nsbatch: error: Batch job submission failed: Job violates accounting/QOS policy (job submit limit, user's size and/or time limits)\n",
    ],
    [
      "queue-full",
      "AssocMaxSubmitJobLimit",
      "sbatch: error: AssocMaxSubmitJobLimit\nsbatch: error: Batch job submission failed: Job violates accounting/QOS policy (job submit limit, user's size and/or time limits)\n",
    ],
    [
      "slurm-failed",
      "Unable to contact slurm controller",
      "sbatch: error: Batch job submission failed: Unable to contact slurm controller (connect failure)\n",
    ],
    ["slurm-failed", "Socket timed out", "sbatch: error: Batch job submission failed: Socket timed out\n"],
  ])("fails with %s when sbatch says %s", (code, words, stderr) => {
    expect(failing(stderr)).toMatchObject({ code, message: expect.stringContaining(words) as string });
    expect(failing(stderr)).toMatchObject({ message: expect.stringContaining("sbatch --parsable") as string });
  });

  test.each([
    ["invalid partition specified: nope", "resources.partition"],
    ["Invalid account or account/partition combination specified", "resources.account"],
    ["Invalid qos specification", "resources.extraLines"],
    ["QOSMaxWallDurationPerJobLimit\nJob violates accounting/QOS policy (job submit limit, time limits)", "walltime"],
  ])("whose refusal is %j is told to look at %s", (words, hint) => {
    expect(failing(`sbatch: error: ${words}\n`)).toMatchObject({ hint: expect.stringContaining(hint) as string });
  });

  test("that got no answer is neither taken nor refused", () => {
    expect(failing("", null)).toMatchObject({ code: "slurm-failed" });
  });

  test("where Slurm is missing says so", () => {
    const missing = failing("bash: line 5: sbatch: command not found\n", 127);
    expect(missing).toMatchObject({ code: "command-missing" });
  });
});

test("a shell in a job is a step of its own, which waits for nothing and starts once", () => {
  const [, , script, ...words] = cluster.shell("123_4");
  expect(words).toEqual(["adaptive", "123_4"]);
  expect(script).toMatch(
    /id=\$\(squeue .*--jobs="\$1" --format=%A\)[^]*exec srun --jobid="\$id" --overlap --nodes=1 --ntasks=1 --mem=0 --mpi=none --pty /,
  );
});

test("cancelling names tasks by their arrays, and every job once", () => {
  expect(inArrays(["4_0", "4_1", "4_2", "4_7", "9_3", "12"])).toEqual(["4_[0-2,7]", "9_[3]", "12"]);
  const expand = (word: string) => {
    const [, array = word, ranges] = /^(\d+)_\[(.*)\]$/.exec(word) ?? [];
    if (ranges === undefined) return [array];
    return ranges.split(",").flatMap((range) => {
      const [first = 0, last = first] = range.split("-").map(Number);
      return Array.from({ length: last - first + 1 }, (_, i) => `${array}_${first + i}`);
    });
  };
  const job = fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 0, max: 30 }));
  fc.assert(
    fc.property(fc.uniqueArray(job.map(([array, task]) => `${array}_${task}`)), (jobs) => {
      expect(inArrays(jobs).flatMap(expand).sort()).toEqual([...jobs].sort());
    }),
  );
});

test("the largest array is that of the configuration", () => {
  const { parse } = cluster.largestArray() ?? {};
  const output = (stdout: string) => ({ exitCode: 0, stdout: `${stdout}end of list\n`, stderr: "" });
  expect(parse?.(output("MaxArraySize            = 1001\nMaxDBDMsgs              = 24248\n"))).toBe(1001);
  expect(() => parse?.(output(""))).toThrow();
});

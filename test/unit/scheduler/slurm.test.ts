import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { inArrays, slurmCluster } from "../../../src/scheduler/clusters/slurm";
import { parseAccounts, parseListing } from "../../../src/scheduler/clusters/slurmListing";
import { isHopeless, reasonWords } from "../../../src/scheduler/clusters/slurmReasons";

const run = { folder: "/run/jobs", runId: "5eed0001-run", name: "peaks" };
const tag = "adaptive:5eed0001-run:3";
const record = (line: string) => `${line.replaceAll("|", "\x1f")}\x1e\n`;
const listing = (...lines: string[]) => lines.map(record).join("");
const cluster = slurmCluster({ ...run, user: "ada" });
const read = (output: string, ...known: string[]) => parseListing(output, run, new Set(known));

describe("a listing", () => {
  // Printed by Slurm 22.05.8: squeue --array --states=all, bars for the separators.
  test("gives our jobs, and of others nothing", () => {
    const output = listing(
      "17|N/A|CANCELLED|0|0|UNLIMITED||wrap|(null)|/home|Priority",
      `4|0|FAILED|0|768|30:00|n1|peaks-3.5eed0001|${tag}|/run/jobs|NonZeroExitCode`,
      `4|1|RUNNING|0|0|30:00|n1|peaks-3.5eed0001|${tag}|/run/jobs|None`,
      `4|2|RUNNING|2|0|1-00:00:01|n[1-2]|peaks-3.5eed0001|${tag}|/run/jobs|None`,
      "18|N/A|PENDING|0|0|UNLIMITED||another\nname|adaptive:5eed0002-other:3|/run/jobs|JobHeldUser",
      "7|N/A|PENDING|0|0|2:00:00||peaks-12.5eed0001|adaptive:5eed0001-run:12|/run/jobs|PartitionTimeLimit",
      "19|4|PENDING|0|0|UNLIMITED||peaks-13.5eed0001|adaptive:5eed0001-run:13|/run/jobs|ReqNodeNotAvail, UnavailableNodes:n4",
    );
    const name = "peaks-3.5eed0001";
    const alive = { restart: 0, waitsFor: null, isHopeless: false, end: null, walltimeSeconds: 1800 };
    expect(read(output)).toEqual([
      { ...alive, id: "4_0", name, submission: 3, state: "ended", host: "n1", end: { exitCode: 3, cause: "exit" } },
      { ...alive, id: "4_1", name, submission: 3, state: "running", host: "n1" },
      {
        ...{ ...alive, id: "4_2", name, submission: 3, state: "running", host: "n[1-2]", restart: 2 },
        walltimeSeconds: 86_401,
      },
      {
        ...{ ...alive, id: "7", name: "peaks-12.5eed0001", submission: 12, state: "queued", host: null },
        ...{ waitsFor: "its walltime is over the limit (PartitionTimeLimit)", isHopeless: true, walltimeSeconds: 7200 },
      },
      {
        ...{ ...alive, id: "19_4", name: "peaks-13.5eed0001", submission: 13, state: "queued", host: null },
        waitsFor: "nodes that are reserved or down (ReqNodeNotAvail, UnavailableNodes:n4)",
        walltimeSeconds: null,
      },
    ]);
  });

  describe("of a site that rewrites what is submitted", () => {
    const marks = ["peaks-3.5eed0001", tag, "/run/jobs"];
    const row = (id: string, state: string, ...carried: string[]) =>
      `${id}|${state}|0|0|30:00|n1|${carried.join("|")}|None`;
    const rewritten = ["gpu", "project=demo", "/scratch"];

    test("gives a job that is known whatever is left of its marks, and one that is not by any mark", () => {
      const choices = fc.tuple(fc.boolean(), fc.boolean(), fc.boolean());
      fc.assert(
        fc.property(choices, fc.boolean(), (isKept, isKnown) => {
          const carried = marks.map((mark, i) => (isKept[i] ? mark : (rewritten[i] ?? "")));
          const jobs = read(listing(row("4|1", "RUNNING", ...carried)), ...(isKnown ? ["4_1"] : []));
          const isOurs = isKnown || isKept.includes(true);
          expect(jobs.map(({ id }) => id)).toEqual(isOurs ? ["4_1"] : []);
          if (isOurs) expect(jobs[0]?.submission).toBe(isKept[0] || isKept[1] ? 3 : null);
        }),
      );
    });

    test.each([
      ["with words before and after the comment", "x", `project=demo ${tag};x`, "/", 3],
      ["with a name that is put into another", "demo_peaks-3.5eed0001_x", "", "/", 3],
      ["of an older version, without a number", "peaks-3", "adaptive:5eed0001-run", "/", null],
    ])("knows a job %s", (_, name, comment, folder, submission) => {
      expect(read(listing(row("4|1", "RUNNING", name, comment, folder)))).toMatchObject([{ id: "4_1", submission }]);
    });

    test("takes a known number that has become another run's job for that, and what only lies where ours did for nothing", () => {
      const others = listing(
        row("4|1", "RUNNING", "peaks-3.5eed0002", "adaptive:5eed0002-other:3", "/run/jobs"),
        row("5|0", "COMPLETED", "gpu", "project=demo", "/run/jobs"),
      );
      expect(read(others, "4_1")).toEqual([]);
    });
  });

  test("takes one record of an array that was cancelled while it waited for all of its jobs that are not listed", () => {
    const output = listing(
      "1|0|RUNNING|0|0|30:00|n1|gpu|project|/|None",
      "1|N/A|CANCELLED|0|0|30:00||gpu|project|/|None",
      "2|N/A|CANCELLED|0|0|30:00||gpu|project|/|None",
    );
    const jobs = read(output, "1_0", "1_1", "1_2", "11_0");
    expect(jobs.map(({ id, state }) => `${id} ${state}`)).toEqual(["1_0 running", "1_1 ended", "1_2 ended"]);
  });

  test.each([
    ["0:53", "NonZeroExitCode", /^could not be started: its working folder/],
    ["53", "RaisedSignal:53(Real-time_signal_19)", /^could not be started: its working folder/],
    ["1:0", "JobLaunchFailure", /^could not be started on its node \(JobLaunchFailure\)$/],
    ["0:1", "BadConstraints", /^could not be started: no node can satisfy what it asks for \(BadConstraints\)$/],
    ["0:0", "SystemFailure", /^was ended by a fault of the queue/],
    ["0:0", "InactiveLimit", /^was ended by the queue because/],
  ])("says what Slurm means by %s and %s", (status, reason, words) => {
    const output = listing(`4|0|FAILED|0|${status}|30:00||peaks-3.5eed0001|${tag}|/run/jobs|${reason}`);
    expect(read(output, "4_0")).toMatchObject([{ end: { exitCode: null, cause: "exit" } }]);
    expect(read(output, "4_0")[0]?.end?.words).toMatch(words);
  });

  test("knows Slurm's own signal for memory, and its word for a job that no node could start", () => {
    const output = listing(
      `4|0|FAILED|0|0:125|30:00|n1|peaks-3.5eed0001|${tag}|/run/jobs|NonZeroExitCode`,
      `4|1|PENDING|0|0:0|30:00||peaks-3.5eed0001|${tag}|/run/jobs|launch failed requeued held`,
    );
    expect(read(output)).toMatchObject([{ end: { cause: "memory" } }, { isHopeless: true }]);
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
    expect(read(listing(`4|0|${word}|0|0|30:00|n1|peaks-3.5eed0001|${tag}|/run/jobs|None`))).toMatchObject([
      { state, end },
    ]);
  });

  test.each([
    ["as wait(2) gives it", "768", 3],
    ["of a signal", "9", 137],
    ["of a signal, with a core dump", "139", 139],
    ["as newer versions may print it", "3:0", 3],
    ["of a signal, as newer versions may print it", "0:9", 137],
    ["that is not understood", "?", null],
  ])("understands an exit code %s", (_, status, exitCode) => {
    const output = listing(`4|0|FAILED|0|${status}|30:00|n1|peaks-3.5eed0001|${tag}|/run/jobs|None`);
    expect(read(output)).toMatchObject([{ end: { exitCode } }]);
  });

  test("leaves out what sbatch refused, although Slurm keeps a record of it", () => {
    expect(read(listing(`10|0|FAILED|0|1|30:00||peaks-3.5eed0001|${tag}|/run/jobs|BadConstraints`))).toEqual([]);
  });

  test.each([
    ["no end of its last line", record(`4|0|RUNNING|0|0|30:00|n1|peaks-3.5eed0001|${tag}|/run/jobs|None`).slice(0, -2)],
    ["words", "slurm_load_jobs error: Unable to contact slurm controller\n"],
    ["a missing field", record(`4|0|RUNNING|0|30:00|n1|peaks-3.5eed0001|${tag}|/run/jobs|None`)],
    ["an unknown state", record(`4|0|DANCING|0|0|30:00|n1|peaks-3.5eed0001|${tag}|/run/jobs|None`)],
    ["no id", record(`*|0|RUNNING|0|0|30:00|n1|peaks-3|adaptive:other:3|/|None`)],
  ])("with %s is an error, and no list", (_, output) => {
    expect(() => read(output)).toThrow(expect.objectContaining({ code: "queue-garbled" }) as Error);
  });

  test("of nobody's jobs is empty", () => expect(read("")).toEqual([]));
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
      ...["sbatch", "--parsable", "--array=0-2", "--comment=adaptive:5eed0001-run:7"],
      ...["--job-name=peaks-7.5eed0001", "--no-requeue"],
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

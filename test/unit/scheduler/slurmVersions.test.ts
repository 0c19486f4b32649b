import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { ClusterCommand, CommandOutput, QueuedJob } from "../../../src/scheduler/clusters/cluster";
import { slurmCluster } from "../../../src/scheduler/clusters/slurm";

const run = { runId: "5eed0001-run", name: "peaks", user: "root" };
const cluster = slurmCluster({ ...run, folder: "/run/jobs" });
const nowhere = slurmCluster({ ...run, folder: "/dev/null/nowhere" });

/** What a version printed, of `test/cluster/versions/capture.sh`, for exactly the commands that are asked here. */
function transcript(version: string) {
  const path = join(import.meta.dirname, "../../fixtures/slurm", `${version}.txt`);
  const text = readFileSync(path, "utf8").replaceAll("␟", "\x1f").replaceAll("␞", "\x1e");
  const printed = text.split(/^\$ /m).slice(1).map(printedBy);
  /** Each time that the command was run. */
  const outputs = ({ argv }: ClusterCommand<unknown>) => {
    const found = printed.filter(({ command }) => command === argv.slice(4).join(" "));
    if (found.length === 0) throw new Error(`${version} was not asked: ${argv.slice(4).join(" ")}`);
    return found.map(({ output }) => output);
  };
  const answers = <T>(command: ClusterCommand<T>): T[] => outputs(command).map((output) => command.parse(output));
  const submissionOf = (number: number, count: number, where = cluster) =>
    where.submit({ number, count, script: "", excludedNodes: [] });
  const taken = [
    ...[submissionOf(1, 3), submissionOf(2, 1, nowhere), submissionOf(3, 3), submissionOf(4, 2), submissionOf(5, 1)],
    ...[submissionOf(6, 1), submissionOf(7, 2)],
  ];
  const isRefused = (number: number) => outputs(submissionOf(number, 1)).every(({ exitCode }) => exitCode !== 0);
  const impossible = [8, 9].filter((number) => !isRefused(number));
  const idsOf = (command: ReturnType<typeof submissionOf>) =>
    answers(command)
      .flat()
      .map(({ id }) => id);
  const known = new Set([...taken, ...impossible.map((number) => submissionOf(number, 1))].flatMap(idsOf));
  /** The jobs of each submission, in the order of the array, at the first or the second look. */
  const jobsAt = (look: number, ids: ReadonlySet<string> = known) => {
    const bySubmission = new Map<number | null, QueuedJob[]>();
    for (const job of [...(answers(cluster.list(ids))[look] ?? [])].sort((a, b) => (a.id < b.id ? -1 : 1))) {
      bySubmission.set(job.submission, [...(bySubmission.get(job.submission) ?? []), job]);
    }
    return bySubmission;
  };
  return { answers, submissionOf, impossible, known, jobsAt };
}

function printedBy(block: string): { command: string; output: CommandOutput } {
  const [command = "", ...lines] = block.trimEnd().split("\n");
  const exitCode = Number(lines.pop()?.slice("= ".length));
  const told = lines.filter((line) => !line.startsWith("2> ")).map((line) => `${line}\n`);
  const complained = lines.filter((line) => line.startsWith("2> ")).map((line) => `${line.slice("2> ".length)}\n`);
  // What our own shell adds.
  const sentinel = exitCode === 0 ? "end of list\n" : "";
  return { command, output: { exitCode, stdout: `${told.join("")}${sentinel}`, stderr: complained.join("") } };
}

const ended = { state: "ended", waitsFor: null, isHopeless: false };
const asItWas = (waitsFor: RegExp) => ({
  ...{ state: "queued", host: null, end: null, isHopeless: false },
  waitsFor: expect.stringMatching(waitsFor) as string,
});

describe.each(["20.11", "22.05", "24.11", "26.05"])("Slurm %s", (version) => {
  const { answers, submissionOf, impossible, known, jobsAt } = transcript(version);

  test("tells how jobs ended by themselves", () => {
    expect(jobsAt(0).get(1)).toMatchObject([
      { ...ended, host: "n1", end: { exitCode: 0, cause: "exit" } },
      { ...ended, host: "n1", end: { exitCode: 3, cause: "exit" } },
      { ...ended, host: "n1", end: { exitCode: 137, cause: "exit" } },
    ]);
    for (const { end } of jobsAt(0).get(1) ?? []) expect(end?.words).toBeUndefined();
  });

  test("tells of a job whose folder cannot be opened, unless it is too old for that", () => {
    const [job] = jobsAt(0).get(2) ?? [];
    expect(job).toMatchObject({ ...ended, end: { cause: "exit", exitCode: version === "20.11" ? 1 : null } });
    if (version !== "20.11") expect(job?.end?.words).toMatch(/^could not be started: its working folder/);
  });

  test("tells of jobs that were cancelled while they waited or ran, one by one or all together", () => {
    const cancelled = { ...ended, end: { exitCode: null, cause: "cancelled" } };
    expect(jobsAt(0).get(3)).toMatchObject([cancelled, cancelled, cancelled]);
    const running = { state: "running", host: "n1", walltimeSeconds: 1800, end: null };
    expect(jobsAt(0).get(4)).toMatchObject([running, running]);
    expect(jobsAt(1).get(4)?.[1]).toMatchObject(cancelled);
  });

  test("tells of the walltime, and of a lost node", () => {
    expect(jobsAt(0).get(5)).toMatchObject([{ state: "running", walltimeSeconds: 60 }]);
    expect(jobsAt(1).get(5)).toMatchObject([{ ...ended, end: { exitCode: null, cause: "walltime" } }]);
    expect(jobsAt(1).get(4)?.[0]).toMatchObject({ ...ended, end: { exitCode: null, cause: "node failure" } });
  });

  test("tells what jobs wait for: after a new start, held, and for ever", () => {
    expect(jobsAt(0).get(6)).toMatchObject([{ ...asItWas(/^its time to begin/), restart: 1 }]);
    const held = asItWas(/because it is held/);
    expect(jobsAt(0).get(7)).toMatchObject([held, held]);
    for (const number of impossible) {
      expect(jobsAt(1).get(number)).toMatchObject([{ state: "queued", host: null, isHopeless: true }]);
    }
  });

  test("shows its jobs to a scheduler that knows none of them, but not what it refused", () => {
    const found = jobsAt(0, new Set());
    expect(new Set(found.keys())).toEqual(new Set([1, 2, 3, 4, 5, 6, 7, ...impossible]));
    const ids = [...found.values()].flat().map(({ id }) => id);
    // Of an array that never started there may be one record, with the number of the array.
    expect(ids.filter((id) => !known.has(id) && !known.has(`${id}_0`))).toEqual([]);
  });

  test("refuses what it never takes, in its own words", () => {
    const refusals = [
      ...(impossible.includes(8)
        ? []
        : ([[8, "Requested node configuration is not available", "resources.nodes"]] as const)),
      [10, "invalid partition specified: nope", "resources.partition"],
      [11, "Memory specification can not be satisfied", "resources.memory"],
      [12, "Invalid --time specification", ""],
      [13, "Invalid feature specification", ""],
      [14, "unrecognized option '--no-such-option'", ""],
    ] as const;
    for (const [number, words, hint] of refusals) {
      expect(() => answers(submissionOf(number, 1))).toThrow(
        expect.objectContaining({
          code: "submission-refused",
          message: expect.stringContaining(words) as string,
          hint: expect.stringContaining(hint) as string,
        }) as Error,
      );
    }
  });

  test("says how large an array may be, and that it keeps no account", () => {
    const largest = cluster.largestArray();
    expect(largest && answers(largest)).toEqual([1001]);
    const [first = ""] = known;
    const account = cluster.account([first]);
    expect(() => account && answers(account)).toThrow(expect.objectContaining({ code: "no-accounts" }) as Error);
  });

  test("cancels, and has nothing to say of what has ended", () => {
    const [half = ""] = [...known].filter((id) => id === jobsAt(0).get(4)?.[1]?.id);
    const ofFirst = [...known].slice(0, 3);
    expect(answers(cluster.cancel([half], false))).toEqual([undefined]);
    expect(answers(cluster.cancel([...ofFirst, "99999999_9"], true))).toEqual([undefined]);
  });
});

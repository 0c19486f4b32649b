import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import type { Study } from "../integration/program";
import { createStudy, peaks } from "../integration/program";
import { farGoal, inPartition, SlurmStudy, slowPeaks } from "./slurmStudy";

/** Another machine with the same home directory: a node of the cluster, as one that people log in to. */
const onOtherHost = [
  "ip",
  "netns",
  "exec",
  "adaptive-n4",
  "unshare",
  "--uts",
  "sh",
  "-c",
  'hostname login2; exec "$@"',
  "sh",
];

async function answer(study: Study, ...args: string[]): Promise<{ exitCode: number | null; answer: unknown }> {
  const { exitCode, stdout } = await study.start([...args, "--json"], onOtherHost).ended;
  return { exitCode, answer: JSON.parse(stdout.trimEnd().split("\n").at(-1) ?? "") as unknown };
}

test("a run is followed and led from another login node, through the addresses that its scheduler has", async () => {
  const on = await SlurmStudy.create(slowPeaks(1), farGoal);
  const run = await on.run("--max-jobs", "1", ...inPartition("pair"));
  await on.firstHolder();
  const { study } = on;
  expect(await answer(study, "status", study.folder)).toMatchObject({
    exitCode: 0,
    answer: { learners: { running: 1 }, scheduler: { host: (await promisify(execFile)("hostname")).stdout.trim() } },
  });
  expect(await answer(study, "list")).toMatchObject({ exitCode: 0, answer: { runs: [{ state: "running" }] } });
  await on.finish(run);
});

test("a scheduler that another login node cannot reach is named there, with what to do", async () => {
  const study = await createStudy(peaks(1), { goal: { npoints: 100_000 } });
  const run = study.run("--json");
  await run.line((line) => line.includes('"event":"begin"'));
  expect(await answer(study, "stop", study.folder)).toMatchObject({
    exitCode: 2,
    answer: {
      error: {
        code: "scheduler-elsewhere",
        message: expect.stringMatching(/^The run's scheduler on .* \(pid \d+\) does not answer login2\.$/),
        hint: expect.stringContaining("name it as HostName"),
      },
    },
  });
});

import { expect, test } from "vitest";
import { clusterOf } from "../../../src/remote/clusterRuns";
import { planStudy, type StudyEntry } from "../../../src/remote/studySync/plan";
import { nodeQuestion, notOnCluster, sendQuestion, studyNotOpen } from "../../../src/views/clusterWords";

const entry = (path: string, more: Partial<StudyEntry> = {}): StudyEntry => ({
  path,
  size: 1000,
  isIgnored: false,
  ...more,
});

test("what will be sent, and what not", () => {
  const plan = planStudy(
    [
      entry("_learners.py"),
      entry("a.csv", { size: 2_500_000 }),
      entry("a.pickle"),
      entry("b.pickle"),
      entry("x.log", { isIgnored: true }),
    ],
    [],
  );
  expect(sendQuestion("hpc", "/home/ada/adaptive-runs/peaks", plan)).toEqual({
    message: "Send this study to hpc?",
    detail: `2 files, 2.5 MB, to /home/ada/adaptive-runs/peaks:

_learners.py
a.csv

Not sent: 2 files of data, 1 file that git ignores. "include" in adaptive.json takes some along.

From now on what you change is sent whenever you start jobs.`,
    choices: ["Send"],
  });
});

test("of many files the first are named", () => {
  const plan = planStudy(
    Array.from({ length: 30 }, (_, i) => entry(`file${i}.py`)),
    [],
  );
  const { detail } = sendQuestion("hpc", "/there", plan);
  expect(detail).toContain("file10.py\nand 19 more\n");
  expect(detail).not.toContain("Not sent");
});

test("whether to install Node says why, and how large it is", () => {
  const offer = { kind: "offer", architecture: "arm64", why: "This head node has no Node.js." } as const;
  const { message, detail } = nodeQuestion("hpc", offer, { version: "22.20.0", megabytes: 43 });
  expect(message).toBe("Install Node on hpc?");
  expect(detail).toMatch(/^This head node has no Node\.js\. .* Node 22\.20\.0 for arm64 \(43 MB, once\)/);
});

test("data of a run on a cluster is there, also where its study is not open", () => {
  expect(notOnCluster.message).toContain("on this computer");
  expect(studyNotOpen("hpc", null)).toMatchObject({
    code: "study-not-open",
    message: expect.stringMatching(/^The data is on hpc/) as string,
    hint: expect.stringContaining("Open the folder with its learners file") as string,
  });
  expect(studyNotOpen("hpc", "/home/ada/study").hint).toContain("Open /home/ada/study");
});

test.each([
  ["hpc:/home/ada/runs/peaks/.adaptive", "slurm", "hpc"],
  ["/home/ada/peaks/.adaptive", "local", "local"],
  ["C:/ada/peaks/.adaptive", "local", "local"],
])("settings for the run %s, whose jobs go to %s, are asked of %s", (directory, queue, cluster) => {
  expect(clusterOf(directory, queue)).toBe(cluster);
});

import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import * as v from "valibot";
import { callPython } from "../../src/scheduler/python";
import { previewArguments } from "../../src/scheduler/previews";
import { previewSchema } from "../../src/scheduler/workers/messages";
import { createStudy, python, type Study } from "./program";

const allTypes = await readFile("test/fixtures/all_types.py", "utf8");

/** What each data file holds, as `adaptive` itself loads it: by combo the points, and whether nothing is left to do. */
async function loaded(study: Study): Promise<Record<string, [npoints: number, isExhausted: boolean]>> {
  const script = `
import json, sys; sys.path.insert(0, ".")
from _learners import learners, fnames, combos
for learner, fname in zip(learners, fnames): learner.load(fname)
print(json.dumps({combo["kind"]: [learner.npoints, bool(getattr(learner, "done", bool)())]
                  for learner, combo in zip(learners, combos)}))`;
  const { stdout } = await promisify(execFile)(python, ["-c", script], { cwd: study.folder });
  return JSON.parse(stdout) as Record<string, [number, boolean]>;
}

describe("every type of learner", () => {
  test("runs under MPI to its goal, with its data and its data frame on disk, and again has nothing to do", async () => {
    const study = await createStudy(allTypes, { goal: { npoints: 20 }, dataframe: "csv" });
    const { exitCode, stdout, stderr } = await study.run().ended;
    expect({ stderr, stdout, exitCode }).toMatchObject({ stderr: "", exitCode: 0 });
    expect(stdout).toContain("10 done, 0 failed");
    const { SequenceLearner, IntegratorLearner, ...others } = await loaded(study);
    expect(SequenceLearner).toEqual([12, true]);
    expect(IntegratorLearner?.[0]).toBeGreaterThanOrEqual(20);
    for (const [npoints] of Object.values(others)) expect(npoints).toBeGreaterThanOrEqual(20);

    const rows = await study.rows("learners");
    expect(rows.map(({ type }) => type)).toEqual([
      "Learner1D",
      "Learner1D",
      "Learner2D",
      "LearnerND",
      "AverageLearner",
      "AverageLearner1D",
      "IntegratorLearner",
      "SequenceLearner",
      "BalancingLearner(Learner1D)",
      "DataSaver(Learner1D)",
    ]);
    for (const { fname, npoints, remark } of rows) {
      expect(remark).toBeNull();
      const names = fname.startsWith("[") ? (JSON.parse(fname) as string[]) : [fname];
      const frames = await Promise.all(names.map((name) => readFile(study.at(`${name}.csv`), "utf8")));
      const lines = frames.reduce((sum, frame) => sum + frame.trim().split("\n").length - 1, 0);
      expect(lines).toBeGreaterThanOrEqual(npoints);
    }

    const path = [study.folder, resolve("python")];
    const call = { python, prelude: [], path, cwd: study.folder, module: "preview", deadlineMs: 60_000 };
    const pictures = rows.map(async (row) => {
      const picture = v.parse(previewSchema, await callPython({ ...call, args: previewArguments(row) }));
      expect(picture.npoints).toBe(row.npoints);
      return picture.kind;
    });
    expect(await Promise.all(pictures)).toEqual([
      "line",
      "line",
      "surface",
      "points",
      "histogram",
      "line",
      "line",
      "sequence",
      "balancing",
      "line",
    ]);
  });
});

describe.each(["process-pool", "loky", "mpi4py"])("executor %s", (executor) => {
  test("runs a study of functions, and says where one failed", async () => {
    const text = `
import os
import adaptive

def evaluate(x, name):
    if name == "broken" and x == 1:
        raise ZeroDivisionError("too small")
    return x, os.getpid()

names = ["good", "broken"]
combos = [{"name": name} for name in names]
def fname(combo):
    return "data/" + combo["name"]
def make_learner(combo):
    return adaptive.DataSaver(adaptive.Learner1D(lambda x: evaluate(x, **combo), (-1, 1)), lambda result: result[0])
def goal(learner):
    return learner.npoints >= 10
`;
    const study = await createStudy(text, { executor, maxFailures: 1 });
    const { exitCode, stdout } = await study.run().ended;
    expect(exitCode).toBe(1);
    expect(stdout).toContain("1 done, 1 failed");
    const [good, broken] = await study.rows("learners");
    expect(good).toMatchObject({ state: "done", type: "DataSaver(Learner1D)", bounds: "[[-1,1]]" });
    expect(good?.npoints).toBeGreaterThanOrEqual(10);
    expect(broken?.error).toMatch(/^ZeroDivisionError: too small in <lambda> at x = 1/);
  });
});

test("a worker process that is killed fails its learner with a clear reason, and the next one runs", async () => {
  const text = `
import os, signal
import adaptive

def evaluate(x, name):
    if name == "killed" and x not in (-1, 1):
        os.kill(os.getpid(), signal.SIGKILL)
    return x

from functools import partial
names = ["killed", "good"]
learners = [adaptive.Learner1D(partial(evaluate, name=name), (-1, 1)) for name in names]
fnames = [f"data/{name}" for name in names]
`;
  const study = await createStudy(text, { executor: "process-pool", maxFailures: 1, goal: { npoints: 8 } });
  expect(await study.run().ended).toMatchObject({ exitCode: 1 });
  const [killed, good] = await study.rows("learners");
  expect(killed?.error).toMatch(/a worker process was killed while evaluating evaluate at x = /);
  expect(killed?.npoints).toBe(2);
  expect(good).toMatchObject({ state: "done" });
});

test("before its walltime ends a job saves its learner and gives it back; the next job goes on", async () => {
  const text = `
import time
import adaptive

def slow(x):
    time.sleep(0.05)
    return x

learners = [adaptive.Learner1D(slow, (-1, 1))]
fnames = ["data/slow"]
`;
  const study = await createStudy(text, { resources: { walltime: "0:20" }, goal: { npoints: 500 } });
  expect(await study.run().ended).toMatchObject({ exitCode: 0 });
  const released = (await study.changes()).filter((change) => change.kind === "learnerReleased");
  expect(released[0]).toMatchObject({ state: "waiting", failures: 0, reason: "the walltime of its job was over" });
  expect(released[0]?.npoints).toBeGreaterThan(0);
});

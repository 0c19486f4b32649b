import { spawn } from "node:child_process";
import { once } from "node:events";
import { access } from "node:fs/promises";
import { userInfo } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { slurmCluster } from "../../../src/scheduler/clusters/slurm";
import { testContract } from "../../integration/clusters/contract";
import { createStudy, python } from "../../integration/program";

/** As a newcomer writes it. */
const products = `
from functools import partial
import adaptive
def f(x, a): return x * a
combos = adaptive.utils.named_product(a=[1.0, 2.0])
learners = [adaptive.Learner1D(partial(f, **c), bounds=(0, 1)) for c in combos]
fnames = [f"data/a_{c['a']}.pickle" for c in combos]
`;

const head = "#!/bin/bash\nADAPTIVE_JOB_ID=${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID\n";

/** What every cluster promises, and a study from its start to its end, with the Slurm of a Debian. */
export function testVersion(version: string, debian: string): void {
  const programs = slurmOf(debian);

  test("is the version that is meant", async () => {
    const [text] = (await once(spawn("squeue", ["--version"]).stdout.setEncoding("utf8"), "data")) as [string];
    expect(text).toMatch(new RegExp(` ${version.replace(".", "\\.")}\\.`));
  });

  testContract(
    (folder) => slurmCluster({ folder, runId: `contract-${folder}`, name: "a study", user: userInfo().username }),
    head,
  );

  test("runs a study", async () => {
    const study = await createStudy(products);
    const args = [
      "run",
      "--learners",
      study.learnersFile,
      "--cluster",
      "slurm",
      "--python",
      join(programs(), "python"),
    ];
    const { exitCode, stdout } = await study.start([...args, "--goal", "npoints=10", "--cores", "1"]).ended;
    expect({ exitCode, end: exitCode === 0 ? "" : stdout.slice(-3000) }).toEqual({ exitCode: 0, end: "" });
    const done = { state: "done", failures: 0 };
    expect(await study.rows("learners")).toMatchObject([done, done]);
    await access(study.at("data", "a_2.0.pickle"));
    for (const job of await study.rows("jobs")) expect(job).toMatchObject({ host: "n1", ending: "exit", exitCode: 0 });
  });
}

/** @returns the folder of its programs, which are those on `PATH` while the tests run */
function slurmOf(debian: string): () => string {
  let programs = "";
  let end = () => Promise.resolve();
  const path = process.env["PATH"];

  beforeAll(async () => {
    const stdio = ["pipe", "pipe", "inherit"] as const;
    const slurm = spawn(join(import.meta.dirname, "slurm.sh"), ["run", debian, python], { stdio: [...stdio] });
    const exit = once(slurm, "exit");
    end = async () => {
      slurm.stdin.end();
      await exit;
    };
    const answer = once(slurm.stdout.setEncoding("utf8"), "data") as Promise<[string]>;
    const failure = exit.then(() => Promise.reject(new Error(`The Slurm of Debian's ${debian} has ended.`)));
    [programs] = await Promise.race([answer, failure]);
    programs = programs.trim();
    process.env["PATH"] = `${programs}:${path}`;
  });

  afterAll(async () => {
    process.env["PATH"] = path;
    await end();
  });
  return () => programs;
}

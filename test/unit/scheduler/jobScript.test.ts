import { execFileSync, spawnSync } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { jobScript } from "../../../src/scheduler/jobs/jobScript";
import { shellQuote } from "../../../src/scheduler/jobs/quote";
import { temporaryFolder } from "./runFixture";

const words = fc.array(
  fc.oneof(fc.string(), fc.string({ unit: "binary" }), fc.constantFrom("$HOME", "a'b", "`id`", "\\", "\n", "-n", "")),
  { minLength: 1, maxLength: 20 },
);

test("a shell reads quoted words as they were", () => {
  fc.assert(
    fc.property(words, (words) => {
      const legal = words.map((word) => word.replaceAll("\0", ""));
      const script = `printf '%s\\0' ${legal.map(shellQuote).join(" ")}`;
      const read = execFileSync("sh", ["-c", script], { encoding: "utf8" }).split("\0").slice(0, -1);
      expect(read).toEqual(legal.map((word) => Buffer.from(word).toString()));
    }),
    { numRuns: 50 },
  );
});

const places = {
  runDirectory: "/home/me/my study",
  client: "/client",
  state: "/state",
  learnersFile: "_learners.py",
  resourceClass: "default",
  tries: null,
};
const settings = {
  python: "/opt/it's/python",
  prelude: ["module load mpi"],
  launcher: "mpiexec",
  executor: "auto",
  resources: { cores: 3, walltime: null },
} as const;
const scriptWith = (more: object) => {
  const script = jobScript({ ...places, settings: { ...settings, prelude: [...settings.prelude], ...more } });
  execFileSync("bash", ["-n"], { input: script });
  return script;
};

test("a job script goes to the run's directory with the run's environment, and starts one world", () => {
  const script = scriptWith({});
  expect(script).toContain("export ADAPTIVE_RUN_DIR='/home/me/my study'");
  expect(script).toContain(`code=/state/code\nADAPTIVE_REVISION=$(cat "$code/current") || exit 1`);
  expect(script).toContain("module load mpi\ntrap - EXIT\ncd '/home/me/my study' || exit 1");
  expect(script).toContain(`-n 4 "$python" -m mpi4py.futures -m adaptive_scheduler.run`);
  expect(script).not.toContain("ADAPTIVE_DEADLINE");
});

test.each([
  { executor: "auto", launcher: "auto", usesMpi: true },
  { executor: "mpi4py", launcher: "mpiexec", usesMpi: true },
  { executor: "process-pool", launcher: "mpiexec", usesMpi: false },
  { executor: "loky", launcher: "auto", usesMpi: false },
  { executor: "auto", launcher: "none", usesMpi: false },
])("executor $executor and launcher $launcher: MPI $usesMpi, and as many workers as cores", (choice) => {
  const script = scriptWith(choice);
  expect(script).toContain(`export ADAPTIVE_EXECUTOR=${choice.executor}\nexport ADAPTIVE_CORES=3\n`);
  if (choice.usesMpi) expect(script).toContain("mpi4py.futures");
  else expect(script).toMatch(/\nexec "\$python" -m adaptive_scheduler\.run\n$/);
});

test("a job with a walltime knows when it began and when it will be over", () => {
  const script = scriptWith({ resources: { cores: 1, walltime: "1:30:00" } });
  const exported = script.split("\n").find((line) => line.includes("ADAPTIVE_DEADLINE"));
  const read = execFileSync("bash", ["-c", `${exported}; date +%s; env`], { encoding: "utf8" });
  expect(read).toContain("ADAPTIVE_WALLTIME_SECONDS=5400\n");
  const [, deadline] = /ADAPTIVE_DEADLINE=(\d+)/.exec(read) ?? [];
  const untilThen = Number(deadline) - Number(read.split("\n")[0]);
  expect(untilThen).toBeGreaterThan(5300);
  expect(untilThen).toBeLessThanOrEqual(5400);
});

test.each([
  ["a prelude that exits", { prelude: ["exit 3"] }, "prelude: a line of the prelude ended the job with exit code 3"],
  [
    "a prelude that is no shell",
    { prelude: ["if then"] },
    "prelude: a line of the prelude ended the job with exit code 2",
  ],
  [
    "a missing Python",
    { prelude: [], python: "/opt/no/python" },
    /no-python: there is no Python at \/opt\/no\/python on ./,
  ],
  ["a missing launcher", { prelude: ["PATH="], python: "true" }, /no-launcher: there is no MPI launcher mpiexec on ./],
])("%s is named in the job's last word", async (_, more, words) => {
  const folder = await temporaryFolder();
  await mkdir(join(folder, "code"));
  await writeFile(join(folder, "code", "current"), "r1\n");
  const script = jobScript({ ...places, runDirectory: folder, state: folder, settings: { ...settings, ...more } });
  const { stdout, status } = spawnSync("bash", { input: script, encoding: "utf8" });
  expect(status).not.toBe(0);
  expect(stdout.trimEnd().split("\n").at(-1)).toMatch(words);
});

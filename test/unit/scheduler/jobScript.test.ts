import { execFileSync } from "node:child_process";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { jobScript } from "../../../src/scheduler/jobs/jobScript";
import { shellQuote } from "../../../src/scheduler/jobs/quote";

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

test("a job script goes to the run's directory with the run's environment, and starts one world", () => {
  const script = jobScript({
    runDirectory: "/home/me/my study",
    client: "/client",
    code: "/code",
    learnersFile: "_learners.py",
    resourceClass: "default",
    settings: {
      python: "/opt/it's/python",
      prelude: ["module load mpi"],
      launcher: "mpiexec",
      resources: { cores: 3, walltime: null },
    },
  });
  expect(script).toContain("export ADAPTIVE_RUN_DIR='/home/me/my study'");
  expect(script).toContain(`code=/code\nADAPTIVE_REVISION=$(cat "$code/current") || exit 1`);
  expect(script).toContain("module load mpi\ncd '/home/me/my study' || exit 1");
  expect(script).toContain(`-n 4 "$python" -m mpi4py.futures -m adaptive_scheduler.run`);
  execFileSync("bash", ["-n"], { input: script });
});

test("a job without a launcher uses no more processes than its cores", () => {
  const settings = {
    python: "python3",
    prelude: [],
    launcher: "none",
    resources: { cores: 3, walltime: null },
  } as const;
  const places = { runDirectory: "/run", client: "/client", code: "/code" };
  const script = jobScript({
    ...places,
    learnersFile: "_learners.py",
    resourceClass: "default",
    settings: { ...settings, prelude: [] },
  });
  expect(script).toMatch(/LOKY_MAX_CPU_COUNT=3\nexec "\$python" -m adaptive_scheduler.run\n$/);
});

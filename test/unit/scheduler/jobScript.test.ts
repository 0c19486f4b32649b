import { execFile, execFileSync, spawn, spawnSync, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { managerNames, managerPrefixes } from "../../../src/scheduler/jobs/managerVariables";
import { ownNames } from "../../../src/scheduler/jobs/loginShell";
import { jobScript, type JobScriptOptions } from "../../../src/scheduler/jobs/jobScript";
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
  jobs: "/state/jobs",
  learnersFile: "_learners.py",
  resourceClass: "default",
  tries: null,
};
const nowSeconds = 1_800_000_000;
const noResources = { walltime: null, nodes: null, memory: null, partition: null, account: null, extraLines: [] };
const settings = {
  queue: "local",
  python: "/opt/it's/python",
  prelude: ["module load mpi"],
  launcher: "mpiexec",
  executor: "auto",
  script: null,
  resources: { ...noResources, cores: 3 },
} as const;
const scriptWith = (more: object, place: object = places) => {
  const script = jobScript({ ...places, ...place, settings: { ...settings, prelude: [...settings.prelude], ...more } });
  execFileSync("bash", ["-n"], { input: script });
  return script;
};

/** A revision to run, in this state folder. */
async function pointAtCode(folder: string): Promise<void> {
  await mkdir(join(folder, "code", "r1"), { recursive: true });
  await writeFile(join(folder, "code", "current"), "r1\n");
}

test("a job script goes to the run's directory with the run's environment, and starts one world", () => {
  const script = scriptWith({});
  expect(script).toContain("export ADAPTIVE_RUN_DIR='/home/me/my study'");
  expect(script).toContain('read -r ADAPTIVE_REVISION <"$code/current"');
  expect(script).toMatch(/module load mpi\ntrap - EXIT\nexport PYTHONPATH=.*\ncd '\/home\/me\/my study' \|\| exit 1\n/);
  expect(script.indexOf(ownNames[0] ?? "")).toBeGreaterThan(script.indexOf("module load mpi"));
  expect(script).toContain(
    `-n 4 sh -c 'exec "$@" </dev/null' rank "$python" -m mpi4py.futures -m adaptive_scheduler.run`,
  );
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
  else expect(script).toMatch(/\nexec "\$python" -m adaptive_scheduler\.run <\/dev\/null\n$/);
});

test("a job with a walltime knows when it began and when it will be over", () => {
  const script = scriptWith({ resources: { ...noResources, cores: 1, walltime: "1:30:00" } });
  const exported = script.slice(script.indexOf("seconds="), script.indexOf("\ncode="));
  const read = execFileSync("bash", ["-c", `${exported}\ndate +%s; env`], { encoding: "utf8" });
  expect(read).toContain("ADAPTIVE_WALLTIME_SECONDS=5400\n");
  const [, deadline] = /ADAPTIVE_DEADLINE=(\d+)/.exec(read) ?? [];
  const untilThen = Number(deadline) - Number(read.split("\n")[0]);
  expect(untilThen).toBeGreaterThan(5300);
  expect(untilThen).toBeLessThanOrEqual(5400);
});

test.each<[string, string | null, string, Record<string, string>, number | null]>([
  ["of a newer Slurm says when it is over", "1:30:00", "exit 1", { SLURM_JOB_END_TIME: `${nowSeconds + 600}` }, 600],
  ["has what is left, as an older one says", "1:30:00", "echo 10:00", {}, 600],
  ["has days", "1:30:00", "echo 1-02:03:08", {}, 93_788],
  ["has what the partition gives, where nothing was asked for", null, "echo 08:09:00", {}, 29_340],
  ["has what was asked for, when the queue does not say", "1:30:00", "exit 1", {}, 5400],
  ["has no limit", null, "echo UNLIMITED", {}, null],
])("a job of Slurm that %s knows its walltime", async (_, walltime, squeue, variables, seconds) => {
  const folder = await temporaryFolder();
  await writeFile(join(folder, "squeue"), `#!/bin/sh\n${squeue}\n`, { mode: 0o755 });
  const script = scriptWith({ queue: "slurm", resources: { ...noResources, cores: 1, walltime } });
  const lines = script.slice(script.indexOf("seconds="), script.indexOf("\ncode="));
  const env = { PATH: `${folder}:${process.env["PATH"]}`, SLURM_JOB_ID: "4", ...variables };
  const read = execFileSync("bash", ["-c", `date() { echo ${nowSeconds}; }\n${lines}\nenv`], { env, encoding: "utf8" });
  expect(/WALLTIME_SECONDS=(.*)/.exec(read)?.[1] ?? null).toBe(seconds === null ? null : String(seconds));
  expect(/DEADLINE=(.*)/.exec(read)?.[1] ?? null).toBe(seconds === null ? null : String(nowSeconds + seconds));
});

describe("of the variables of resource managers", () => {
  /** What a job's script leaves of an environment, before the prelude. */
  const left = (queue: "local" | "slurm", env: Record<string, string>, profile = "") => {
    const [shebang = "", ...lines] = scriptWith({ queue }).split("\n");
    const end = lines.findIndex((line) => line.startsWith("export ADAPTIVE_RUN_DIR"));
    const script = [shebang, profile, ...lines.slice(0, end), "env -0"].join("\n");
    const read = execFileSync("bash", ["-c", script], {
      env: { PATH: process.env["PATH"] ?? "", ...env },
      encoding: "utf8",
    });
    return new Map(
      read.split("\0").map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]),
    );
  };
  const suffix = fc.stringMatching(/^[A-Z][A-Z0-9_]{0,12}$/);
  const kept =
    /^(SLURM_(CONF|CONF_SERVER|JWT)|PBS_(CONF_FILE|EXEC|HOME|SERVER|DEFAULT)|SGE_(ROOT|CELL|CLUSTER_NAME|QMASTER_PORT|EXECD_PORT))$/;

  test("a local job has none, and keeps all others and where a manager is", () => {
    const managers = fc.oneof(
      fc.tuple(fc.constantFrom(...managerPrefixes), suffix).map((words) => words.join("")),
      fc.constantFrom(...managerNames),
    );
    const others = {
      SLURM_CONF: "/etc/slurm.conf",
      SGE_ROOT: "/opt/sge",
      OMPI_MCA_btl: "self",
      PBSWORK: "1",
      MY_PMI_RANK: "1",
    };
    fc.assert(
      fc.property(
        fc.uniqueArray(
          managers.filter((name) => !kept.test(name)),
          { minLength: 10, maxLength: 40 },
        ),
        (names) => {
          const after = left("local", { ...others, ...Object.fromEntries(names.map((name) => [name, "1"])) });
          expect(names.filter((name) => after.has(name))).toEqual([]);
          expect(Object.fromEntries(after)).toMatchObject(others);
        },
      ),
      { numRuns: 4 },
    );
  });

  test("a job of Slurm has what Slurm set for it, whatever its login files make of that", () => {
    const own = { SLURM_JOB_ID: "4711", SLURM_NTASKS: "3", SLURM_CONF: "/etc/slurm.conf" };
    const profile =
      "export SLURM_CLUSTERS=other SLURM_NTASKS=1 SLURM_PARTITION=x SRUN_CPUS_PER_TASK=9 SQUEUE_FORMAT=%i SBATCH_QOS=q; unset SLURM_JOB_ID";
    const after = [...left("slurm", { ...own, SBATCH_ACCOUNT: "a" }, profile)];
    expect(Object.fromEntries(after.filter(([name]) => /^S[A-Z]+_/.test(name)))).toEqual(own);
  });
});

test("a script of the user's takes the place of ours, but not of a trial", () => {
  const own = scriptWith({ script: "my runs/run_learner.py" });
  expect(own).toContain("export ADAPTIVE_SCRIPT='my runs/run_learner.py'\n");
  expect(own).toContain("-m mpi4py.futures -m adaptive_scheduler.script </dev/null; status=$?; }\n");
  expect(own).not.toContain("adaptive_scheduler.run");
  const tries = [{ learner: 0, index: 0, fname: "data/0" }];
  expect(scriptWith({ script: "run_learner.py" }, { tries })).toMatch(
    /\nexec .* -m adaptive_scheduler\.try_point <\/dev\/null\n$/,
  );
});

test.each([
  ["is a pipe and is put back", (file: string) => promisify(execFile)("mkfifo", [file])],
  ["is absent and is put back", () => Promise.resolve()],
  ["names no code, and is put back", (file: string) => writeFile(file, "words of somebody")],
])("a job waits for what names its code where that %s", async (_, lose) => {
  const folder = await temporaryFolder();
  await pointAtCode(folder);
  const current = join(folder, "code", "current");
  await rm(current);
  await lose(current);
  const prelude = ['echo "has $ADAPTIVE_REVISION"', "exit 0"];
  // The job's own wait puts back what the scheduler would.
  const wait = `sleep() { rm -f '${current}'; echo r1 >'${current}'; }`;
  const script = scriptWith({ prelude }, { runDirectory: folder, state: folder });
  const printed = execFileSync("bash", { input: `${wait}\n${script}`, encoding: "utf8" });
  expect(printed).toContain("has r1");
});

test("a terminal in a local job gets its environment, and does not pass for it", async () => {
  const folder = await temporaryFolder();
  await pointAtCode(folder);
  const prelude = ['export GREETING="hello $ADAPTIVE_JOB_ID"', "export MKL_NUM_THREADS=2 PYTHONPATH=/mine"];
  const script = scriptWith({ prelude, python: "/no/python" }, { runDirectory: folder, state: folder });
  const shell = join(folder, "shell");
  await writeFile(shell, "#!/bin/sh\npwd; env\n", { mode: 0o755 });
  const env = { ...process.env, ADAPTIVE_JOB_ID: "1_2", ADAPTIVE_SHELL: shell };
  const { stdout, status } = spawnSync("bash", { input: script, env, encoding: "utf8" });
  expect(status).toBe(0);
  expect(stdout.split("\n")).toEqual(
    expect.arrayContaining([
      folder,
      "GREETING=hello 1_2",
      "MKL_NUM_THREADS=2",
      `PYTHONPATH=${folder}/code/r1:/client:/mine`,
    ]),
  );
  expect(stdout).not.toContain("ADAPTIVE_JOB_ID");
  expect(scriptWith({ queue: "slurm" })).not.toContain("ADAPTIVE_SHELL");
});

test.each([
  ["until nothing is left", ["0", "0", "75"], 0],
  ["again after one death", ["1", "0", "1", "75"], 0],
  ["until it has died twice at once", ["0", "7", "7"], 7],
  ["and no more after a signal", ["0", "signal"], 143],
])("a script of the user's is run %s", async (_, steps, exitCode) => {
  const folder = await temporaryFolder();
  await pointAtCode(folder);
  // Each run of it takes the next line of a file for its own end.
  const step = `#!/bin/bash
cd "${folder}" && [ "$*" = "-m adaptive_scheduler.script" ] && [ "$ADAPTIVE_SCRIPT" = run.py ] || exit 99
read -r code <steps; sed -i 1d steps
if [ "$code" = signal ]; then kill -TERM $PPID; code=143; fi
exit "$code"
`;
  await writeFile(join(folder, "python"), step, { mode: 0o755 });
  await writeFile(join(folder, "steps"), `${steps.join("\n")}\n`);
  const more = { script: "run.py", python: join(folder, "python"), prelude: [], launcher: "none" };
  const script = scriptWith(more, { runDirectory: folder, state: folder });
  expect(spawnSync("bash", { input: script }).status).toBe(exitCode);
  expect(await readFile(join(folder, "steps"), "utf8")).toBe("");
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
  await pointAtCode(folder);
  const script = jobScript({
    ...places,
    runDirectory: folder,
    state: folder,
    jobs: folder,
    settings: { ...settings, ...more },
  });
  const { stdout, status } = spawnSync("bash", { input: script, encoding: "utf8" });
  expect(status).not.toBe(0);
  expect(stdout.trimEnd().split("\n").at(-1)).toMatch(words);
});

test.each(["local", "slurm"])(
  "what evaluates points has nothing to read, whatever a launcher gives it: %s",
  async (queue) => {
    for (const launcher of ["none", "mpiexec"]) {
      const folder = await temporaryFolder();
      await pointAtCode(folder);
      const programs = {
        python: `case "$*" in *probe_mpi) echo '{"world": 2}' ;; *) readlink /proc/self/fd/0 ;; esac`,
        // Its processes' input is its own, as some launchers leave it.
        mpiexec: 'shift 2; exec "$@" <"$0"',
        // A file of a person's that each bash without a terminal reads first.
        "bash-env": "echo Greetings; exit 5",
      };
      for (const [name, text] of Object.entries(programs)) {
        await writeFile(join(folder, name), `#!/bin/sh\n${text}\n`, { mode: 0o700 });
      }
      const prelude = [`PATH='${folder}':$PATH`, `export BASH_ENV='${folder}/bash-env'`];
      const own = { queue, launcher, python: join(folder, "python"), prelude };
      const script = jobScript({
        ...{ ...places, runDirectory: folder, state: folder, jobs: folder },
        settings: { ...settings, ...own } as JobScriptOptions["settings"],
      });
      await writeFile(join(folder, "job.sh"), script);
      const { stdout } = spawnSync("bash", [join(folder, "job.sh")], { input: "typed", encoding: "utf8" });
      expect(stdout.trimEnd().split("\n").at(-1)).toBe("/dev/null");
    }
  },
);

describe("a script for Slurm", () => {
  const slurm = { ...settings, queue: "slurm", prelude: [] as string[] } as const;
  const inSlurm = { ...process.env, SLURM_ARRAY_JOB_ID: "47", SLURM_ARRAY_TASK_ID: "11", SLURM_RESTART_COUNT: "2" };
  const linesOf = (more: object) => {
    const script = jobScript({ ...places, settings: { ...slurm, ...more } });
    execFileSync("bash", ["-n"], { input: script });
    return script.split("\n");
  };

  test.each([
    [{}, ["--ntasks=3"]],
    [{ launcher: "none" }, ["--ntasks=1", "--cpus-per-task=3", "--nodes=1"]],
    [{ executor: "loky" }, ["--ntasks=1", "--cpus-per-task=3", "--nodes=1"]],
    [
      {
        resources: {
          ...{ cores: 8, nodes: 2, walltime: "4:00:00", memory: "4G", partition: "long", account: "physics" },
          extraLines: ["#SBATCH --qos=high"],
        },
      },
      [
        ...["--ntasks=8", "--nodes=2", "--time=4:00:00", "--mem-per-cpu=4G", "--partition=long", "--account=physics"],
        ...["--signal=B:USR1@60", "--qos=high"],
      ],
    ],
    [{ resources: { ...noResources, cores: 1, walltime: "5" } }, ["--ntasks=1", "--time=5", "--signal=B:USR1@30"]],
  ])("asks for what the settings say: %j", (more, options) => {
    const [shebang, ...lines] = linesOf(more);
    expect(shebang).toBe("#!/bin/bash");
    const asked = lines.slice(0, options.length).map((line) => line.replace(/^#SBATCH /, ""));
    expect(asked).toEqual(options);
  });

  test.each([
    ["auto", "pmi2 pmix srun mpiexec"],
    ["srun", "pmi2 pmix srun"],
    ["mpiexec", "mpiexec"],
  ])("with launcher %s tries %s", (launcher, candidates) => {
    expect(linesOf({ launcher })).toContain(`for candidate in ${candidates}; do`);
  });

  test.each([
    [
      "MPI that a launcher fits to",
      { hasMpi: true, srun: 'shift 4; exec "$@"' },
      "mpi4py.futures -m adaptive_scheduler.run 3",
    ],
    ["no MPI library: processes on its first node", { hasMpi: false, srun: "exit 9" }, "adaptive_scheduler.run 2 1"],
    ["no launcher that fits: the same", { hasMpi: true, srun: "exit 1" }, "adaptive_scheduler.run 2 1"],
    [
      "no MPI, and a script: nothing",
      { hasMpi: false, srun: "exit 1", script: "run.py" },
      /adaptive-scheduler: no-launcher: /,
    ],
    ["no MPI, which was asked for: nothing", { hasMpi: false, srun: "exit 1", executor: "mpi4py" }, /no-launcher: /],
  ])("with %s", async (_, { hasMpi, srun, ...more }, said) => {
    const folder = await temporaryFolder();
    await pointAtCode(folder);
    const programs = {
      // The probe of a launcher, the question whether there is MPI, and the job itself.
      python: `case "$*" in *probe_mpi) echo '{"world": 2}' ;; -c*) ${hasMpi} ;; *) echo "\${*#-m }" $ADAPTIVE_CORES $ADAPTIVE_WITHOUT_MPI ;; esac`,
      srun,
      mpiexec: "exit 1",
    };
    for (const [name, text] of Object.entries(programs)) {
      await writeFile(join(folder, name), `#!/bin/bash\n${text}\n`, { mode: 0o700 });
    }
    const own = { python: join(folder, "python"), launcher: "auto", prelude: [`PATH='${folder}':$PATH`], ...more };
    const script = jobScript({
      ...{ ...places, runDirectory: folder, state: folder, jobs: folder },
      settings: { ...slurm, ...own } as JobScriptOptions["settings"],
    });
    const env = { ...inSlurm, SLURM_CPUS_ON_NODE: "2" };
    const { stdout } = spawnSync("bash", { input: script, env, encoding: "utf8" });
    expect(stdout.trimEnd().split("\n").at(-1)).toMatch(said);
  });

  test("keeps every name and path as it was", async () => {
    const folder = await temporaryFolder();
    const jobs = join(folder, "it's 100% $HOME \\ jobs");
    await mkdir(jobs);
    await pointAtCode(folder);
    const prelude = [`printf '%s\\0' "$ADAPTIVE_RUN_DIR" "$ADAPTIVE_LEARNERS_FILE" "$ADAPTIVE_CLASS" "$end"`, "exit 0"];
    const word = fc.string({ unit: "binary" }).map((text) => text.replaceAll("\0", ""));
    fc.assert(
      fc.property(word, word, word, (runDirectory, learnersFile, resourceClass) => {
        const own = { runDirectory, learnersFile, resourceClass };
        const script = jobScript({ ...places, ...own, state: folder, jobs, settings: { ...slurm, prelude } });
        const read = execFileSync("bash", { input: script, env: inSlurm, encoding: "utf8" }).split("\0");
        expect(read.slice(0, 4)).toEqual(
          [runDirectory, learnersFile, resourceClass, join(jobs, "47_11.end")].map((text) =>
            Buffer.from(text).toString(),
          ),
        );
      }),
      { numRuns: 4 },
    );
  });

  /** Runs a job whose Python is a shell script. */
  async function runJob(python: string, onReady: (job: ChildProcess) => void, own: object = {}) {
    const folder = await temporaryFolder();
    await pointAtCode(folder);
    await writeFile(join(folder, "python"), `#!/bin/bash\n${python}\n`, { mode: 0o700 });
    const settings = { ...slurm, python: join(folder, "python"), launcher: "none", ...own } as const;
    const script = jobScript({ ...places, runDirectory: folder, state: folder, jobs: folder, settings });
    await writeFile(join(folder, "script"), script);
    const job = spawn("bash", [join(folder, "script")], { env: inSlurm, stdio: ["ignore", "pipe", "inherit"] });
    job.stdout.once("data", () => onReady(job));
    const [exitCode] = (await once(job, "close")) as [number | null];
    return { exitCode, end: await readFile(join(folder, "47_11.end"), "utf8") };
  }

  test("writes down how the job ended, and which signals it had passed on", async () => {
    const python = `trap 'exit 75' USR1; echo "ready"; while :; do sleep 0.02; done`;
    const job = await runJob(python, (job) => job.kill("SIGUSR1"));
    expect(job).toEqual({ exitCode: 75, end: "75 2 USR1\n" });
  });

  test("waits for what takes its time after a signal", async () => {
    const python = `trap 'for i in 1 2 3 4 5; do sleep 0.02; done; exit 3' TERM; echo "ready"; while :; do sleep 0.02; done`;
    const job = await runJob(python, (job) => job.kill("SIGTERM"));
    expect(job).toEqual({ exitCode: 3, end: "3 2 TERM\n" });
  });

  test("passes a signal on to the step that runs, and begins no further one", async () => {
    const python = `trap 'exit 7' TERM; if [ -e first ]; then echo ready; else touch first; exit 0; fi; while :; do sleep 0.02; done`;
    const job = await runJob(python, (job) => job.kill("SIGTERM"), { script: "run.py" });
    expect(job).toEqual({ exitCode: 7, end: "7 2 TERM\n" });
  });

  test("leaves the exit code of a job that nobody disturbed", async () => {
    expect(await runJob("echo ready; exit 4", () => undefined)).toEqual({ exitCode: 4, end: "4 2\n" });
  });
});

import { execFile } from "node:child_process";
import { access, mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, onTestFinished, test } from "vitest";
import { createStudy, eventually, peaks, python, type Study } from "./program";

/** Runs the study with these arguments, and gives what went wrong; nothing of a run may be left. */
async function failureOf(study: Study, ...more: string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await study.run(...more).ended;
  expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "" });
  await expect(access(study.at(".adaptive"))).rejects.toThrow();
  return stderr;
}

describe("a Python", () => {
  test("that is missing is named, with what it needs", async () => {
    const study = await createStudy(peaks(1));
    const words = await failureOf(study, "--python", "/opt/no/python");
    expect(words).toContain("There is no Python at /opt/no/python");
    expect(words).toContain("adaptive, pyzmq and cloudpickle");
  });

  test("named by a relative path is looked for from where that was typed", async () => {
    const study = await createStudy(peaks(1));
    expect(await failureOf(study, "--python", "bin/python")).toContain(`no Python at ${study.at("bin/python")}`);
  });

  test("without the packages is named, with the packages and the command that installs them", async () => {
    const study = await createStudy(peaks(1));
    const bare = join(study.folder, "..", "bare");
    await promisify(execFile)("python3", ["-m", "venv", "--without-pip", bare]);
    const words = await failureOf(study, "--python", join(bare, "bin/python"));
    expect(words).toContain(join(bare, "bin/python"));
    expect(words).toMatch(/adaptive/);
    expect(words).toContain("-m pip install adaptive pyzmq cloudpickle");
  });

  test("that cannot write the data frames is named before any job, also when they are asked for later", async () => {
    const study = await createStudy(peaks(1, 0.001), { goal: { npoints: 5 }, dataframe: "parquet" });
    await mkdir(study.at("hiding"));
    await writeFile(study.at("hiding", "pyarrow.py"), "raise ImportError('hidden')\n");
    const profile = JSON.stringify({ prelude: [`export PYTHONPATH=${study.at("hiding")}`] });
    const words = await failureOf(study, "--profile", profile);
    expect(words).toMatch(/python cannot write data frames as parquet: .*pyarrow/);
    expect(words).toMatch(/-m pip install pandas pyarrow, or change the setting dataframe/);

    const csv = ["--profile", profile, "--set", "dataframe=csv"];
    expect(await study.run(...csv).ended).toMatchObject({ exitCode: 0 });
    const later = await study.run(...csv, "--set", "dataframe=parquet").ended;
    expect(later).toMatchObject({ exitCode: 2, stderr: expect.stringContaining("as parquet") as string });
    const [run] = await study.rows("run");
    expect(JSON.parse(run?.settings ?? "{}")).toMatchObject({ dataframe: "csv" });
  });
});

describe("a learners file", () => {
  test.each([
    ["that raises", "x = 1\n1 / 0\n", /_learners\.py:2: .*ZeroDivisionError/],
    ["that is no Python", "learners = [\n", /_learners\.py:1: .*SyntaxError/],
    ["without learners", "fnames = []\n", /_learners\.py.*learners/],
    ["without fnames", "learners = []\n", /_learners\.py.*fnames/],
    ["with lists of different lengths", `${peaks(3)}\nfnames.pop()\n`, /_learners\.py.*3.*2/],
    ["with a name twice", `${peaks(2)}\nfnames[1] = "./" + fnames[0]\n`, /data\/offset=0\.0\.pickle/],
    ["with a name outside of the run", `${peaks(1)}\nfnames[0] = "../elsewhere"\n`, /elsewhere/],
  ])("%s is named with its line, and no half-made run is left", async (_, text, words) => {
    expect(await failureOf(await createStudy(text))).toMatch(words);
  });

  test("with a name that the data frame of another learner has is refused, also when data frames are asked for later", async () => {
    const study = await createStudy(`${peaks(2, 0.001)}\nfnames = ["data/0", "data/0.csv"]\n`, { dataframe: "csv" });
    const words = "The data frame of data/0 would be written to data/0.csv, which is a data file of a learner.";
    expect(await failureOf(study)).toContain(words);
    await writeFile(study.at("adaptive.json"), JSON.stringify({ goal: { npoints: 3 } }));
    expect(await study.run().ended).toMatchObject({ exitCode: 0, stderr: "" });
    expect((await study.run("--set", "dataframe=csv").ended).stderr).toContain(words);
  });

  test("that is read when Ctrl-C comes leaves no run; of two that fail at the same time each says why", async () => {
    const text = `import os, time
open(f"read-{os.getpid()}", "w").close()
while not os.path.exists("go"):
    time.sleep(0.05)
1 / 0
`;
    const study = await createStudy(text);
    const begin = () => study.start(["init", "--learners", study.learnersFile, "--python", python]);
    const left = async (beginning: string) =>
      (await readdir(study.folder)).filter((name) => name.startsWith(beginning)).length;
    const first = begin();
    await eventually(async () => (await left("read-")) === 1);
    first.child.kill("SIGINT");
    await first.ended;
    expect(await left(".adaptive")).toBe(0);
    const both = [begin(), begin()];
    await eventually(async () => (await left("read-")) === 2);
    await writeFile(study.at("go"), "");
    for (const { ended } of both) {
      const failed = { exitCode: 2, stderr: expect.stringMatching(/_learners\.py:5: ZeroDivisionError/) as string };
      expect(await ended).toMatchObject(failed);
    }
    expect(await left(".adaptive")).toBe(0);
  });

  test("that does not exist is named", async () => {
    const study = await createStudy(peaks(1));
    await rm(study.learnersFile);
    expect(await failureOf(study)).toContain(`There is no file ${study.learnersFile}`);
  });
});

describe("a wrong setting", () => {
  const inFile = (text: string) => async (study: Study) => {
    await writeFile(study.at("adaptive.json"), text);
    return failureOf(study);
  };
  const typed =
    (...args: string[]) =>
    (study: Study) =>
      failureOf(study, ...args);
  test.each([
    [
      "of another type",
      inFile('{\n  // when it is done\n  "goal": {\n    "npoints": "many"\n  }\n}'),
      'adaptive.json:4: goal.npoints: expected a whole number above 0, but got "many".',
    ],
    [
      "that there is not",
      inFile('{\n  "retires": 2\n}'),
      "adaptive.json:2: retires: there is no such setting; did you mean retries?",
    ],
    [
      "of a cluster in the study file",
      inFile('{ "maxJobs": 2 }'),
      "adaptive.json:1: maxJobs: this setting belongs in the user setting adaptive.clusters.",
    ],
    [
      "in a file that is no JSON",
      inFile('{\n  "retries": 2\n'),
      "adaptive.json:3: this is not JSON (close brace expected).",
    ],
    [
      "of more cores than there are",
      inFile('{\n"resources": {\n"cores": 4096 } }'),
      "adaptive.json:3: resources.cores: expected at most",
    ],
    ["that was typed", typed("--set", "goal.loss=low"), '--set: goal.loss: expected a number above 0, but got "low".'],
    [
      "that was typed with another one it does not go with",
      typed("--cores", "1", "--set", "resources.cores=2"),
      "typed: resources.cores: expected at most 1, the cores that jobs on this computer may use together (budget), but got 2.",
    ],
    [
      "in a profile",
      typed("--profile", '{"prelude": "module load mpi"}'),
      'the profile of local: prelude: expected a list of shell lines, but got "module load mpi".',
    ],
  ])("%s is named, with file and line", async (_, start, words) => {
    expect(await start(await createStudy(peaks(1)))).toContain(words);
  });
});

test("a program that reads us gets the error as JSON", async () => {
  const study = await createStudy("1 / 0");
  const { exitCode, stdout } = await study.run("--json").ended;
  expect(exitCode).toBe(2);
  expect(JSON.parse(stdout)).toMatchObject({ error: { code: "learners-file-raised" } });
});

test.each([
  [["run"], "--learners FILE is missing"],
  [["run", "--learners", "x", "--cluster", "moon"], 'no cluster "moon"'],
  [["run", "--learners", "x", "--cores", "few"], "--cores: expected a whole number above 0"],
  [["dance"], "There is no command dance"],
  [["status", "--loud"], "--loud"],
  [["status", "a", "b"], "one argument too many"],
  [["list", "--cores", "4"], "list has no option --cores"],
  [["run", "_learners.py"], "Did you mean --learners _learners.py?"],
  [["serve", "--detach", "--port", "70000"], "--port must be a whole number from 1 to 65535"],
  [["status"], "There is no run in"],
])("%j is answered with what is wrong", async (args, words) => {
  const study = await createStudy(peaks(1));
  const { exitCode, stderr } = await study.start(args).ended;
  expect(exitCode).toBe(2);
  expect(stderr).toContain(words);
});

/** Runs the command in a mount namespace of its own, in which this shell line has set things up. */
const inNamespace = (shellLine: string) => [
  "unshare",
  "--mount",
  "--map-root-user",
  "sh",
  "-c",
  `${shellLine} && exec "$@"`,
  "sh",
];

test("a directory that is not writable is named, and what to do", async () => {
  const study = await createStudy(peaks(1));
  const remount = `mount --bind '${study.folder}' '${study.folder}' && mount -o remount,bind,ro '${study.folder}'`;
  const { exitCode, stderr } = await study.start(["run", "--learners", study.learnersFile], inNamespace(remount)).ended;
  expect(exitCode).toBe(2);
  expect(stderr).toContain(`${study.folder} is not writable`);
});

describe("a full disk", () => {
  /** A disk of its own for the study, with its files and no more room than this. */
  const onSmallDisk = ({ folder }: Study, bytes: number, more = "true") => {
    const copy = `cp -r '${folder}/.' "$copy" && mount -t tmpfs -o size=${bytes} tmpfs '${folder}' && cp -r "$copy/." '${folder}'`;
    return inNamespace(`copy=$(mktemp -d '${folder}/../XXXXXX') && ${copy} && ${more}`);
  };

  test("at the start is named", async () => {
    const study = await createStudy(peaks(1));
    const args = ["run", "--learners", study.learnersFile, "--python", python];
    const { exitCode, stderr } = await study.start(args, onSmallDisk(study, 40_000)).ended;
    expect(exitCode).toBe(2);
    expect(stderr).toContain(`The disk of ${study.folder} is full`);
  });

  test("of a run that exists is named, and the run is unharmed", async () => {
    const study = await createStudy(peaks(1, 0.001), { goal: { npoints: 3 } });
    expect(await study.start(["init", "--learners", study.learnersFile, "--python", python]).ended).toMatchObject({
      exitCode: 0,
    });
    const fill = `{ cat /dev/zero >'${study.folder}/filler' || true; } 2>/dev/null`;
    for (const args of [
      ["run", "--learners", study.learnersFile, "--python", python],
      // Those whose scheduler, in the background, has no room to say what is wrong.
      ["start"],
      ["reopen", ".", "0"],
      ["delete", "--yes"],
    ]) {
      const { exitCode, stderr } = await study.start(args, onSmallDisk(study, 1_000_000, fill)).ended;
      expect({ args, exitCode, stderr }).toMatchObject({
        exitCode: 2,
        stderr: expect.stringContaining(`The disk of ${study.folder} is full`) as string,
      });
    }
    expect(await study.run().ended).toMatchObject({ exitCode: 0 });
  });
});

test("a run directory whose files make no sense is named, and left alone", async () => {
  const study = await createStudy(peaks(1));
  await mkdir(study.at(".adaptive"));
  await writeFile(study.at(".adaptive", "run.json"), "{}");
  const { exitCode, stderr } = await study.start(["status"]).ended;
  expect(exitCode).toBe(2);
  expect(stderr).toContain("run.json cannot be understood");
});

test("a port that something else has is named; the run is whole and goes on with another", async () => {
  const other = createServer().listen(0, "127.0.0.1");
  onTestFinished(() => void other.close());
  await once(other, "listening");
  const { port } = other.address() as AddressInfo;
  const study = await createStudy(peaks(1, 0.001), { goal: { npoints: 3 } });
  const { exitCode, stderr } = await study.run("--port", String(port)).ended;
  expect(exitCode).toBe(2);
  expect(stderr).toContain(`cannot listen at tcp://127.0.0.1:${port}`);
  const status = await study.start(["status", "--json"]).ended;
  expect(JSON.parse(status.stdout)).toMatchObject({ scheduler: null, learners: { waiting: 1 } });
  expect(await study.run().ended).toMatchObject({ exitCode: 0 });
});

import { mkdir, readdir, readFile, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import type { FoundPython } from "../../src/scheduler/control/foundPythons";
import { writeRudeLogin } from "./loginFiles";
import { createStudy, peaks, python, type Study } from "./program";
import { barePython, tinyWheels } from "./tinyWheels";

const all = ["adaptive", "pyzmq", "cloudpickle"];

/** As `--profile` has it: packages come from a folder, and from nowhere else. */
const profile = (base: string, ...prelude: string[]) =>
  JSON.stringify({ python: base, prelude: ["export PIP_NO_INDEX=1", ...prelude] });

const names = async (folder: string) => (await readdir(folder)).sort();

/** What `environment --json` answers in its last line. */
async function makes(study: Study, ...args: string[]) {
  const { exitCode, stdout } = await study.start(["environment", ...args, "--json"]).ended;
  const lines = stdout.trimEnd().split("\n");
  return { exitCode, lines, answer: JSON.parse(lines.at(-1) ?? "") as Record<string, unknown> };
}

test("the Pythons of a machine are found under any login, with what each has", async () => {
  const study = await createStudy(peaks(1, 0));
  const bare = await barePython(python);
  await mkdir(study.home);
  await writeRudeLogin(study.home, "goes on");
  await symlink(dirname(dirname(python)), study.at(".venv"));
  await mkdir(join(study.home, ".conda"));
  await writeFile(join(study.home, ".conda/environments.txt"), `${dirname(dirname(bare))}\n/no/such/environment\n`);
  // One that hangs, one that prints without end, and one that is none.
  for (const [name, text] of [
    ["python3.98", "#!/bin/sh\nexit 1\n"],
    ["python3.99", "#!/bin/sh\nexec yes\n"],
  ] as const) {
    await mkdir(join(study.home, "bin"), { recursive: true });
    await writeFile(join(study.home, "bin", name), text, { mode: 0o755 });
  }
  const set = JSON.stringify({ python: bare, prelude: [`PATH=${join(study.home, "bin")}:/usr/bin:/bin`] });
  const { exitCode, stdout } = await study.start(["pythons", study.folder, "--profile", set, "--json"]).ended;
  expect(exitCode).toBe(0);
  const { pythons } = JSON.parse(stdout) as { pythons: FoundPython[] };
  expect(pythons[0]).toMatchObject({ source: "study", python: study.at(".venv/bin/python"), missing: [] });
  expect(pythons[0]?.packages).toMatchObject({ adaptive: expect.any(String) as string });
  // By one name, the first, although conda lists it too.
  expect(pythons.filter((one) => one.python === bare)).toMatchObject([
    { source: "setting", missing: all, packages: {} },
  ]);
  expect(pythons.map((one) => one.python)).toContain("/usr/bin/python3");
  expect(pythons.filter((one) => one.python.startsWith(study.home))).toEqual([]);
});

test("a Python without adaptive is said so with the commands that help, here and for a program", async () => {
  const study = await createStudy(peaks(1, 0));
  const bare = await barePython(python);
  const start = ["--learners", study.learnersFile, "--python", bare];
  const { exitCode, stderr } = await study.start(["run", ...start]).ended;
  expect(exitCode).toBe(2);
  expect(stderr).toContain(`${bare} has no adaptive, pyzmq, cloudpickle.`);
  expect(stderr).toContain(`${bare} -m pip install adaptive pyzmq cloudpickle\n`);
  expect(stderr).toContain("adaptive-scheduler pythons lists those here, adaptive-scheduler environment makes one");
  const { stdout } = await study.start(["init", ...start, "--json"]).ended;
  expect(JSON.parse(stdout)).toMatchObject({
    error: { code: "missing-packages", command: `${bare} -m pip install adaptive pyzmq cloudpickle` },
  });
});

describe("an environment", () => {
  test("is made, under any login, and never over another one", async () => {
    const study = await createStudy(peaks(1, 0));
    await mkdir(study.home);
    await writeRudeLogin(study.home, "goes on");
    const set = profile(python, `export PIP_FIND_LINKS=${await tinyWheels(python)}`);
    const made = await makes(study, "--profile", set);
    expect(made).toMatchObject({ exitCode: 0, answer: { python: study.at(".venv/bin/python") } });
    expect(made.lines).toContain(JSON.stringify({ step: "Installing adaptive pyzmq cloudpickle" }));
    expect(await names(study.folder)).toEqual([".venv", "_learners.py", "adaptive.json"]);

    await writeFile(study.at(".venv/mine"), "kept");
    expect((await makes(study, "--profile", set)).answer).toMatchObject({ error: { code: "environment-exists" } });
    expect((await makes(study, "--profile", set, "--into")).answer).toEqual(made.answer);
    expect(await readFile(study.at(".venv/mine"), "utf8")).toBe("kept");
    await mkdir(study.at("data"));
    expect((await makes(study, "data", "--profile", set, "--into")).answer).toMatchObject({
      error: { code: "environment-exists", message: expect.stringContaining("is no environment") as string },
    });
    // What was left half by one that was killed is made anew.
    await writeFile(study.at(".venv.unfinished"), "");
    expect((await makes(study, "--profile", set)).answer).toEqual(made.answer);
    expect(await names(study.at(".venv"))).not.toContain("mine");
  });

  test("is made where Python has neither ensurepip nor pip, of the wheels alone", async () => {
    const study = await createStudy(peaks(1, 0));
    const bare = await barePython(python);
    const hidden = study.at("hidden");
    await mkdir(hidden);
    for (const name of ["ensurepip", "virtualenv"])
      await writeFile(join(hidden, `${name}.py`), "raise ImportError('as on Debian without python3-venv')\n");
    const wheels = await tinyWheels(python);
    // By their links to the real one, and by nothing else, is the base a Python at all.
    const set = profile(bare, `export PYTHONPATH=${hidden}:$PYTHONPATH PATH=/usr/bin:/bin`);
    const without = await makes(study, "--profile", set);
    expect(without.answer).toMatchObject({
      error: {
        code: "no-venv",
        command: "sudo apt install python3-venv",
        message: expect.stringContaining("no venv") as string,
      },
    });
    const made = await makes(study, "--profile", set, "--wheels", wheels);
    expect(made).toMatchObject({ exitCode: 0, answer: { python: study.at(".venv/bin/python") } });
  });

  test("of which nothing is left when packages cannot be fetched, or when nobody waits any more", async () => {
    const study = await createStudy(peaks(1, 0));
    const before = await names(study.folder);
    const nothing = await makes(study, "--profile", profile(python));
    expect(nothing.answer).toMatchObject({ error: { code: "no-index" } });
    expect(await names(study.folder)).toEqual(before);

    // A pip that waits for ever.
    const hanging = study.at("hanging");
    await mkdir(hanging);
    await writeFile(
      join(hanging, "sitecustomize.py"),
      "import sys, time\nif 'pip' in sys.argv or '-m' in sys.argv: time.sleep(1000)\n",
    );
    const cancelled = study.start(["environment", "--profile", profile(python, `export PYTHONPATH=${hanging}`)]);
    await cancelled.line((line) => line.startsWith("Making"));
    cancelled.child.kill("SIGINT");
    expect((await cancelled.ended).stderr).toContain("Cancelled");
    expect(await names(study.folder)).toEqual([...before, "hanging"].sort());
  });
});

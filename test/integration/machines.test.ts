import { execFile } from "node:child_process";
import { cp, mkdir, readdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { writeLauncher } from "../../src/remote/launcher";
import { version } from "../../src/scheduler/version";
import { createStudy, peaks, programFile } from "./program";

/** How a program of Node ends with these arguments, on the machine that `env` describes. */
function endOf(args: string[], env: NodeJS.ProcessEnv): Promise<{ code: unknown; stdout: string; stderr: string }> {
  return new Promise((resolve) =>
    execFile(process.execPath, args, { env }, (error, stdout, stderr) =>
      resolve({ code: error?.code ?? 0, stdout, stderr }),
    ),
  );
}

const learners = ["--learners", "_learners.py", "--cluster", "local"];

test("on Windows the program says in a sentence where it runs, to persons and to programs", async () => {
  const study = await createStudy(peaks(1));
  const preload = study.at("windows.cjs");
  await writeFile(preload, `Object.defineProperty(process, "platform", { value: "win32" });\n`);
  const asked = await endOf(["-r", preload, programFile, "config", ...learners], process.env);
  expect(asked).toEqual({
    code: 2,
    stdout: "",
    stderr:
      "adaptive-scheduler: Studies run on Linux and macOS: Windows has no bash for their jobs.\n" +
      "  Open the folder in WSL, or on the cluster's head node with Remote - SSH, and install the extension there.\n",
  });
  const read = await endOf(["-r", preload, programFile, "config", ...learners, "--json"], process.env);
  expect(JSON.parse(read.stdout)).toMatchObject({ error: { code: "windows" } });
});

test("a machine for which there is no native code is named, without a stack trace", async () => {
  const study = await createStudy(peaks(1));
  const dist = study.at("dist");
  await cp(dirname(dirname(programFile)), dist, { recursive: true });
  await writeFile(join(dist, "node_modules/zeromq/build/manifest.json"), "{}");
  const { code, stderr } = await endOf([join(dist, "scheduler/main.js"), "list"], process.env);
  expect(code).toBe(2);
  expect(stderr).toMatch(
    /^adaptive-scheduler: The scheduler cannot run on this machine \(.* with Node .*\): .+\n {2}It runs on/,
  );
  expect(stderr.split("\n")).toHaveLength(3);
});

test("where there is no bash, that is what is said", async () => {
  const study = await createStudy(peaks(1));
  const bare = study.at("bin");
  await mkdir(bare);
  const { code, stderr } = await endOf(
    [programFile, "init", "--learners", study.at("_learners.py"), "--cluster", "local"],
    { ...process.env, HOME: study.at("home"), PATH: bare },
  );
  expect(code).toBe(2);
  expect(stderr).toContain("There is no bash on PATH here.\n  Jobs and their Python are run with it: install it");
});

test("the command for terminals runs the program wherever that lies, also when its Node has gone", async () => {
  const study = await createStudy(peaks(1));
  const dist = study.at("it's $HOME here");
  await cp(dirname(dirname(programFile)), dist, { recursive: true });
  const main = join(dist, "scheduler/main.js");
  const folder = study.at("bin");
  const said = async () =>
    promisify(execFile)("sh", ["-c", "adaptive-scheduler --version | cat"], {
      env: { ...process.env, PATH: `${process.env["PATH"]}:${folder}` },
    });
  await writeLauncher(folder, { argv: [process.execPath, main], env: { ELECTRON_RUN_AS_NODE: "1" } });
  expect(await said()).toEqual({ stdout: `${version}\n`, stderr: "" });
  await writeLauncher(folder, { argv: ["/gone/with the update/node", main], env: {} });
  expect(await said()).toEqual({ stdout: `${version}\n`, stderr: "" });
  expect(await readdir(folder)).toEqual(["adaptive-scheduler"]);
});

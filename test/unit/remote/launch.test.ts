import { describe, expect, test } from "vitest";
import { systemClock } from "../../../src/scheduler/state/clock";
import {
  attachCommand,
  configCommand,
  initCommand,
  programError,
  runCommand,
  scriptCommand,
} from "../../../src/remote/launch";
import { localTransport, withoutEditor } from "../../../src/remote/localTransport";
import { hostProfileOf, profileOf } from "../../../src/remote/profile";
import { localProgram } from "../../../src/remote/program";
import { choosePython } from "../../../src/remote/python";

const program = { argv: ["node", "main.js"], env: {} };
const study = { learnersFile: "/a study/_learners.py", profile: { python: "python3" }, typed: { set: {}, unset: [] } };

describe("the scheduler program", () => {
  test("is run by Node as it is, and by Electron told to behave as Node", () => {
    expect(localProgram({ execPath: "/usr/bin/node", electron: undefined }, "/dist/main.js")).toEqual({
      argv: ["/usr/bin/node", "/dist/main.js"],
      env: {},
    });
    expect(localProgram({ execPath: "/usr/share/code/code", electron: "35.0.0" }, "/dist/main.js")).toEqual({
      argv: ["/usr/share/code/code", "/dist/main.js"],
      env: { ELECTRON_RUN_AS_NODE: "1" },
    });
  });

  test("init names the study and the Python, and says which run it made", () => {
    const { argv, parse } = initCommand(program, study);
    expect(argv.join(" ")).toBe(
      'node main.js init --learners /a study/_learners.py --cluster local --json --profile {"python":"python3"}',
    );
    const stdout = 'Inspecting…\n{"run":"/a study","runId":"u","resumed":false}\n';
    expect(parse({ code: 0, stdout, stderr: "" })).toMatchObject({ run: "/a study", runId: "u", resumed: false });
  });

  test("what was typed is passed on, each setting by its name", () => {
    const typed = { set: { goal: { loss: 0.1 }, resources: { walltime: null } }, unset: ["maxJobs" as const] };
    const words = configCommand(program, { ...study, typed }).argv.slice(-6);
    expect(words).toEqual(["--set", 'goal={"loss":0.1}', "--set", "resources.walltime=null", "--unset", "maxJobs"]);
  });

  test("script gives the script", () => {
    expect(scriptCommand(program, study).parse({ code: 0, stdout: '{"script":"#!x\\n"}', stderr: "" })).toBe("#!x\n");
  });

  test.each(["", "done", '{"run":"/a study"}', "[]"])("init that prints %j is not understood", (stdout) => {
    expect(() => initCommand(program, study).parse({ code: 0, stdout, stderr: "" })).toThrow("was not understood");
  });

  test("a failure is what its last line says", () => {
    const stdout = 'x\n{"error":{"code":"python-missing","message":"No python3.","hint":"Install it."}}\n';
    expect(programError({ code: 2, stdout, stderr: "noise" })).toMatchObject({
      code: "python-missing",
      message: "No python3.",
      hint: "Install it.",
      cause: "noise",
    });
    expect(() => initCommand(program, study).parse({ code: 2, stdout, stderr: "" })).toThrow("No python3.");
  });

  test.each([
    [2, "", "The scheduler program ended with exit code 2"],
    [1, "Trace\nError: no room\n", "The scheduler program ended with exit code 1: Error: no room"],
    [
      1,
      "/x/main.js:1\nthrow e;\n^\n\nTypeError: no room\n    at f (/x/main.js:1:7)\n\nNode.js v20.20.2\n",
      "The scheduler program ended with exit code 1: TypeError: no room",
    ],
    [null, "", "The scheduler program was ended by a signal"],
  ])("a failure with exit code %s and %j says so", (code, stderr, message) => {
    expect(programError({ code, stdout: "not json", stderr })).toMatchObject({ code: "program-failed", message });
  });

  test("attach that ends in peace means that the scheduler ended", () => {
    const { parse } = attachCommand(program, "/run", true);
    expect(() => parse({ code: 0, stdout: "", stderr: "" })).toThrow("The scheduler ended");
  });
});

describe("the local transport", () => {
  const command = (script: string, ...args: string[]) => ({
    argv: [process.execPath, "-e", script, ...args],
    env: { ADAPTIVE_TEST: "a b" },
    parse: (output: object) => output,
  });
  const options = () => ({ clock: systemClock, deadlineMs: 4000, signal: new AbortController().signal });

  test("passes arguments as they are and gives output and exit code", async () => {
    const script = "console.log(process.argv[1], process.env.ADAPTIVE_TEST); console.error('e'); process.exitCode = 3";
    await expect(runCommand(localTransport, command(script, `$(x) "y'`), options())).resolves.toEqual({
      code: 3,
      stdout: `$(x) "y' a b\n`,
      stderr: "e\n",
    });
  });

  test("says which program could not be started", async () => {
    const { env, parse } = command("");
    const missing = { argv: ["/no/such/program"], env, parse };
    await expect(runCommand(localTransport, missing, options())).rejects.toMatchObject({
      code: "not-started",
      message: "/no/such/program could not be started (ENOENT)",
    });
  });

  test("ends the process when aborted", async () => {
    const aborting = new AbortController();
    const process = await localTransport.exec(command("setInterval(() => 0, 1000)").argv, { signal: aborting.signal });
    aborting.abort();
    expect(await process.exit).toEqual({ code: null, signal: "SIGTERM" });
  });

  test("gives up on a command that takes too long", async () => {
    const endless = runCommand(localTransport, command("setInterval(() => 0, 1000)"), {
      ...options(),
      deadlineMs: 300,
    });
    await expect(endless).rejects.toMatchObject({ code: "timeout" });
  });

  test("does not hand the editor's own environment on", () => {
    const env = { PATH: "/bin", VSCODE_PID: "1", ELECTRON_RUN_AS_NODE: "1", NODE_OPTIONS: "--inspect", NODE_PATH: "x" };
    expect(withoutEditor(env)).toEqual({ PATH: "/bin", NODE_PATH: "x" });
  });
});

describe("the user setting adaptive.clusters", () => {
  test.each([undefined, {}, { elsewhere: { python: 3 } }])("%j says nothing of this computer", (clusters) => {
    expect(profileOf(clusters, "local")).toEqual({});
  });
  test.each([
    [{ local: { maxJobs: "many" } }, 'local.maxJobs: expected a whole number above 0, but got "many".'],
    [{ local: { pyhton: "x" } }, "local.pyhton: there is no such setting; did you mean python?"],
    [{ local: 3 }, "local: expected an object, but got 3."],
    ["fast", 'expected an object, but got "fast".'],
    [[], "expected an object, but got []."],
  ])("%j is refused, naming the setting", (clusters, words) => {
    expect(() => profileOf(clusters, "local")).toThrow(`The user setting adaptive.clusters: ${words}`);
  });

  test.each<[unknown, object]>([
    [undefined, {}],
    [{ other: { python: 3 } }, {}],
    [{ hpc: { python: "~/env/bin/python" } }, { profile: { python: "~/env/bin/python" } }],
    [
      { hpc: { node: "/opt/node/bin/node", runRoot: "/scratch/ada" } },
      { node: "/opt/node/bin/node", runRoot: "/scratch/ada" },
    ],
  ])("%j of a host", (clusters, said) => {
    const unsaid = {
      profile: {},
      node: null,
      installFolder: "~/.adaptive-scheduler",
      runRoot: "~/adaptive-runs",
      schedulerInJob: false,
    };
    expect(hostProfileOf(clusters, "hpc")).toEqual({ ...unsaid, ...said });
  });
  test("of a host names what is wrong", () => {
    expect(() => hostProfileOf({ hpc: { runRoot: "runs" } }, "hpc")).toThrow(
      'The user setting adaptive.clusters: hpc.runRoot: expected an absolute path, or one that begins with ~/ or a variable, such as $SCRATCH/, but got "runs".',
    );
  });
});

describe("the Python of local jobs", () => {
  const home = "/home/me";
  const folders = ["/work/study", "/work"];
  test.each([
    ["/opt/py", [], "/opt/py"],
    ["~/env/bin/python", ["/work/.venv/bin/python"], "/home/me/env/bin/python"],
    ["", ["/work/study/.venv/bin/python", "/work/.venv/bin/python"], "/work/study/.venv/bin/python"],
    [undefined, ["/work/.venv/bin/python"], "/work/.venv/bin/python"],
    [undefined, [], "python3"],
  ])("with setting %j and %j is %j", async (setting, existing: string[], chosen) => {
    const isExecutable = (file: string) => Promise.resolve(existing.includes(file));
    expect(await choosePython({ setting, home, folders }, isExecutable)).toBe(chosen);
  });
});

describe("what a command of the program prints", () => {
  const printing = (code: string) =>
    runCommand(
      localTransport,
      {
        argv: [process.execPath, "-e", code],
        env: {},
        parse: ({ stdout }) => JSON.parse(stdout.trim().split("\n").at(-1) ?? "") as { runs: unknown[] },
      },
      { clock: systemClock, deadlineMs: 60_000, signal: new AbortController().signal },
    );

  test("is read whole, also of thousands of runs", async () => {
    const { runs } = await printing(
      `console.log("hello"); console.log(JSON.stringify({runs: Array.from({length: 10000}, (_, i) => ({name: "run " + i, state: "x".repeat(300)}))}))`,
    );
    expect(runs).toHaveLength(10_000);
  });

  test("is no answer when it is larger than any, and is not waited for", async () => {
    const endless = `const more = () => process.stdout.write("x".repeat(1 << 20), more); more()`;
    await expect(printing(endless)).rejects.toMatchObject({ code: "answer-too-long" });
  });
});

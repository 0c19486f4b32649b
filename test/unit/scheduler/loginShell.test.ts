import { execFileSync } from "node:child_process";
import { mkdir, open, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, describe, expect, test, vi } from "vitest";
import { afterLogin } from "../../../src/scheduler/jobs/loginShell";
import { shellQuote } from "../../../src/scheduler/jobs/quote";
import { callPython, type PythonCall } from "../../../src/scheduler/python";
import { rudeLogins, writeRudeLogin } from "../../integration/loginFiles";
import { isAlive } from "../../integration/remote/shown";
import { temporaryFolder } from "./runFixture";

const venvPython = join(import.meta.dirname, "../../../.venv/bin/python");

afterEach(() => vi.unstubAllEnvs());

describe.each(rudeLogins)("a login that %s", (ending) => {
  test("keeps nobody from asking a Python", async () => {
    const { call, folder } = await pythonThatRuns(answering('{"pwd":"$PWD","args":"$*"}'), ending);
    await mkdir(join(folder, "study"));
    const answer = await callPython({ ...call, cwd: join(folder, "study"), args: ["a b", "it's"] });
    expect(answer).toEqual({ pwd: join(folder, "study"), args: "-m adaptive_scheduler.inspect a b it's" });
  });

  test("keeps no job from running, after as many of its files as leave the shell to it", async () => {
    const home = await temporaryFolder();
    await writeRudeLogin(home, ending);
    const script = join(home, "job.sh");
    const lines = [
      "set -- $(echo a:b)",
      'echo x >"$0.out"; echo y >"$0.out"',
      "false",
      'echo "ran $# $- ${PYTHONHOME-unset}"',
    ];
    await writeFile(script, ["#!/bin/bash", ...afterLogin, ...lines].join("\n"));
    // What the login leaves running holds a pipe open.
    const output = await open(join(home, "output"), "w");
    execFileSync("bash", [script], { stdio: ["ignore", output.fd, "ignore"], env: { ...process.env, HOME: home } });
    await output.close();
    const printed = await readFile(join(home, "output"), "utf8");
    expect(printed).toMatch(/^ran 1 hB unset$/m);
    expect(printed.includes("goes on without them")).toBe(ending !== "goes on");
  });
});

test("what is printed beside the answer, wherever, and what holds the output open, is no part of it", async () => {
  // In a session of its own it outlives the answer, until its home is gone.
  const holder = `setsid sh -c 'while [ -e "$HOME" ]; do sleep 1; done' &`;
  const noise = `echo "{}"; echo noise >&2; ${holder} `;
  const { call } = await pythonThatRuns(`${noise} ${answering('{"learners":[]}')}\necho '{"later":1}'\nsleep 1004\n`);
  expect(await callPython(call)).toEqual({ learners: [] });
});

test("names of files are UTF-8 to a Python in any locale, also in one that its prelude sets", async () => {
  const say = "import os, sys; print(sys.getfilesystemencoding(), os.environ.get('LC_ALL'), os.environ['LANG'])";
  const script = `name=$(exec ${shellQuote(venvPython)} -c ${shellQuote(say)}); ${answering('{"names":"$name"}')}`;
  const { call } = await pythonThatRuns(script);
  const prelude = ["export LC_ALL=POSIX PYTHONUTF8=0 PYTHONCOERCECLOCALE=0"];
  expect(await callPython({ ...call, prelude })).toEqual({ names: "utf-8 None POSIX" });
});

test("a Python that says nothing is quoted, and one that is missing named", async () => {
  const { call } = await pythonThatRuns("echo Traceback >&2\necho 'ValueError: no' >&2\nexit 1\n");
  await expect(callPython(call)).rejects.toMatchObject({
    code: "python-failed",
    message: expect.stringMatching(/exit code 1\): .*Traceback\nValueError: no$/s) as string,
  });
  await expect(callPython({ ...call, python: "/no/python" })).rejects.toMatchObject({ code: "python-missing" });
});

test("a Python that is cancelled ends with all that it has started", async () => {
  const { call, folder } = await pythonThatRuns('sleep 1005 & echo $! $$ >"$PIDS.new"; mv "$PIDS.new" "$PIDS"\nwait\n');
  vi.stubEnv("PIDS", join(folder, "pids"));
  const cancelling = new AbortController();
  const answer = callPython({ ...call, signal: cancelling.signal });
  const pids = await vi.waitUntil(() => readFile(join(folder, "pids"), "utf8").catch(() => null), { timeout: 20_000 });
  cancelling.abort();
  await expect(answer).rejects.toMatchObject({ code: "cancelled" });
  await vi.waitUntil(() => !pids.trim().split(" ").some(isAlive), { timeout: 20_000 });
});

test("one that does not answer is given up at its deadline", async () => {
  const { call } = await pythonThatRuns("sleep 1006\n");
  await expect(callPython({ ...call, deadlineMs: 100 })).rejects.toMatchObject({ code: "timeout" });
});

test("one that prints without end is ended", async () => {
  const { call } = await pythonThatRuns("exec yes\n");
  await expect(callPython(call)).rejects.toMatchObject({ code: "answer-too-long" });
});

/** A Python that is a shell script, for somebody whose login is such. */
async function pythonThatRuns(script: string, login?: (typeof rudeLogins)[number]) {
  const folder = await temporaryFolder();
  const python = join(folder, "it's python");
  await writeFile(python, `#!/bin/sh\n${script}`, { mode: 0o755 });
  if (login !== undefined) await writeRudeLogin(folder, login);
  vi.stubEnv("HOME", folder);
  const call: PythonCall = {
    ...{ python, prelude: ["echo from the prelude"], path: ["/client"], cwd: folder },
    ...{ module: "inspect", args: [], deadlineMs: 60_000 },
  };
  return { call, folder };
}

const answering = (json: string) => `cat <<END\n$ADAPTIVE_MARK${json}$ADAPTIVE_MARK\nEND\n`;

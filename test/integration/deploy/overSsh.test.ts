import { chmod, mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { type ClusterRun, ClusterRuns } from "../../../src/remote/clusterRuns";
import { ClusterHost } from "../../../src/remote/deploy/clusterHost";
import { connectCluster } from "../../../src/remote/deploy/connectCluster";
import { connectSsh } from "../../../src/remote/ssh/connect";
import { systemClock } from "../../../src/scheduler/state/clock";
import { temporaryFolder } from "../../unit/scheduler/runFixture";
import { eventually, peaks, python } from "../program";
import { startSshd } from "../remote/ssh/realSshd";
import { sshWorld } from "../remote/ssh/sshWorld";
import { createHome, distFolder } from "./headNode";
import { openSession } from "../remote/openSession";

/** A head node behind a real sshd that gives out one session at a time, without SFTP and forwarding. */
async function sshHost(home: string, shell: string) {
  const sshd = await startSshd(async (folder) => {
    const login = join(folder, "login");
    // The login shell of the account is this machine's; sshd runs this in its place, as it would run that.
    await writeFile(
      login,
      `#!/bin/sh\nexport HOME=${home} SHELL=${shell}\ncd ${home}\nexec ${shell} -c "$SSH_ORIGINAL_COMMAND"\n`,
    );
    await chmod(login, 0o755);
    return [`ForceCommand ${login}`, "AllowTcpForwarding no"];
  });
  onTestFinished(() => sshd.stop());
  const host = new ClusterHost("hpc", {
    open: async (_, signal) => {
      const connection = await connectSsh("hpc", sshWorld({ hpc: sshd.host }), signal);
      signal.addEventListener("abort", () => connection.dispose());
      return connection;
    },
    prepare: (transport, { onStep, signal }) =>
      connectCluster({
        transport,
        clock: systemClock,
        signal,
        wish: { place: "~/.adaptive-scheduler", node: process.execPath, python, prelude: [] },
        distFolder,
        fetching: { cacheFolder: join(home, "laptop"), download: () => Promise.reject(new Error("no network")) },
        onStep,
        askForNode: () => Promise.resolve(null),
      }),
  });
  onTestFinished(() => host.dispose());
  return { sshd, host };
}

/** What a computer knows of the cluster, besides its runs there. */
function world(host: ClusterHost) {
  return {
    clock: systemClock,
    sender: () => "ada on laptop",
    host: () => host,
    settings: () => ({ profile: { python, queue: "local" }, runRoot: "~/adaptive-runs" }),
    agree: () => Promise.resolve(true),
  };
}

const follow = (runs: ClusterRuns, run: string) => openSession(run, (asked) => runs.reach(run, asked));

test("the whole way over SSH, under a noisy tcsh: connect, check, install, send, start, all done, data back", async () => {
  const home = await createHome({ ".tcshrc": 'echo "Welcome to login1"\n', ".cshrc": 'echo "Welcome"\n' });
  const { host } = await sshHost(home, "/usr/bin/tcsh");
  const folder = join(await temporaryFolder(), "peaks");
  await mkdir(folder);
  await writeFile(join(folder, "_learners.py"), peaks(3, 0.001));
  await writeFile(join(folder, "adaptive.json"), JSON.stringify({ goal: { npoints: 12 } }));
  let remembered: readonly ClusterRun[] = [];
  const runs = new ClusterRuns({
    ...world(host),
    memory: { get: () => remembered, set: (next) => (remembered = next) },
  });
  const steps: string[] = [];
  const need = { isAsked: true, onStep: (step: string) => steps.push(step), signal: new AbortController().signal };
  const study = { learnersFile: join(folder, "_learners.py"), name: "peaks" };
  const { run, resumed } = await runs.prepare("hpc", study, { set: {}, unset: [] }, need);
  expect({ run, resumed }).toEqual({ run: `hpc:${home}/adaptive-runs/peaks/.adaptive`, resumed: false });
  expect(steps).toEqual([
    "Connecting",
    "Checking",
    expect.stringMatching(/^Installing \(\d MB\)$/),
    "Sending study",
    "Starting",
  ]);
  expect(remembered).toMatchObject([{ directory: run, name: "peaks", learnersFile: study.learnersFile }]);

  const session = await follow(runs, run);
  await session.startJobs();
  await eventually(async () => (await session.query("overview", null)).learners.done === 3);
  expect((await readdir(join(home, "adaptive-runs/peaks/data"))).length).toBe(3);

  // From another computer, where the same study lies elsewhere: found by who has a connection, and followed.
  const { host: fromThere } = await sshHost(home, "/usr/bin/tcsh");
  let known: readonly ClusterRun[] = [];
  const elsewhere = new ClusterRuns({
    ...world(fromThere),
    memory: { get: () => known, set: (next) => (known = next) },
  });
  const sameStudy = { learnersFile: "/home/grace/peaks/_learners.py", name: "peaks" };
  const otherStudy = { learnersFile: "/home/grace/waves/_learners.py", name: "waves" };
  expect(await elsewhere.discover("hpc", [sameStudy, otherStudy], null)).toEqual([]);
  await fromThere.ready(need);
  const found = await elsewhere.discover("hpc", [sameStudy, otherStudy], null);
  expect(found).toEqual([{ ...remembered[0], ...sameStudy, created: expect.any(String) }]);
  expect(known).toEqual(found);
  expect(await elsewhere.listed("hpc", null)).toMatchObject([{ directory: run, listed: { state: "done" } }]);
  const follower = await follow(elsewhere, run);
  expect((await follower.query("overview", null)).learners.done).toBe(3);
  await session.stopJobs();
  await eventually(async () => (await follower.query("overview", null)).run.activity === "stopped");

  const { transport, program, path } = await runs.reach(run, need);
  const process = await transport.exec([...program.argv, "stop", path, "--shut-down"], { stdin: "", ...need });
  process.stdout.resume();
  process.stderr.resume();
  expect((await process.exit).code).toBe(0);
});

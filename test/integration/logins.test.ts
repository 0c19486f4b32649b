import { appendFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test, vi } from "vitest";
import { prepareStudy } from "../../src/remote/deploy/prepareStudy";
import { previewArguments } from "../../src/scheduler/previews";
import { callPython } from "../../src/scheduler/python";
import { systemClock } from "../../src/scheduler/state/clock";
import { temporaryFolder } from "../unit/scheduler/runFixture";
import { createHome, headNode } from "./deploy/headNode";
import { writeRudeLogin } from "./loginFiles";
import { isAlive } from "./remote/shown";
import { createStudy, eventually, loadPoints, output, peaks, python } from "./program";

const client = join(import.meta.dirname, "../../python");
const goal = { goal: { npoints: 10 } };

describe.each(["goes on", "becomes fish"] as const)(
  "a login that prints, asks, sets whatever there is, and %s",
  (ending) => {
    test("runs: the study is read, tried, run, edited and looked at", async () => {
      const study = await createStudy(peaks(2, 0), goal);
      await mkdir(study.home);
      await writeRudeLogin(study.home, ending);
      const start = ["--learners", study.learnersFile, "--cluster", "local", "--python", python];
      const tried = await study.start(["try", ...start, "--learner", "0"]).ended;
      expect(tried).toMatchObject({ exitCode: 0, stdout: expect.stringContaining("data/offset=0.0.pickle") as string });
      expect(await study.run().ended).toMatchObject({ exitCode: 0, stderr: "" });
      expect(Math.min(...(await loadPoints(study)))).toBeGreaterThanOrEqual(10);
      vi.stubEnv("HOME", study.home);
      const preview = await callPython({
        ...{ python, prelude: [], path: [client], cwd: study.folder, module: "preview", deadlineMs: 60_000 },
        args: previewArguments({ fname: "data/offset=0.0.pickle", type: "Learner1D", bounds: null }),
      });
      vi.unstubAllEnvs();
      expect(preview).toMatchObject({ kind: "line" });

      await appendFile(study.learnersFile, "# edited\n");
      expect(await output(study, "update", study.folder)).toContain("same learners");
      expect(await output(study, "set", study.folder, "--set", 'dataframe="csv"')).not.toContain("cannot");
      expect(await output(study, "jobs", study.folder)).toContain("No job is in the queue");
    });

    test("runs on a head node", async () => {
      const home = await createHome();
      await writeRudeLogin(home, ending);
      const node = headNode(home, { BASH_ENV: join(home, ".bash_env") });
      const cluster = await node.connect();
      expect(cluster.probe.python).toMatchObject({ path: python, missing: [] });
      const folder = join(await temporaryFolder(), "peaks");
      await mkdir(folder);
      await writeFile(join(folder, "_learners.py"), peaks(2, 0));
      await writeFile(join(folder, "adaptive.json"), JSON.stringify(goal));
      const { run } = await prepareStudy(
        {
          ...{ transport: node.transport, clock: systemClock, signal: new AbortController().signal },
          ...{ runRoot: "~/adaptive-runs", sender: "ada", onStep: () => undefined, agree: () => Promise.resolve(true) },
        },
        cluster,
        {
          learnersFile: join(folder, "_learners.py"),
          profile: { python, queue: "local" },
          typed: { set: {}, unset: [] },
        },
      );
      await node.call(cluster, "start", run);
      const done = async () => (await node.call(cluster, "status", run)).includes("2 done");
      await eventually(done);
      await node.call(cluster, "stop", run, "--shut-down");
    });
  },
);

test.each(["SIGINT", "SIGTERM", "SIGHUP", "SIGKILL"] as const)(
  "the Python that reads a learners file ends with who asked for it: %s",
  async (signal) => {
    const study = await createStudy(
      "import os, time\nprint(os.getpid(), file=open('pid', 'w'), flush=True)\ntime.sleep(1000)\n",
    );
    const run = study.run();
    const pid = await eventually(async () => (await readFile(study.at("pid"), "utf8").catch(() => "")).trim());
    run.child.kill(signal);
    await run.ended;
    await eventually(() => Promise.resolve(!isAlive(pid)));
  },
);

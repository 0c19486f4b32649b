import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { prepareStudy, type Prepared, type StudyWorld } from "../../../src/remote/deploy/prepareStudy";
import { launchScheduler } from "../../../src/remote/deploy/launchScheduler";
import { systemClock } from "../../../src/scheduler/state/clock";
import { putUnnamable, temporaryFolder } from "../../unit/scheduler/runFixture";
import { eventually, peaks, python } from "../program";
import { createHome, endingSessions, headNode } from "./headNode";

/** A study on a laptop, and a cluster to run it on. */
async function studyAndCluster(files: Record<string, string>) {
  const home = await createHome();
  const folder = join(await temporaryFolder(), "peaks");
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), content);
  }
  const node = headNode(home);
  const cluster = await node.connect();
  const there = join(home, "adaptive-runs/peaks");
  const agreed: (readonly string[])[] = [];
  const prepare = (
    different: Partial<StudyWorld> = {},
    profile: object = { python, queue: "local" },
  ): Promise<Prepared> =>
    prepareStudy(
      {
        transport: node.transport,
        clock: systemClock,
        signal: new AbortController().signal,
        runRoot: "~/adaptive-runs",
        sender: "ada on laptop:/home/ada/peaks",
        onStep: (step) => node.steps.push(step),
        agree: ({ send }, target) => {
          agreed.push([target, ...send.map(({ path }) => path)]);
          return Promise.resolve(true);
        },
        ...different,
      },
      cluster,
      { learnersFile: join(folder, "_learners.py"), profile: { ...profile }, typed: { set: {}, unset: [] } },
    );
  onTestFinished(async () => void (await node.call(cluster, "stop", there, "--shut-down").catch(() => undefined)));
  return { home, folder, there, cluster, prepare, agreed, ...node };
}

const settings = JSON.stringify({ goal: { npoints: 12 }, include: ["tables/params.csv"] });

describe("a study on a cluster", () => {
  test("is sent, run, and done, whoever looks", async () => {
    const world = await studyAndCluster({
      "_learners.py": `from offsets import offsets\n${peaks(3, 0.001).replaceAll("[i / 10 for i in range(3)]", "offsets()")}`,
      "offsets.py": `from pathlib import Path\ndef offsets():\n    return [float(x) for x in (Path(__file__).parent / "tables/params.csv").read_text().split(",")]\n`,
      "tables/params.csv": "0.0,0.1,0.2",
      "data/offset=0.0.pickle": "results of another time",
      "adaptive.json": settings,
    });
    const made = await world.prepare();
    expect(made).toMatchObject({ run: join(world.there, ".adaptive"), resumed: false, keptAside: [] });
    expect(world.steps.slice(-2)).toEqual(["Sending study", "Starting"]);
    expect(world.agreed).toEqual([[world.there, "_learners.py", "adaptive.json", "offsets.py", "tables/params.csv"]]);
    await world.call(world.cluster, "start", made.run);
    // Found by any window, with nothing known but the home directory there.
    const state = async (): Promise<string | undefined> => {
      const { runs } = JSON.parse(await world.call(world.cluster, "list", "--json")) as { runs: { state: string }[] };
      return runs[0]?.state;
    };
    await eventually(async () => (await state()) === "done");
    // Once more: only what has changed is sent, and the run goes on.
    await writeFile(join(world.folder, "tables/params.csv"), "0.0,0.1,0.2,0.3");
    await putUnnamable(world.folder);
    const warning = expect.stringMatching(/^2 names are not UTF-8 and left out of what is sent: .*\. Rename/) as string;
    expect(await world.prepare()).toMatchObject({ run: made.run, resumed: true, warnings: [warning] });
    expect(await readFile(join(world.there, "tables/params.csv"), "utf8")).toBe("0.0,0.1,0.2,0.3");
  });

  test("is not sent when a person would rather not", async () => {
    const world = await studyAndCluster({ "_learners.py": peaks(1) });
    await expect(world.prepare({ agree: () => Promise.resolve(false) })).rejects.toMatchObject({ code: "cancelled" });
    expect(world.steps).not.toContain("Sending study");
  });

  test("that misses a file there is told which one to include", async () => {
    const world = await studyAndCluster({
      "_learners.py": `import numbers_of_mine\n${peaks(1)}`,
      "numbers_of_mine.py": `import pathlib\nrows = (pathlib.Path(__file__).parent / "field.npy").read_bytes()\n`,
      "field.npy": "1",
    });
    await expect(world.prepare()).rejects.toMatchObject({
      message: expect.stringContaining("field.npy"),
      hint: 'field.npy was not sent (data): add "include": ["field.npy"] to adaptive.json.',
    });
  });

  test("on a site that ends what a session leaves running says so, and how to go on", async () => {
    const world = await studyAndCluster({ "_learners.py": peaks(1) });
    const transport = endingSessions(world.transport);
    await expect(world.prepare({ transport })).rejects.toMatchObject({
      code: "scheduler-killed",
      message: expect.stringMatching(/^The scheduler ended with the session that had started it: .* ends what/),
    });
    const slurm = launchScheduler(
      { transport, clock: systemClock, signal: new AbortController().signal },
      world.cluster.program,
      {
        run: join(world.there, ".adaptive"),
        host: "login1",
        queue: "slurm",
        isInJob: false,
      },
    );
    await expect(slurm).rejects.toMatchObject({
      hint: 'Let it run in a small job of the queue: "schedulerInJob": true of login1 in adaptive.clusters.',
    });
  });

  test("needs a Python there, with what a job imports", async () => {
    const world = await studyAndCluster({ "_learners.py": peaks(1) });
    const { probe, ...rest } = world.cluster;
    const without = (found: typeof probe.python) =>
      prepareStudy(
        {} as StudyWorld,
        { ...rest, probe: { ...probe, host: "login1", python: found } },
        { learnersFile: "", profile: { python: "~/env/bin/python" }, typed: { set: {}, unset: [] } },
      );
    await expect(without({ problem: "there is no such program" })).rejects.toMatchObject({
      code: "python-missing",
      message: "There is no Python that runs on login1: ~/env/bin/python (there is no such program).",
    });
    await expect(
      without({ path: "/usr/bin/python3", version: "3.9.1", missing: ["adaptive", "zmq"] }),
    ).rejects.toMatchObject({
      code: "python-packages",
      message: "Python 3.9.1 on login1 (/usr/bin/python3) has no adaptive and pyzmq.",
      command:
        "/usr/bin/python3 -m venv ~/adaptive-env && ~/adaptive-env/bin/python -m pip install adaptive pyzmq cloudpickle",
    });
  });
});

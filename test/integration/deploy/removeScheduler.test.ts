import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { removeScheduler } from "../../../src/remote/deploy/removeScheduler";
import { systemClock } from "../../../src/scheduler/state/clock";
import { createStudy, eventually, peaks, python } from "../program";
import { createHome, headNode } from "./headNode";

test("what was installed on a cluster is removed again, but not while jobs need it, and never runs and data", async () => {
  const home = await createHome();
  const study = await createStudy(peaks(2, 0.5));
  const node = headNode(home);
  const cluster = await node.connect();
  onTestFinished(async () => void (await study.endEverything()));
  const host = {
    transport: node.transport,
    place: cluster.probe.place.path,
    clock: systemClock,
    signal: new AbortController().signal,
  };
  await node.call(cluster, "init", "--learners", study.learnersFile, "--cluster", "local", "--python", python);
  await node.call(cluster, "start", study.folder);
  const running = async (): Promise<boolean> => {
    const { jobs } = JSON.parse(await node.call(cluster, "status", study.folder, "--json")) as {
      jobs: { running?: number };
    };
    return (jobs.running ?? 0) > 0;
  };
  await eventually(running);
  await expect(removeScheduler(host, cluster.program)).rejects.toMatchObject({
    code: "jobs-live",
    message: expect.stringMatching(/^There are jobs that need the scheduler: peaks \(\d+\)\.$/),
  });
  await node.call(cluster, "stop", study.folder);
  await eventually(async () => !(await running()));
  await eventually(async () => {
    try {
      return (await removeScheduler(host, cluster.program)).includes("peaks");
    } catch {
      // A job that was just cancelled may be about to end.
      return false;
    }
  });
  expect(await readdir(join(home, ".adaptive-scheduler"))).toEqual(["runs"]);
  expect(await readdir(study.folder)).toContain(".adaptive");
  // The run is found again by what is installed the next time.
  const again = await node.connect();
  expect(await node.call(again, "list")).toContain("peaks");
});

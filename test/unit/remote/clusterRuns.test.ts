import { expect, test } from "vitest";
import { ClusterRuns } from "../../../src/remote/clusterRuns";
import { ClusterHost, type OpenTransport } from "../../../src/remote/deploy/clusterHost";
import { systemClock } from "../../../src/scheduler/state/clock";
import { probeWith } from "./deploy/probes";

test("a Python that was found wanting, or is set anew, is looked at again at the next start", async () => {
  const profile = { python: "python3" };
  const looked: string[] = [];
  const host = new ClusterHost("hpc", {
    open: () => Promise.resolve({ ended: new Promise(() => undefined) } as unknown as OpenTransport),
    prepare: () => {
      const { python } = profile;
      looked.push(python);
      const found = { path: `/usr/bin/${python}`, version: "3.11.2", missing: ["adaptive"] };
      return Promise.resolve({
        probe: probeWith({ python: found }),
        program: { argv: ["node"], env: {} },
        wish: { place: "~/ours", node: null, python, prelude: [] },
      });
    },
  });
  const runs = new ClusterRuns({
    clock: systemClock,
    sender: () => "",
    host: () => host,
    settings: () => ({ profile, runRoot: "~/runs" }),
    agree: () => Promise.resolve(true),
    memory: { get: () => [], set: () => undefined },
  });
  const start = () =>
    runs.prepare(
      "hpc",
      { learnersFile: "/home/ada/peaks/_learners.py", name: "peaks" },
      { set: {}, unset: [] },
      { isAsked: true, onStep: () => undefined, signal: new AbortController().signal },
    );
  await expect(start()).rejects.toThrow("/usr/bin/python3) has no adaptive");
  profile.python = "python3.12";
  await expect(start()).rejects.toThrow("/usr/bin/python3.12) has no adaptive");
  expect(looked.at(-1)).toBe("python3.12");
});

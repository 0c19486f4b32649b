import { describe, expect, test } from "vitest";
import { withVariables } from "../../../../src/remote/deploy/atHome";
import { chooseNode, platformOf } from "../../../../src/remote/deploy/chooseNode";
import { type FoundNode, parseProbe, type Probe } from "../../../../src/remote/deploy/probe";
import { debian12, probeWith } from "./probes";

describe("a path as a person writes it", () => {
  const there = { host: "login1", home: "/home/ada", variables: { SCRATCH: "/scratch/ada/", W2: "/work 2" } };
  test.each([
    ["/data/runs", "/data/runs"],
    ["~/runs", "/home/ada/runs"],
    ["$SCRATCH", "/scratch/ada"],
    ["$SCRATCH/runs", "/scratch/ada/runs"],
    ["${W2}/runs", "/work 2/runs"],
  ])("%s is %s", (path, expanded) => {
    expect(withVariables(path, there)).toBe(expanded);
  });

  test("with a variable that a login does not have is refused", () => {
    expect(() => withVariables("$WORK/runs", there)).toThrow(
      "The user setting adaptive.clusters has $WORK/runs, but a login on login1 has no $WORK that names a folder",
    );
  });
});

describe("the answer of a head node", () => {
  const whole: Probe = {
    host: "login1",
    home: "/home/ada",
    variables: { SCRATCH: "/scratch/ada" },
    environment: { PATH: "/usr/bin:/bin:/opt/slurm/bin", SBATCH_ACCOUNT: "physics" },
    os: "Linux",
    machine: "x86_64",
    libc: { name: "glibc", version: "2.36" },
    place: { path: "/home/ada/.adaptive-scheduler", freeBytes: 76675556 * 1024, problem: null },
    nodes: [{ source: "PATH", path: "/usr/bin/node", version: "20.20.2", said: "20.20.2" }],
    python: { path: "/home/ada/study/.venv/bin/python", version: "3.11.7", missing: [] },
    queue: { name: "slurm", version: "22.05.8" },
    bundles: ["0123456789abcdef"],
    missing: [],
  };

  test.each([
    ["alone", debian12],
    ["after a banner", `Welcome to login1!\nadaptive\thost\tnot this\n${debian12}`],
    ["before what a log-out prints", `${debian12}Goodbye\n`],
    ["with lines in between that are not ours", debian12.replace("adaptive\tos", "motd: maintenance\nadaptive\tos")],
  ])("is found %s", (_, text) => {
    expect(parseProbe(text, "")).toEqual(whole);
  });

  const replaced = (from: RegExp, to: string): Probe => parseProbe(debian12.replace(from, to), "");
  test.each<[string, RegExp, string, Partial<Probe>]>([
    ["musl", /glibc\t2.36/, "musl\t1.2.4", { libc: { name: "musl", version: "1.2.4" } }],
    ["no known libc", /\tglibc\t2.36/, "", { libc: null }],
    ["no queue", /adaptive\tqueue.*\n/, "", { queue: null }],
    ["PBS", /slurm\t.*/, "pbs\tpbs_version = 20.0.1", { queue: { name: "pbs", version: "20.0.1" } }],
    [
      "a queue that does not answer",
      /slurm\t.*/,
      "slurm\tsbatch: error: Unable to contact 127.0.0.1",
      { queue: { name: "slurm", version: "" } },
    ],
    [
      "a full home",
      /76675556\t/,
      "0\tprintf: write error: Disk quota exceeded",
      {
        place: {
          path: "/home/ada/.adaptive-scheduler",
          freeBytes: 0,
          problem: "printf: write error: Disk quota exceeded",
        },
      },
    ],
    [
      "a Python that lacks packages",
      /3.11.7 - \/home\S+\t/,
      "3.6.8 mpi4py,zmq /usr/bin/python 3\t",
      { python: { path: "/usr/bin/python 3", version: "3.6.8", missing: ["mpi4py", "zmq"] } },
    ],
    ["no Python", /3.11.7 -.*/, "\tthere is no such program", { python: { problem: "there is no such program" } }],
  ])("%s", (_, from, to, expected) => {
    expect(replaced(from, to)).toEqual({ ...whole, ...expected });
  });

  test.each([
    ["nothing", ""],
    ["only a banner", "Welcome\n"],
    ["a half", debian12.slice(0, 200)],
  ])("%s is no answer", (_, text) => {
    expect(() => parseProbe(text, "rc: syntax error")).toThrow("The head node did not answer what it was asked.");
  });
});

describe("the Node of a head node", () => {
  const node = (version: string | null, more: Partial<FoundNode> = {}): FoundNode => {
    const said = version ?? "version `GLIBC_2.28' not found";
    return { source: "PATH", path: "/usr/bin/node", version, said, ...more };
  };
  const glibc = (version: string) => ({ name: "glibc", version }) as const;
  const better = node("22.1.0", { source: "conda", path: "/home/ada/miniforge3/bin/node" });

  test.each<[string, Partial<Probe>, string]>([
    ["the first that is new enough", { nodes: [node("16.20.2"), better] }, "/home/ada/miniforge3/bin/node"],
    ["18 will do", { nodes: [node("18.0.0")] }, "/usr/bin/node"],
    ["one that does not run is passed over", { nodes: [node(null), better] }, "/home/ada/miniforge3/bin/node"],
    [
      "on musl one that is there",
      { libc: { name: "musl", version: "1.2.4" }, nodes: [node("20.1.0")] },
      "/usr/bin/node",
    ],
    ["one that runs with an old glibc", { libc: glibc("2.27"), nodes: [node("18.20.0")] }, "/usr/bin/node"],
  ])("%s", (_, different, path) => {
    expect(chooseNode(probeWith(different))).toMatchObject({ kind: "use", node: { path } });
  });

  test.each<[string, Partial<Probe>, string, string]>([
    ["none", { nodes: [] }, "x64", "This head node has no Node.js."],
    ["none on ARM", { nodes: [], machine: "aarch64" }, "arm64", "This head node has no Node.js."],
    ["one too old", { nodes: [node("12.22.12")] }, "x64", "/usr/bin/node is Node 12.22.12; 18 is needed."],
    [
      "one that does not run",
      { nodes: [node(null)] },
      "x64",
      "/usr/bin/node does not run (version `GLIBC_2.28' not found).",
    ],
    ["none, and glibc just new enough", { nodes: [], libc: glibc("2.28") }, "x64", "This head node has no Node.js."],
  ])("is offered: %s", (_, different, architecture, why) => {
    expect(chooseNode(probeWith(different))).toEqual({ kind: "offer", architecture, why });
  });

  test.each<[string, Partial<Probe>, string, string]>([
    [
      "the one that was set is too old",
      { nodes: [node("16.20.2", { source: "setting" })] },
      "node-unusable",
      "/usr/bin/node is Node 16.20.2; 18 is needed.",
    ],
    [
      "an old glibc",
      { nodes: [node("12.22.12")], libc: glibc("2.27") },
      "node-missing",
      "/usr/bin/node is Node 12.22.12; 18 is needed. This head node has glibc 2.27; Node 22 needs 2.28.",
    ],
    [
      "a glibc too old for the scheduler itself",
      { nodes: [], libc: glibc("2.17") },
      "old-libc",
      "This head node has glibc 2.17; the scheduler needs 2.25.",
    ],
    [
      "musl",
      { nodes: [], libc: { name: "musl", version: "1.2.4" } },
      "node-missing",
      "This head node has no Node.js. This head node has musl, for which there is no official Node.",
    ],
    [
      "another processor",
      { machine: "ppc64le" },
      "unsupported-machine",
      "This head node is Linux on ppc64le; the scheduler runs on Linux on x86-64 and ARM64.",
    ],
    [
      "no tar",
      { missing: ["tar", "gzip"] },
      "tool-missing",
      "This head node has no tar and no gzip, by which the scheduler is unpacked.",
    ],
  ])("is refused, in words: %s", (_, different, code, message) => {
    const verdict = chooseNode(probeWith(different));
    expect(verdict).toMatchObject({ kind: "refuse", error: { code, message, hint: expect.stringMatching(/\w.*\.$/) } });
  });

  test.each<[string, Partial<Probe>, object]>([
    ["Linux", {}, { os: "linux", architecture: "x64", libc: "glibc" }],
    [
      "Alpine",
      { libc: { name: "musl", version: "1" }, machine: "aarch64" },
      { os: "linux", architecture: "arm64", libc: "musl" },
    ],
    ["macOS", { os: "Darwin", machine: "arm64", libc: null }, { os: "darwin", architecture: "arm64", libc: "libc" }],
  ])("what it is in the words of the bundle: %s", (_, different, platform) => {
    expect(platformOf(probeWith(different))).toEqual(platform);
  });
});

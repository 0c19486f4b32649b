import { execFile } from "node:child_process";
import { createReadStream } from "node:fs";
import { mkdir, readdir, readFile, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { bundleFor } from "../../../src/remote/deploy/bundle";
import type { Cluster } from "../../../src/remote/deploy/connectCluster";
import { nodeRelease } from "../../../src/remote/deploy/nodeRelease";
import { smallDisk } from "../../smallDisk";
import { temporaryFolder } from "../../unit/scheduler/runFixture";
import { python } from "../program";
import { createHome, distFolder, headNode, npmArchive, programsWithoutNode } from "./headNode";

const architecture = process.arch === "arm64" ? "arm64" : "x64";

const ours = ".adaptive-scheduler";

describe("a head node that has Node", () => {
  test("gets the scheduler in one upload, and the next time nothing", async () => {
    const home = await createHome();
    const { connect, call, uploads, steps } = headNode(home);
    const cluster = await connect();
    expect(steps).toEqual(["Checking", expect.stringMatching(/^Installing \([1-5] MB\)$/)]);
    expect(JSON.parse(await call(cluster, "list", "--json"))).toEqual({ runs: [], forgotten: [] });
    expect(uploads).toHaveLength(1);
    expect(await readdir(join(home, ours, "incoming"))).toEqual([]);
    expect(await connect()).toEqual({ ...cluster, probe: expect.objectContaining({ bundles: [expect.any(String)] }) });
    expect(steps).toEqual([...steps.slice(0, 2), "Checking"]);
    expect(uploads).toHaveLength(1);
  });

  test("what is sent has less than 5 MB on every platform, and native code of that one alone", async () => {
    for (const libc of ["glibc", "musl"]) {
      for (const architecture of ["x64", "arm64"] as const) {
        const archive = await (await bundleFor({ os: "linux", architecture, libc }, distFolder)).archive();
        expect(archive.length).toBeLessThan(5e6);
        const file = join(await temporaryFolder(), "bundle.tar.gz");
        await writeFile(file, archive);
        const { stdout } = await promisify(execFile)("tar", ["-tzf", file]);
        expect(stdout.split("\n").filter((path) => path.endsWith(".node"))).toEqual([
          expect.stringContaining(`/linux/${architecture}/node/${libc}-`),
        ]);
      }
    }
  });

  test("two windows that install at once do each other no harm", async () => {
    const home = await createHome();
    const windows = Array.from({ length: 4 }, () => headNode(home));
    const clusters = await Promise.all(windows.map(({ connect }) => connect()));
    expect(new Set(clusters.map(({ program }) => program.argv.join(" "))).size).toBe(1);
    await Promise.all(windows.map(({ call }, i) => call(clusters[i] as Cluster, "list")));
    expect(await readdir(join(home, ours, "bundles"))).toHaveLength(1);
    expect(await readdir(join(home, ours, "incoming"))).toEqual([]);
  });

  test("old versions go, but for the newest and those in use", async () => {
    const names = ["a", "b", "c", "d", "e", "in-use"];
    const home = await createHome(
      Object.fromEntries(names.map((name) => [`${ours}/bundles/${name}/scheduler/main.js`, ""])),
    );
    const days = (count: number): Date => new Date(Date.now() - count * 86_400_000);
    for (const [i, name] of names.entries())
      await utimes(join(home, ours, "bundles", name), days(40 - i), days(40 - i));
    await utimes(join(home, ours, "bundles/in-use"), days(13), days(13));
    await mkdir(join(home, ours, "incoming"));
    await writeFile(join(home, ours, "incoming/half"), "");
    await utimes(join(home, ours, "incoming/half"), days(3), days(3));
    await headNode(home).connect();
    // The new one, the one in use, and one more are the newest three.
    const left = (await readdir(join(home, ours, "bundles"))).filter((name) => name.length < 16);
    expect(left.sort()).toEqual(["e", "in-use"]);
    expect(await readdir(join(home, ours, "incoming"))).toEqual([]);
  });
});

describe("a head node that does not take it", () => {
  const refused = (home: string, place: string) =>
    headNode(home).connect({ wish: { place, node: null, python, prelude: [] } });

  test("its disk is full", async () => {
    const full = await smallDisk("1m");
    await expect(refused(await createHome(), join(full, "ours"))).rejects.toMatchObject({
      code: "disk-full",
      message: expect.stringMatching(/^There is no room for the scheduler in .*\(1\.0 MB are free/),
    });
    expect(await readdir(full)).toEqual([]);
  });

  test("a quota of files, which shows only while it is unpacked", async () => {
    const full = await smallDisk("64m,nr_inodes=12");
    await expect(refused(await createHome(), join(full, "ours"))).rejects.toMatchObject({
      code: "disk-full",
      message: expect.stringContaining("No space left on device"),
      hint: expect.stringContaining("larger quota"),
    });
    // Nothing half is left.
    expect(await readdir(join(full, "ours/incoming"))).toEqual([]);
    expect(await readdir(join(full, "ours/bundles"))).toEqual([]);
  });

  test("its place cannot be written", async () => {
    await expect(refused(await createHome({ taken: "" }), "~/taken/ours")).rejects.toMatchObject({
      code: "not-writable",
      hint: expect.stringContaining('"installFolder" of this host in adaptive.clusters'),
    });
  });
});

describe("a head node without Node", () => {
  /** Every program of this machine but Node, and start-up files that keep it so. */
  async function withoutNode(): Promise<ReturnType<typeof headNode> & { home: string }> {
    const home = await createHome({ ".bash_profile": "PATH=$HOME/programs\n" });
    const programs = await programsWithoutNode(join(home, "programs"));
    return { home, ...headNode(home, { PATH: programs }) };
  }

  test("is offered one, which is sent once and then found there", async () => {
    const { home, connect, call, steps } = await withoutNode();
    const cacheFolder = join(home, "laptop");
    const askForNode = (offer: object) => {
      expect(offer).toEqual({ kind: "offer", architecture, why: "This head node has no Node.js." });
      return Promise.resolve({ kind: "file", path: npmArchive } as const);
    };
    const cluster = await connect({ askForNode });
    expect(cluster.program.argv[0]).toBe(join(home, ours, `node/${nodeRelease.version}-${architecture}/node`));
    expect(steps[1]).toBe("Installing Node (43 MB, once)");
    expect(JSON.parse(await call(cluster, "list", "--json"))).toEqual({ runs: [], forgotten: [] });
    expect(await readdir(join(home, ours, "incoming"))).toEqual([]);
    // Nobody is asked again.
    expect((await connect()).program).toEqual(cluster.program);
    // And from a site nothing is fetched that is here already.
    const [kept = ""] = await readdir(cacheFolder);
    expect(kept).toBe(`node-${nodeRelease.version}-linux-${architecture}.gz`);
  });

  test("and a person who does not want one is told what else there is", async () => {
    const { connect } = await withoutNode();
    await expect(connect({ askForNode: () => Promise.resolve(null) })).rejects.toMatchObject({
      code: "node-missing",
      message: "This head node has no Node.js.",
      hint: expect.stringContaining('"node" of this host'),
    });
  });

  test("one from a site is checked before it is used", async () => {
    const { home, connect } = await withoutNode();
    const asked: string[] = [];
    const site = (content: () => AsyncIterable<Uint8Array>) => ({
      askForNode: () => Promise.resolve({ kind: "site", from: "npm" } as const),
      fetching: {
        cacheFolder: join(home, "laptop"),
        download: (url: string) => {
          asked.push(url);
          return Promise.resolve(content());
        },
      },
    });
    const truncated = site(() => createReadStream(npmArchive, { end: 1_000_000 }));
    await expect(connect(truncated)).rejects.toMatchObject({
      code: "node-checksum",
      message: expect.stringMatching(
        /^What came from npm is not the Node that is expected: its SHA-256 is [0-9a-f]{64}/,
      ),
    });
    expect(await readdir(join(home, "laptop"))).toEqual([]);
    await connect(site(() => createReadStream(npmArchive)));
    expect(new Set(asked)).toEqual(
      new Set([
        `https://registry.npmjs.org/node-linux-${architecture}/-/node-linux-${architecture}-${nodeRelease.version}.tgz`,
      ]),
    );
  });

  test("a site out of reach, another file and none say what to do", async () => {
    const { home, connect } = await withoutNode();
    await writeFile(join(home, "other.tgz"), "something else");
    await expect(
      connect({ askForNode: () => Promise.resolve({ kind: "site", from: "nodejs.org" }) }),
    ).rejects.toMatchObject({
      code: "node-not-fetched",
      message: "Node could not be downloaded from nodejs.org: no network",
      hint: expect.stringContaining("by hand and choose that file"),
    });
    const file = (name: string) =>
      connect({ askForNode: () => Promise.resolve({ kind: "file", path: join(home, name) }) });
    await expect(file("other.tgz")).rejects.toMatchObject({
      code: "node-checksum",
      hint: expect.stringContaining(`node-v${nodeRelease.version}-linux-${architecture}.tar.gz`),
    });
    await expect(file("none.tgz")).rejects.toMatchObject({ code: "node-not-fetched" });
    expect(await readFile(join(home, ".bash_profile"), "utf8")).toContain("programs");
  });
});

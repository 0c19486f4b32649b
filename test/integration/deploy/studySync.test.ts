import { createHash } from "node:crypto";
import { chmod, mkdir, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { localTransport } from "../../../src/remote/localTransport";
import { localProgram } from "../../../src/remote/program";
import { type Downloaded, downloadResults } from "../../../src/remote/studySync/downloadResults";
import type { Reach } from "../../../src/remote/studySync/exchange";
import type { Ledger } from "../../../src/remote/studySync/planDownload";
import { sendStudy } from "../../../src/remote/studySync/sendStudy";
import { systemClock } from "../../../src/scheduler/state/clock";
import { smallDisk } from "../../smallDisk";
import { temporaryFolder } from "../../unit/scheduler/runFixture";
import { createStudy, peaks, programFile } from "../program";

/** The program on this machine, with what has gone through it. */
function reach(): Reach & { traffic: { sent: number } } {
  const traffic = { sent: 0 };
  return {
    traffic,
    transport: {
      exec: async (argv, options) => {
        const process = await localTransport.exec(argv, options);
        const write = process.stdin.write.bind(process.stdin) as (...args: unknown[]) => boolean;
        process.stdin.write = (...args: unknown[]) => {
          traffic.sent += (args[0] as Uint8Array).length;
          return write(...args);
        };
        return process;
      },
    },
    program: localProgram({ execPath: process.execPath, electron: undefined }, programFile),
    clock: systemClock,
    signal: new AbortController().signal,
  };
}

/** A person to whom everything is right. */
const willing = { own: new Set<string>(), agreed: new Set<string>(), agree: () => Promise.resolve(true) };

async function write(folder: string, files: Record<string, string>): Promise<void> {
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), content);
  }
}

const read = (...names: string[]): Promise<string> => readFile(join(...names), "utf8");

test("a study is sent whole the first time, and then what has changed; what was edited there is kept", async () => {
  const here = await temporaryFolder();
  const there = join(await temporaryFolder(), "runs/peaks");
  const big = "x".repeat(500_000);
  await write(here, { "_learners.py": "one\n", "tables/ü é.csv": big, "tool.sh": "#!/bin/sh\n", "old.py": "" });
  await chmod(join(here, "tool.sh"), 0o755);
  const { traffic, ...world } = reach();
  const paths = ["_learners.py", "tables/ü é.csv", "tool.sh", "old.py"];
  expect(await sendStudy(world, here, paths, there, "ada")).toEqual({
    missing: [],
    changed: 4,
    removed: 0,
    keptAside: [],
    sent: Object.fromEntries(paths.map((path) => [path, expect.stringMatching(/^[0-9a-f]{64}$/)])),
  });
  expect(await read(there, "tables/ü é.csv")).toBe(big);
  expect((await stat(join(there, "tool.sh"))).mode & 0o111).not.toBe(0);
  expect(traffic.sent).toBeGreaterThan(500_000);

  // Data that was made there is not of the study.
  await write(there, { "data/a.pickle": "data" });
  await write(here, { "_learners.py": "two\n" });
  traffic.sent = 0;
  const left = paths.slice(0, 3);
  expect(await sendStudy(world, here, left, there, "ada")).toEqual({
    missing: [],
    changed: 1,
    removed: 1,
    keptAside: [],
    sent: expect.objectContaining({ "_learners.py": expect.any(String) }),
  });
  expect(traffic.sent).toBeLessThan(5000);
  expect((await readdir(there)).sort()).toEqual([".adaptive-sent.json", "_learners.py", "data", "tables", "tool.sh"]);

  await write(there, { "_learners.py": "edited on the cluster\n" });
  await write(here, { "_learners.py": "three\n" });
  const { keptAside } = await sendStudy(world, here, left, there, "ada");
  expect(keptAside).toEqual([expect.stringMatching(/^_learners\.py\.edited-[0-9a-f]{8}$/)]);
  expect(await read(there, keptAside[0] ?? "")).toBe("edited on the cluster\n");
  expect(await read(there, "_learners.py")).toBe("three\n");

  // Another study of the same name.
  await expect(sendStudy(world, here, left, there, "eve on other:/peaks")).rejects.toMatchObject({
    code: "other-study",
    message: `${there} holds the study of ada.`,
    hint: expect.stringContaining('"runRoot"'),
  });
});

test("a folder that cannot be made or a disk that is full says so, and leaves the study as it was", async () => {
  const here = await temporaryFolder();
  const { traffic: _, ...world } = reach();
  await write(here, { "_learners.py": "one\n", taken: "" });
  await expect(sendStudy(world, here, ["_learners.py"], join(here, "taken/runs"), "ada")).rejects.toMatchObject({
    message: expect.stringContaining("taken"),
  });
  const full = await smallDisk("200k");
  await sendStudy(world, here, ["_learners.py"], full, "ada");
  await write(here, { "_learners.py": "two\n", "big.csv": "x".repeat(400_000) });
  await expect(sendStudy(world, here, ["_learners.py", "big.csv"], full, "ada")).rejects.toMatchObject({
    code: "disk-full",
    hint: expect.stringMatching(/\w/),
  });
  expect(await read(full, "_learners.py")).toBe("one\n");
  expect((await readdir(full)).sort()).toEqual([".adaptive-sent.json", "_learners.py"]);
});

test("data comes down once, again when it has changed, and never over what is only here", async () => {
  const study = await createStudy(peaks(3, 0.001), { goal: { npoints: 12 } });
  expect((await study.run("--json").ended).exitCode).toBe(0);
  const here = await temporaryFolder();
  const { traffic: _, ...world } = reach();
  let ledger: Ledger = {};
  const progress: [number, number][] = [];
  const download = (): Promise<Downloaded> =>
    downloadResults(world, {
      run: study.at(".adaptive"),
      folder: here,
      ledger: { load: () => ledger, save: (next) => (ledger = next) },
      ...willing,
      onProgress: (...done) => progress.push(done),
    });
  const first = study.at("data/offset=0.0.pickle");
  const name = "data/offset=0.0.pickle";
  expect(await download()).toEqual({ fetched: 3, unchanged: 0, keptAside: [], refused: [] });
  expect(await readFile(join(here, name))).toEqual(await readFile(first));
  const [done, of] = progress.at(-1) ?? [];
  expect(done).toBe(of);
  expect(await download()).toEqual({ fetched: 0, unchanged: 3, keptAside: [], refused: [] });

  // Changed there: it replaces what came from there.
  await writeFile(first, "more points");
  expect(await download()).toEqual({ fetched: 1, unchanged: 2, keptAside: [], refused: [] });
  // Changed on both sides: nothing is lost.
  await writeFile(first, "even more points");
  await writeFile(join(here, name), "mine");
  const sha = createHash("sha256").update("mine").digest("hex").slice(0, 8);
  expect(await download()).toEqual({ fetched: 1, unchanged: 2, keptAside: [`${name}.before-${sha}`], refused: [] });
  expect(await read(here, name)).toBe("even more points");
  expect(await read(here, `${name}.before-${sha}`)).toBe("mine");
  // Deleted here: it comes again.
  await rm(join(here, name));
  expect(await download()).toEqual({ fetched: 1, unchanged: 2, keptAside: [], refused: [] });
  expect((await readdir(join(here, "data"))).filter((file) => file.endsWith(".part"))).toEqual([]);
});

test("a run that is not there says so", async () => {
  const { traffic: _, ...world } = reach();
  const folder = await temporaryFolder();
  const ledger = { load: () => ({}), save: () => undefined };
  await expect(
    downloadResults(world, { run: folder, folder, ledger, ...willing, onProgress: () => undefined }),
  ).rejects.toMatchObject({ code: "no-run" });
});

import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { hostProfileOf } from "../../src/remote/profile";
import { namedHosts, readConfigFile } from "../../src/remote/ssh/configFile";
import { readKnownHosts } from "../../src/remote/ssh/hostKeyCheck";
import { hostConfigOf } from "../../src/remote/ssh/hostConfig";
import { matchKnownHosts } from "../../src/remote/ssh/knownHosts";
import { readIncludes } from "../../src/remote/studySync/includes";
import { parseTypedOptions } from "../../src/scheduler/commandLine/typedOptions";
import { configurationOf } from "../../src/scheduler/study/settings";
import { readStudyFile } from "../../src/scheduler/study/studyFile";
import { temporaryFolder } from "./scheduler/runFixture";

const machine = (home: string) => ({ home, user: "ada", platform: "linux", agentSocket: undefined }) as const;

/** Files of a person's in a home of its own. */
async function written(files: Record<string, string>): Promise<string> {
  const home = await temporaryFolder();
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(home, name)), { recursive: true });
    await writeFile(join(home, name), text);
  }
  return home;
}

test("the byte order mark of editors on Windows is skipped in each text file of a person's", async () => {
  const key = Buffer.from("0000000b7373682d6564323535313900000020" + "ab".repeat(32), "hex");
  const home = await written({
    "adaptive.json": '\ufeff{ "retries": 3, "include": ["tables"] }',
    config: "\ufeffHost head\n",
    ".ssh/known_hosts": `\ufeffhead ssh-ed25519 ${key.toString("base64")}\n`,
  });
  expect((await readStudyFile(join(home, "adaptive.json"))).layer).toMatchObject({ retries: 3 });
  expect(await readIncludes(home)).toEqual(["tables"]);
  expect(namedHosts(await readConfigFile(join(home, "config"), machine(home)))).toEqual(["head"]);
  const known = await readKnownHosts(hostConfigOf("head", new Map(), machine(home)), join(home, "none"));
  expect(matchKnownHosts(known, { host: "head", port: 22 }, key)).toMatchObject({ kind: "match" });
});

describe.each([
  ["lists", "[", "]"],
  ["objects", '{"goal":', "}"],
])("5 000 %s within each other", (_, open, close) => {
  const deep = `${open.repeat(5000)}1${close.repeat(5000)}`.replace(/^\[/, '{"goal":[').replace(/\]$/, "]}");

  test("in adaptive.json are named with file and line", async () => {
    const home = await written({ "adaptive.json": `{\n"retries": 1,\n"goal": ${deep}}` });
    const file = join(home, "adaptive.json");
    await expect(readStudyFile(file)).rejects.toMatchObject({
      code: "bad-setting",
      message: `${file}:3: it is nested more than 100 levels deep.`,
    });
    // It is said on the cluster.
    expect(await readIncludes(home)).toEqual([]);
  });

  test("in a setting of the editor, in a profile and in what is typed are named", async () => {
    const value = JSON.parse(deep) as object;
    expect(() => hostProfileOf({ head: { maxJobs: value } }, "head")).toThrow(
      /adaptive\.clusters: head\.maxJobs: .*deep/,
    );
    const home = await written({});
    const start = {
      learnersFile: join(home, "_learners.py"),
      cluster: "slurm",
      typed: { set: {}, unset: [] },
    } as const;
    const profile = JSON.stringify({ maxJobs: 1 }).replace("1", deep);
    await expect(configurationOf({ ...start, profile }, null)).rejects.toThrow("the profile of slurm: maxJobs: ");
    expect(() => parseTypedOptions({ set: [`maxJobs=${deep}`] })).toThrow("--set: maxJobs: ");
  });
});

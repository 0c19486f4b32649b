import { mkdir, readdir, readFile, stat, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { localTransport } from "../../../src/remote/localTransport";
import { type Downloaded, downloadResults, type Downloading } from "../../../src/remote/studySync/downloadResults";
import type { Place } from "../../../src/remote/studySync/planDownload";
import { sendStudy } from "../../../src/remote/studySync/sendStudy";
import { systemClock } from "../../../src/scheduler/state/clock";
import { temporaryFolder } from "../../unit/scheduler/runFixture";

/**
 * A program in the place of ours on a head node that somebody else rules. It lists what it is told to list, sends what
 * was asked for, and whatever else it is told to.
 */
const program = `
const { list = [], extra = [], sizes = {}, noise = 0, missing = [] } = JSON.parse(process.env.EVIL);
const [command, , how] = process.argv.slice(2);
const content = "evil";
const header = (path, size) => JSON.stringify({ path, size, isExecutable: true }) + "\\n";
const flood = () => process.stdout.write("x".repeat(1 << 20), flood);
if (noise > 0) flood();
else if (command === "receive") {
  process.stdin.resume().on("end", () => console.log(JSON.stringify({ missing, changed: 1, removed: 0, keptAside: [] })));
} else if (how === "--json") {
  console.log(JSON.stringify({ files: list.map((path) => ({ path, size: sizes[path] ?? 4, modifiedMs: 1 })) }));
} else {
  let asked = "";
  process.stdin.on("data", (chunk) => (asked += chunk)).on("end", () => {
    for (const path of [...extra, ...asked.split("\\n").filter(Boolean)]) process.stdout.write(header(path, 4) + content);
    process.stdout.write("null\\n");
  });
}
`;

interface Evil {
  list?: string[];
  extra?: string[];
  sizes?: Record<string, number>;
  noise?: number;
  missing?: string[];
}

function reach(evil: Evil) {
  return {
    transport: localTransport,
    program: { argv: [process.execPath, "-e", program, "evil"], env: { EVIL: JSON.stringify(evil) } },
    clock: systemClock,
    signal: new AbortController().signal,
  };
}

/** A study as somebody has it on a laptop; what they have agreed to is asked for. */
async function study(files: Record<string, string> = {}) {
  const base = await temporaryFolder();
  const folder = join(base, "study");
  const all = { "_learners.py": "mine", "adaptive.json": "{}", ".git/config": "mine", "input.npz": "mine", ...files };
  for (const [path, content] of Object.entries(all)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), content);
  }
  const asked: Place[][] = [];
  const download = (evil: Evil, more: Partial<Downloading> = {}): Promise<Downloaded> =>
    downloadResults(reach(evil), {
      run: "/home/ada/study/.adaptive",
      folder,
      own: new Set(["_learners.py", "adaptive.json", "input.npz"]),
      ledger: { load: () => ({}), save: () => undefined },
      agreed: new Set(),
      agree: (places) => {
        asked.push([...places]);
        return Promise.resolve(true);
      },
      onProgress: () => undefined,
      ...more,
    });
  /** Everything that is there, but for folders. */
  const there = async (): Promise<Record<string, string>> => {
    const entries = await readdir(base, { recursive: true, withFileTypes: true });
    const found = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
    const read = async (file: string): Promise<[string, string]> => [
      file.slice(folder.length + 1),
      await readFile(file, "utf8"),
    ];
    return Object.fromEntries(await Promise.all(found.sort().map(read)));
  };
  return { base, folder, download, there, asked };
}

const evilNames = [
  ...[".git/config", ".git/hooks/pre-commit", ".vscode/tasks.json", ".vscode/settings.json", ".envrc"],
  ...["_learners.py", "_LEARNERS.PY", "conftest.py", "data/numpy.py", "adaptive.json", "package.json", "input.npz"],
  ...[".ADAPTIVE/run.json", ".adaptive/run.json", ".g\u200cit/config", "\uff0egit/config", "GIT~1/config"],
  ...["C:/evil", "a\\b.pickle", "CON", "nul.pickle", "data/x.pickle.", "x.pickle ", "a\0b.pickle", "a\nb.pickle"],
  ...["..", "../evil.pickle", "data/../../evil.pickle", "/tmp/evil.pickle", "", "data//x.pickle", "./x.pickle"],
];

test("of what a malicious head node lists, only data is written, where the person agreed", async () => {
  const { download, there, asked } = await study();
  const before = await there();
  const good = ["data/a=1.0.pickle", "data/a=2.0.pickle", "data/a=1.0.pickle.csv"];
  const done = await download({ list: [...evilNames, ...good] });
  expect(await there()).toEqual({ ...before, ...Object.fromEntries(good.map((path) => [path, "evil"])) });
  expect(done).toMatchObject({ fetched: 3, unchanged: 0, keptAside: [] });
  expect(done.refused.map(({ path }) => path)).toEqual(evilNames);
  expect(asked).toEqual([
    [
      { place: "data/*.pickle", files: 2, bytes: 8 },
      { place: "data/*.pickle.csv", files: 1, bytes: 4 },
    ],
  ]);
});

test("nothing is written that a person does not agree to, and what they agreed to before is not asked again", async () => {
  const { download, there, asked } = await study();
  const before = await there();
  const list = ["data/a.pickle"];
  await expect(download({ list }, { agree: () => Promise.resolve(false) })).rejects.toMatchObject({
    code: "cancelled",
  });
  expect(await there()).toEqual(before);
  await download({ list }, { agreed: new Set(["data/*.pickle"]) });
  expect(asked).toEqual([]);
  await download({ list: ["data/a.pickle", "tables/a.pickle"] }, { agreed: new Set(["data/*.pickle"]) });
  expect(asked).toEqual([[{ place: "tables/*.pickle", files: 1, bytes: 4 }]]);
});

test.each([".git/config", "data/unasked.pickle", "../evil.pickle", "_learners.py"])(
  "%s, sent without being asked for, ends the download",
  async (extra) => {
    const { download, there } = await study();
    const before = await there();
    await expect(download({ list: ["data/a.pickle"], extra: [extra] })).rejects.toMatchObject({
      code: "bad-pack",
      hint: expect.stringMatching(/\w/),
    });
    expect(await there()).toEqual(before);
  },
);

test("nothing is written through a link, and a folder or pipe is not written over", async () => {
  const { base, folder, download, there } = await study({ "taken.pickle/x": "mine", file: "mine" });
  await mkdir(join(base, "elsewhere"));
  await writeFile(join(base, "elsewhere/target.pickle"), "mine");
  await symlink("../elsewhere", join(folder, "data"));
  await symlink("../elsewhere/target.pickle", join(folder, "link.pickle"));
  await symlink("../elsewhere/new.pickle", join(folder, "dangling.pickle"));
  const before = await there();
  const list = ["data/a.pickle", "link.pickle", "dangling.pickle", "taken.pickle", "file/a.pickle"];
  const { refused } = await download({ list });
  expect(refused.map(({ path }) => path)).toEqual(list);
  expect(refused[0]?.why).toContain("the link data");
  expect(await there()).toEqual(before);
});

test("what is there and did not come from the cluster is kept beside what comes; nothing becomes a program", async () => {
  const { folder, download, there } = await study({ "data/a.pickle": "mine" });
  const { keptAside } = await download({ list: ["data/a.pickle"] });
  expect(keptAside).toEqual([expect.stringMatching(/^data\/a\.pickle\.before-[0-9a-f]{8}$/)]);
  expect(await there()).toMatchObject({ "data/a.pickle": "evil", [keptAside[0] ?? ""]: "mine" });
  expect((await stat(join(folder, "data/a.pickle"))).mode & 0o111).toBe(0);
});

test("sizes and counts that no disk holds, and answers without end, are refused with a sentence", async () => {
  const { download, there } = await study();
  const before = await there();
  const path = "data/a.pickle";
  await expect(download({ list: [path], sizes: { [path]: 1e15 } })).rejects.toMatchObject({ code: "disk-full" });
  for (const size of [-1, 0.5, 1e300]) {
    await expect(download({ list: [path], sizes: { [path]: size } })).rejects.toMatchObject({ code: "bad-answer" });
  }
  await expect(download({ noise: 1 })).rejects.toMatchObject({ code: "too-much" });
  expect(await there()).toEqual(before);
});

test("a head node is sent what a study holds, whatever it says is missing", async () => {
  const { folder, base } = await study();
  await writeFile(join(base, "secret"), "mine");
  const asks = (missing: string[]) => sendStudy(reach({ missing }), folder, ["_learners.py"], "/there", "ada");
  await expect(asks(["../secret", ".git/config"])).rejects.toMatchObject({ code: "bad-answer" });
});

/** A host that lets the person in over SSH, and on which a program of somebody else answers in the place of ours. */
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { Clusters } from "../../../src/remote/connectClusters";
import type { Need } from "../../../src/remote/deploy/clusterHost";
import { runCommand } from "../../../src/remote/launch";
import { makeEnvironment, pythonsOn } from "../../../src/remote/pythons";
import { deletionCommand } from "../../../src/remote/runCommands";
import { downloadResults } from "../../../src/remote/studySync/downloadResults";
import { effects, type NewChange } from "../../../src/scheduler/state/changes";
import { systemClock } from "../../../src/scheduler/state/clock";
import { Database } from "../../../src/scheduler/state/database";
import { type AdaptiveError, toAdaptiveError } from "../../../src/scheduler/state/errors";
import { asJobId, asLearnerId } from "../../../src/scheduler/state/rows";
import { jobsTree } from "../../../src/views/jobsTreeModel";
import { plain } from "../../../src/views/plain";
import { runLine } from "../../../src/views/runWords";
import { runTitle } from "../../../src/views/statusText";
import { firstChanges, temporaryFolder, wasm } from "../../unit/scheduler/runFixture";
import { eventually, python } from "../program";
import { openSession } from "../remote/openSession";
import { startSshd } from "../remote/ssh/realSshd";
import { person } from "../remote/ssh/ssh2Server";
import { configurationOf } from "../remote/ssh/sshWorld";
import { createHome, distFolder, memento } from "./headNode";

/**
 * What stands in our program's place: it says what the file beside it has for a command. With `flood` it goes on without
 * end, with `waits` it says nothing more. To who attaches, it answers what `rpc` has for the method at that moment, and
 * sends what is `unasked` behind the answer to `watch`.
 */
const program = `
const { join } = require("node:path");
const { readFileSync, writeFileSync } = require("node:fs");
const [command] = process.argv.slice(2);
const saidNow = () => JSON.parse(readFileSync(join(__dirname, "said.json"), "utf8"))[command] ?? {};
const { text = "", code = 0, flood, waits, rpc } = saidNow();
writeFileSync(join(__dirname, "asked"), command);
const send = (message) => {
  const body = Buffer.from(message);
  process.stdout.write("Content-Length: " + body.length + "\\r\\n\\r\\n");
  process.stdout.write(body);
};
function answer({ id, method, params }) {
  const { rpc, unasked = [] } = saidNow();
  const result = method === "snapshot/read" && !(method in rpc)
    ? { base64: Buffer.from(rpc.database, "base64").subarray(params.offset, params.offset + (1 << 19)).toString("base64") }
    : rpc[method] ?? null;
  send('{"jsonrpc":"2.0","id":' + id + ',"result":' + (typeof result === "string" ? result : JSON.stringify(result)) + "}");
  if (method === "watch") unasked.forEach(send);
}
let held = Buffer.alloc(0);
function hear(chunk) {
  held = Buffer.concat([held, chunk]);
  for (;;) {
    const [head, length] = /^Content-Length: (\\d+)\\r\\n\\r\\n/.exec(held.toString("latin1")) ?? [];
    if (head === undefined || held.length < head.length + Number(length)) return;
    const body = held.subarray(head.length, head.length + Number(length));
    held = held.subarray(head.length + Number(length));
    answer(JSON.parse(body.toString()));
  }
}
const more = () => process.stdout.write(flood.repeat(1 << 16), more);
process.stdin.on("end", () => (command === "receive" || rpc) && process.exit(code)).on("data", (chunk) => rpc && hear(chunk));
if (flood !== undefined) more();
else if (!waits && rpc === undefined) {
  process.stdout.write(text + "\\n", () => command !== "receive" && process.exit(code));
}
`;

/** Words that would do something, somewhere, if they were taken for more than words. */
const words =
  "\u001b[2J\u001b]0;owned\u0007\u001b]52;c;ZXZpbA==\u0007[Help](command:evil) $(trash) \u202egnp.exe\r\n\u0000";
const deep = `${'{"a":['.repeat(5000)}1${"]}".repeat(5000)}`;
const megabytes = "x".repeat(3 << 20);
/** What JSON has for numbers that no count is. */
const noCounts = ["1e999", "-1", "1e18", '"7"'];

interface Said {
  text?: string;
  code?: number;
  flood?: string;
  waits?: boolean;
  rpc?: Record<string, unknown>;
  unasked?: string[];
}

/** The person's computer, connected to the host; `says` gives the program there its words. */
async function hostile() {
  const home = await createHome();
  const sshd = await startSshd(() => [`SetEnv HOME=${home}`]);
  onTestFinished(() => sshd.stop());
  const laptop = join(await temporaryFolder(), "laptop");
  await mkdir(join(laptop, "study"), { recursive: true });
  await writeFile(join(laptop, "study/_learners.py"), "mine");
  const memory = memento();
  const clusters = new Clusters({
    ...{ configuration: await configurationOf("hpc", sshd.host, laptop), distFolder, storage: laptop },
    ...{ memory, everywhere: memento(), log: () => undefined },
    setting: {
      get: () => ({ hpc: { python, node: process.execPath, queue: "local" } }),
      setSchedulerInJob: () => Promise.resolve(),
    },
    questions: {
      prompts: person().prompts,
      askForNode: () => Promise.resolve(null),
      agreeToSend: () => Promise.resolve(true),
      offerJob: () => Promise.resolve(false),
    },
  });
  onTestFinished(() => clusters.dispose());
  const need: Need = { isAsked: true, onStep: () => undefined, signal: new AbortController().signal };
  const cluster = await clusters.host("hpc").ready(need);
  const file = cluster.program.argv.find((word) => word.endsWith("main.js")) ?? "";
  await writeFile(file, program);
  const there = (name: string): string => join(dirname(file), name);
  const says = (command: string, what: Said) => writeFile(there("said.json"), JSON.stringify({ [command]: what }));
  const saysAll = (all: Record<string, Said>) => writeFile(there("said.json"), JSON.stringify(all));
  /** What lies on the person's computer. */
  const here = async (): Promise<string[]> => (await readdir(laptop, { recursive: true })).sort();
  const asked = () => readFile(there("asked"), "utf8").catch(() => "");
  const reach = { ...cluster, clock: systemClock, signal: need.signal };
  return { clusters, memory, need, reach, says, saysAll, here, asked, laptop, study: join(laptop, "study") };
}

/** Refused in a sentence that names the host, and that is shown as it is. */
async function refused(asking: Promise<unknown>): Promise<AdaptiveError> {
  const error = await asking.then(
    (answer) => Promise.reject(new Error(`It was taken: ${JSON.stringify(answer).slice(0, 200)}`)),
    toAdaptiveError,
  );
  // Those of our own, and not of a library.
  expect(`${error.code}: ${error.message}`).toMatch(/^(?!unexpected|cancelled).*hpc/);
  harmless(`${error.message} ${error.hint}`);
  return error;
}

/** What a person sees of a text. */
function harmless(text: string): void {
  expect(plain(text)).not.toMatch(/[^\P{Cc}\n\t]|\]\(|\$\(|[\u202a-\u202e]/u);
  expect(plain(text).length).toBeLessThanOrEqual(2000);
}

const answersThatAreNone = [
  "",
  words,
  deep,
  "null",
  "[]",
  `{"runs":${deep}}`,
  '{"runs":7}',
  `"${megabytes}"`,
  megabytes,
];

test("what a program of somebody else answers on a host is refused in a sentence that names the host, or is words", async () => {
  const { clusters, memory, need, reach, says, saysAll, here, asked, study } = await hostile();
  const before = await here();
  const learnersFile = join(study, "_learners.py");
  const own = { learnersFile, name: "study" };
  const { runs } = clusters;
  const directory = (await clusters.runs.machine("hpc", learnersFile, need)).folder + "/.adaptive";

  // Discovery: what is no list is refused; of a list only the study's own run is taken.
  const discover = () => runs.discover("hpc", [own], need);
  const listed = (more: string) => `{"runs":[{"name":"n","created":"","stateFolder":"/x","state":"done"${more}}]}`;
  for (const text of answersThatAreNone) {
    await says("list", { text });
    await refused(discover());
  }
  for (const count of noCounts) {
    await says("list", { text: listed(`,"learners":{"done":${count}}`) });
    await refused(discover());
  }
  const evil = [
    `${directory}/../../other`,
    "../../study/.adaptive",
    "study/.adaptive",
    words,
    "/",
    "hpc:/",
    directory,
    directory,
  ];
  const list = evil.map((stateFolder) => ({
    name: words,
    created: words,
    stateFolder,
    state: words,
    learners: { done: 3 },
  }));
  await says("list", { text: JSON.stringify({ runs: list }) });
  expect(await discover()).toEqual([{ directory: `hpc:${directory}`, name: "study", created: "", learnersFile }]);
  const [first] = await runs.listed("hpc", need);
  harmless(`${first?.listed.name ?? ""} ${runLine(first?.listed ?? {})}`);
  await says("list", { flood: "x" });
  expect((await refused(discover())).message).toContain("67 MB");
  await says("list", { waits: true });
  const giveUp = new AbortController();
  const waiting = expect(runs.listed("hpc", { ...need, signal: giveUp.signal })).rejects.toMatchObject({
    code: "cancelled",
  });
  await eventually(async () => (await asked()) === "list");
  giveUp.abort();
  await waiting;

  // What a run that is made is called, and what the program says went wrong.
  const remembered = JSON.stringify(runs.all);
  const prepare = () => runs.prepare("hpc", own, { set: {}, unset: [] }, need);
  const received = { text: '{"missing":[],"changed":0,"removed":0,"keptAside":[]}' };
  const made = (run: unknown) => ({ text: JSON.stringify({ run, runId: "r", resumed: false, warnings: [] }) });
  const places = [
    "..",
    "",
    "study/.adaptive",
    "/a/../b/.adaptive",
    `/a${words}`,
    "C:/evil",
    `/${megabytes}`,
    7,
    null,
    {},
  ];
  for (const run of places) {
    await saysAll({ receive: received, init: made(run) });
    await refused(prepare());
  }
  const errors = [`{"error":{"code":"cancelled","message":${JSON.stringify(words)}}}`, deep, words, megabytes]
    .concat(`{"error":{"code":"bad-user-setting","message":"/etc/passwd:1: ${megabytes}","hint":"${megabytes}"}}`)
    .concat('{"error":{"code":"x","message":"m","command":"a\\nb"}}');
  for (const text of errors) {
    await saysAll({ receive: received, init: { text, code: 2 } });
    await refused(prepare());
  }
  for (const missing of [["../secret"], ["_learners.py", "/etc/passwd"], [words], 7, deep]) {
    await says("receive", { text: JSON.stringify({ missing, changed: 0, removed: 0, keptAside: [] }) });
    await refused(prepare());
  }
  expect(JSON.stringify(runs.all)).toBe(remembered);

  // Names of data, and what deleting would move.
  const downloading = {
    ...{ run: directory, folder: study, own: new Set(["_learners.py"]), agreed: new Set<string>() },
    ...{ ledger: { load: () => ({}), save: () => undefined }, onProgress: () => undefined },
    agree: () => Promise.reject(new Error("There is nothing to agree to.")),
  };
  const names = [
    "../a.pickle",
    "/a.pickle",
    ".git/config",
    "_learners.py",
    `${words}.pickle`,
    `${megabytes}.pickle`,
    "a\u0000.npy",
  ];
  await says("results", { text: JSON.stringify({ files: names.map((path) => ({ path, size: 1, modifiedMs: 1 })) }) });
  expect(await downloadResults(reach, downloading)).toMatchObject({
    fetched: 0,
    refused: names.map((path) => ({ path })),
  });
  const deletion = (size: string) =>
    `{"name":"n","state":{"files":${size},"bytes":1},"data":{"files":1,"bytes":1},"outside":[]}`;
  for (const size of noCounts) {
    await says("results", { text: `{"files":[{"path":"a.pickle","size":${size},"modifiedMs":1}]}` });
    await refused(downloadResults(reach, downloading));
    await says("delete", { text: deletion(size) });
    await refused(
      runCommand(reach.transport, deletionCommand(reach.program, directory), { ...reach, deadlineMs: 60_000 }),
    );
  }

  // Pythons, which a person may choose, and an environment, which becomes a setting.
  const machine = await runs.machine("hpc", learnersFile, need);
  const wish = { folder: "/f", python: "python3", prelude: [], withMpi: false, mayAdd: false, wheels: null };
  for (const python of [words, `/${megabytes}`, 7, null]) {
    const found = {
      ...{ source: "PATH", python, prelude: [], version: "3", packages: {} },
      missing: [],
      hasMpi: false,
    };
    await says("pythons", { text: JSON.stringify({ pythons: [found] }) });
    await refused(pythonsOn(machine, { folders: [], known: [] }, need.signal));
    const steps: string[] = [];
    const making = { onStep: (step: string) => steps.push(step), onVersion: (version: string) => steps.push(version) };
    const news = [JSON.stringify({ step: megabytes }), JSON.stringify({ version: words }), deep].join("\n");
    await says("environment", { text: `${news}\n${JSON.stringify({ python })}` });
    await refused(makeEnvironment(machine, wish, { ...making, signal: need.signal }));
    expect(steps).toEqual([]);
  }

  expect(memory.get("studiesSentTo")).toEqual([expect.stringMatching(/^hpc:/)]);
  expect(await here()).toEqual(before);
});

test("of a run that a program of somebody else serves, what is none is refused in a sentence that names the host, and words are words", async () => {
  const { clusters, need, says, here, study } = await hostile();
  const before = await here();
  const { folder } = await clusters.runs.machine("hpc", join(study, "_learners.py"), need);
  const run = `hpc:${folder}/.adaptive`;
  const position = { runId: words, incarnation: 1, seq: 1 };
  const database = await databaseOfWords();
  const attach = { position, snapshot: { bytes: database.length } };
  const rpc = { attach, database: database.toString("base64") };

  await says("attach", { rpc: { attach: { position, snapshot: null } } });
  const session = await openSession(run, (asked) => clusters.runs.reach(run, asked));
  const snapshots: Record<string, unknown>[] = [
    ...[...noCounts, "2147483648"].map((bytes) => ({
      attach: `{"position":{"runId":"r","incarnation":1,"seq":1},"snapshot":{"bytes":${bytes}}}`,
    })),
    ...[deep, '"x"', `"${megabytes}"`, "null"].map((answer) => ({ attach: answer })),
    { attach: { position: { ...position, seq: 1e300 }, snapshot: null } },
    { ...rpc, "snapshot/read": { base64: "" } },
    { ...rpc, "snapshot/read": { base64: database.subarray(0, 5000).toString("base64") + words } },
    {
      attach: { position, snapshot: { bytes: 9 } },
      "snapshot/read": { base64: Buffer.from("no tables").toString("base64") },
    },
  ];
  for (const answers of snapshots) {
    await says("attach", { rpc: answers });
    await refused(session.reconnect());
  }

  // What it sends unasked: a picture that is none costs itself; what may not be missed costs the connection.
  const previews: number[] = [];
  session.onDidPreview(({ preview }) => previews.push(preview.npoints));
  session.watch([asLearnerId(0)]);
  const line = { ...{ kind: "line", npoints: 1, x: [0], y: [[0]], xLabel: "x", yLabel: words, bounds: [0, 1] } };
  const preview = (change: object) => rpcOf("preview", JSON.stringify({ learner: 0, preview: { ...line, ...change } }));
  const pictures = [
    ...[
      { npoints: 1e18 },
      { xLabel: megabytes },
      { x: "x" },
      { kind: words },
      { y: [[{}]] },
      { facts: Array(99).fill(words) },
    ],
    { x: Array(6000).fill(0) },
  ].map(preview);
  const noNumber = rpcOf(
    "preview",
    JSON.stringify({ learner: 0, preview: line }).replace('"npoints":1', '"npoints":1e999'),
  );
  const unasked = [...pictures, noNumber, rpcOf("preview", deep), rpcOf("preview", "7"), preview({ npoints: 3 })];
  await says("attach", {
    rpc,
    unasked: [...unasked, rpcOf("notice", JSON.stringify({ message: words, hint: megabytes }))],
  });
  await session.reconnect();
  await eventually(async () => previews.includes(3) && session.notice !== null);
  expect(previews).toEqual([3]);
  harmless(`${session.notice?.message ?? ""} ${session.notice?.hint ?? ""}`);

  // What is shown of it, and asked of it.
  const { run: row } = await session.query("overview", null);
  harmless(`job ${words} · ${runTitle(row.name, "hpc")}`);
  const jobs = await session.query("jobs", { limit: 100 });
  expect(jobs.map(({ jobId }) => jobId)).toEqual([words]);
  const nodes = jobsTree(jobs, 0).flatMap((node) => [node, ...(node.children?.nodes ?? [])]);
  for (const { label, description, tooltip } of nodes) harmless(`${label} ${description} ${tooltip}`);

  const shells = [
    { argv: [], directory: "/" },
    { argv: ["sh"], directory: "study" },
    { argv: ["a\0b"], directory: "/" },
  ];
  for (const shell of [
    ...shells,
    { argv: Array(101).fill("x"), directory: "/" },
    { argv: [7], directory: "/" },
    deep,
    "7",
    null,
  ]) {
    await says("attach", { rpc: { ...rpc, jobShell: shell } });
    await refused(session.jobShell(asJobId("1_1")));
  }
  await says("attach", { rpc: { ...rpc, failure: { job: 1 }, jobOutput: { text: 7 }, missedGoals: { done: 1e300 } } });
  await refused(session.failure(asLearnerId(0)));
  await refused(session.jobOutput(asJobId("1_1")));
  await refused(session.missedGoals());

  const tooDeep = `{"incarnation":1,"changes":[{"seq":2,"time":1,"kind":"learnerDone","learner":0,"job":${deep}}]}`;
  const changes = [tooDeep, deep, '{"incarnation":1,"changes":[{"seq":1e300,"time":1,"kind":"learnerDone"}]}'];
  const lost = [
    ...changes.map((params) => rpcOf("changes", params)),
    rpcOf("progress", deep),
    rpcOf("notice", "7"),
    "[]",
    deep,
  ];
  for (const message of lost) {
    await says("attach", { rpc });
    await session.reconnect();
    const ended = new Promise<string>((resolve) => {
      session.onDidChangeLink((link) => link.at === "retrying" && resolve(link.why));
    });
    await says("attach", { rpc, unasked: [message] });
    session.watch([asLearnerId(0)]);
    const why = await ended;
    expect(why).toContain("hpc");
    harmless(why);
  }
  expect(await here()).toEqual(before);
});

const rpcOf = (method: string, params: string): string => `{"jsonrpc":"2.0","method":"${method}","params":${params}}`;

/** A run's database in which every name is more than a name. */
async function databaseOfWords(): Promise<Buffer> {
  const [created, ...others] = firstChanges(1);
  const job = { id: asJobId(words), name: words };
  const changes = [
    { ...created, name: words, directory: words, learnersFile: words },
    ...others,
    { kind: "jobsSubmitting", submission: 1, resourceClass: words, count: 1, tries: null },
    { kind: "jobsSubmitted", submission: 1, resourceClass: words, jobs: [job] },
  ] as NewChange[];
  const database = await Database.open(null, wasm);
  database.apply(changes.map((change, i) => ({ ...change, seq: i + 1, time: i })).flatMap(effects));
  const bytes = Buffer.from(database.export());
  database.close();
  return bytes;
}

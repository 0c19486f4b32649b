/** Files of a person's, what other programs print, and what the page says: read whole, or refused in words. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { configCommand, initCommand, scriptCommand } from "../../../src/remote/launch";
import { deleteCommand, deletionCommand, listCommand } from "../../../src/remote/runCommands";
import { namedHosts, optionsFor, readConfigFile } from "../../../src/remote/ssh/configFile";
import { hostConfigOf } from "../../../src/remote/ssh/hostConfig";
import { knownKeyTypes, matchKnownHosts } from "../../../src/remote/ssh/knownHosts";
import { parseSshG, typedHost } from "../../../src/remote/ssh/resolveHost";
import { judgeDataName } from "../../../src/remote/studySync/dataName";
import { slurmCluster } from "../../../src/scheduler/clusters/slurm";
import { parseAccounts, parseListing } from "../../../src/scheduler/clusters/slurmListing";
import { parseFilter } from "../../../src/scheduler/state/filter";
import { matches } from "../../../src/scheduler/state/matches";
import type { LearnerRow } from "../../../src/scheduler/state/rows";
import { wildcard } from "../../../src/scheduler/state/wildcard";
import { parseStudyFile } from "../../../src/scheduler/study/studyFile";
import { hearPage } from "../../../src/views/messages";
import { type FuzzedDoor, inWords, readerDoor, spoilt } from "../door";
import { nearlyJson, nearlyText } from "../nearly";

const studyFiles = [
  {
    goal: { npoints: 50, loss: 0.1, seconds: 60, endTime: "2026-12-01T00:00:00Z" },
    cores: 2,
    maxJobs: 10,
    executor: "process-pool",
    dataframe: "csv",
    saveEverySeconds: 300,
    retries: 1,
    resources: { walltime: "1:00:00", memory: "4GB", partition: "long", extraLines: ["#SBATCH --begin=now"] },
    classes: [{ name: "wide", where: "width>0.5 kind='a b'", resources: { cores: 4 } }],
    env: { OMP_NUM_THREADS: "1" },
  },
  {},
];

/** The file is named in what is said of it. */
const studyFile = readerDoor("adaptive.json", nearlyJson(studyFiles), async (input) => {
  const said = await inWords(() => parseStudyFile("/study/adaptive.json", input.toString("utf8")));
  if (said instanceof Error && !said.message.startsWith("/study/adaptive.json")) throw spoilt(said.message);
});

const blob = Buffer.from("0000000b7373682d6564323535313900000020" + "ab".repeat(32), "hex");
const key = blob.toString("base64");
const knownHosts = readerDoor(
  "known_hosts",
  nearlyText(
    [
      `head,[head]:2222 ssh-ed25519 ${key}\n@revoked * ssh-ed25519 ${key}\n`,
      `|1|F1E1KeoE/eEWhi10WpGv4OdiO6Y=|3988QV0VE8wmZL7suNrYQLITLCg= ssh-ed25519 ${key} # mine\n`,
      `@cert-authority *.site,!x.site ssh-ed25519 ${key}\r\n!*,* ssh-rsa AAAA\n`,
    ],
    ["ssh-ed25519", key, "@revoked", "*", "!", "|1|", "AAAA/////w=="],
  ),
  (input) => {
    const files = [{ file: "known_hosts", text: input.toString("utf8") }];
    for (const host of [
      { host: "head", port: 22 },
      { host: "HEAD", port: 2222 },
      { host: "x", port: 22, alias: "head" },
    ]) {
      knownKeyTypes(files, host);
      matchKnownHosts(files, host, input.subarray(0, 60));
      if (matchKnownHosts([...files, { file: "own", text: "" }], { host: "\0", port: 1 }, blob).kind === "match") {
        throw spoilt("a host that is not listed has a key");
      }
    }
  },
);

const machine = { home: "/home/ada", user: "ada", platform: "linux", agentSocket: undefined } as const;
const methods = ["publickey", "keyboard-interactive", "password"];
const sshWords = ["Host", "Match", "exec", "Include", "toString", "__proto__", "=", "%h%p%%", "none", "~/", "!"];

function checkHost(options: Parameters<typeof hostConfigOf>[1]): void {
  const config = hostConfigOf("head", options, machine);
  const odd = config.methods.find((method) => !methods.includes(method));
  if (odd !== undefined) throw spoilt(`there is a way ${odd} to log in`);
}

const sshConfig: FuzzedDoor = {
  name: "ssh_config",
  inputs: nearlyText(
    [
      "Host head\n  HostName head.site\n  Port 2222\n  User ada\n  IdentityFile ~/.ssh/id_%h\n  ProxyJump a,b:22\n",
      'Match host "h*,!x" user ada\n  PreferredAuthentications publickey,password\nHost *\n\tSendEnv LANG LC_*\n',
      'Include "my file" other/*.conf\nHost "a b" c !d *\n  ProxyCommand ssh -W %h:%p gate\n',
      'Match exec "true"\n Port=22\nHost=x\nUser = y\n# comment\nCertificateFile none\n',
    ],
    sshWords,
  ),
  open: (folder) => {
    const file = join(folder, "config");
    const other = join(folder, "good");
    const feed = async (input: Buffer): Promise<void> => {
      await writeFile(file, input);
      await writeFile(other, `Include ${file}\nHost good\n  Port 2200\n`);
      const [alone, including] = [await readConfigFile(file, machine), await readConfigFile(other, machine)];
      for (const config of [alone, including]) {
        for (const host of [...namedHosts(config).slice(0, 20), "head"]) checkHost(optionsFor(config, host, null));
      }
      if (!namedHosts(including).includes("good")) throw spoilt("the file that includes it names no host any more");
    };
    return Promise.resolve({ feed, close: () => Promise.resolve() });
  },
};

const sshG = readerDoor(
  "ssh-G",
  nearlyText(
    [
      "host head\nuser ada\nhostname head.site\nport 22\nidentityfile ~/.ssh/id_rsa\nuserknownhostsfile ~/.ssh/known_hosts\n" +
        "preferredauthentications publickey,password\nproxyjump a,b\nconnecttimeout none\nidentityagent SSH_AUTH_SOCK\n",
    ],
    sshWords,
  ),
  (input) => {
    checkHost(parseSshG(input.toString("utf8")));
    const typed = typedHost(input.toString("utf8").slice(0, 100));
    if (typed !== null && typedHost(typed) !== typed) throw spoilt(`${typed} is another host`);
  },
);

const run = { folder: "/run/jobs", runId: "5eed0001-run", name: "peaks" };
const known = new Set(["4_0", "4_1"]);
const queue = readerDoor(
  "squeue",
  nearlyText(
    [
      "4|0|FAILED|0|768|30:00|n1|peaks-3.5eed0001|adaptive:5eed0001-run:3|/run/jobs|NonZeroExitCode",
      "4|N/A|PENDING|0|0|1-00:00:00||other|(null)|/home|Priority",
      "4|1|CANCELLED by 1000|2|0:9|UNLIMITED|n[1-2]|peaks|x|/run/jobs|None",
    ].map((line) => `${line.replaceAll("|", "\x1f")}\x1e\n`),
    ["\x1f", "\x1e\n", "RUNNING", "adaptive:5eed0001-run:99999999999999999999"],
  ),
  (input) => void parseListing(input.toString("utf8"), run, known),
);
const accounts = readerDoor(
  "sacct",
  nearlyText(["4_0|COMPLETED|0:0\n4_1|CANCELLED by 1000|0:15\n4_2|OUT_OF_MEMORY|0:125\n"], ["|", "__proto__"]),
  (input) => void parseAccounts(input.toString("utf8")),
);
const slurm = slurmCluster({ ...run, user: "ada" });
const sbatch = readerDoor(
  "sbatch",
  nearlyText(
    ["4711\nend of list\n", "4711;cluster\nend of list\n", "MaxArraySize = 1001\nend of list\n"],
    ["end of list\n"],
  ),
  async (input) => {
    const [stdout, stderr] = [input.toString("utf8"), input.toString("latin1")];
    const commands = [
      slurm.submit({ number: 1, count: 3, script: "#!/bin/bash\n", excludedNodes: [] }),
      slurm.cancel(["4_0"], false),
      slurm.account(["4_0"]),
      slurm.largestArray(),
    ];
    for (const command of commands) {
      if (command === null) continue;
      for (const exitCode of [0, 1, 127]) await inWords(() => command.parse({ exitCode, stdout, stderr }));
    }
  },
);

const program = { argv: ["adaptive-scheduler"], env: {} };
const start = { learnersFile: "/study/_learners.py", profile: {}, typed: { set: {}, unset: [] } };
const commands = [
  ...[initCommand(program, start), configCommand(program, start), scriptCommand(program, start), listCommand(program)],
  ...[deletionCommand(program, "/run"), deleteCommand(program, "/run", true)],
];
const answers = readerDoor(
  "program",
  nearlyJson([
    { run: "/run", runId: "r", resumed: false },
    { script: "#!/bin/bash\n" },
    { runs: [{ name: "n", created: "2026-01-01T00:00:00Z", stateFolder: "/s", state: "done", learners: { done: 3 } }] },
    { name: "n", state: { files: 1, bytes: 2 }, data: { files: 1, bytes: 2 }, outside: ["/x"] },
    { trash: "/run/.adaptive-trash/1" },
    { error: { code: "no-run", message: "There is no run.", hint: "Make one." } },
    {
      ...{ run: null, studyFile: "/study/adaptive.json", problem: null },
      settings: [{ name: "cores", now: null, next: [{ value: 1, origin: "default", where: "default" }] }],
    },
  ]),
  async (input) => {
    const stdout = `Welcome\n${input.toString("utf8")}\n`;
    for (const command of commands) {
      for (const code of [0, 1, null]) await inWords(() => command.parse({ code, stdout, stderr: stdout }));
    }
  },
);

const row = {
  ...{
    id: 3,
    fname: "data/a=1.pickle",
    combo: '{"offset":0.25,"name":"it\'s"}',
    state: "done",
    npoints: 4,
    loss: null,
  },
  ...{
    failures: 0,
    resourceClass: "default",
    type: "Learner1D",
    lastJobId: "4_1",
    error: "e",
    reason: null,
    remark: null,
  },
};
const filter = readerDoor(
  "filter",
  nearlyText(
    ["offset>0.5 width=0.1", `name="it's" state=failed method~rk 'some text'`, "npoints>=3 loss!=1e-3 error!~x"],
    ["!=", "==", "True", "'", '"\\u', "state=", "toString", "__proto__=1", "* ".repeat(200)],
  ),
  (input) => {
    const text = input.toString("utf8");
    wildcard(text.slice(0, 2000)).test("data/a=1.pickle".repeat(20));
    matches(parseFilter(text))(row as LearnerRow);
  },
);

const dataName = readerDoor(
  "data-name",
  nearlyText(
    ["data/a=1.0.pickle", "data/deep/x.npz.gz", "results.csv", ".git/config", "C:/evil", "data/CON.pickle"],
    ["..", "/", ".", "\u200c", "\uff0e", ":", "~1", "GIT", ".pickle", ".py", " "],
  ),
  (input) => {
    const path = input.toString("utf8");
    const judged = judgeDataName(path, "win32");
    const parts = path.normalize("NFKC").toLowerCase().split(/[/\\]/);
    const isWild =
      parts.some((part) => part.startsWith(".") || part === "" || /\.py$|^con(\.|$)/.test(part)) ||
      /[\0\n:]/.test(path);
    if (judged.kind === "data" && isWild) throw spoilt(`${JSON.stringify(path)} is the name of a data file`);
  },
);

const list = { state: null, orderBy: "position", descending: false, offset: 0, limit: 50 };
const page = readerDoor(
  "page",
  nearlyJson([
    { type: "look", list, selected: null },
    { type: "look", list: { ...list, orderBy: "parameter:offset", state: "done" }, selected: 3 },
    { type: "changeLearners", verb: "retry", learners: [1, 2, 3] },
    { type: "choose", list, end: 7 },
    { type: "filter", text: "offset>1" },
    { type: "showOutput", job: "4_1" },
    { type: "savePlot", name: "x", pngBase64: "AAAA" },
    { type: "runCommand", command: "startJobs" },
  ]),
  (input) => {
    const heard = hearPage(fromText(input));
    if ("problem" in heard && heard.problem.length > 300) throw spoilt(`the log has a line of ${heard.problem.length}`);
  },
);

/** Also what is no JSON: between a page and the editor there is no text. */
function fromText(input: Buffer): unknown {
  const odd = new Map<unknown, unknown>([
    ["NaN", NaN],
    ["", undefined],
    ["a\nb", Symbol.iterator],
    ["-rf", 10n],
  ]);
  try {
    return JSON.parse(input.toString("utf8"), (_, value: unknown) => (odd.has(value) ? odd.get(value) : value));
  } catch {
    return input;
  }
}

export const readerDoors: readonly FuzzedDoor[] = [
  ...[studyFile, knownHosts, sshConfig, sshG, queue, accounts, sbatch, answers, filter, dataName, page],
];

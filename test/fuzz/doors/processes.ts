/** Doors of programs of ours that run by themselves. */
import { execFile, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdir, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { setTimeout } from "node:timers/promises";
import { isDeepStrictEqual, promisify } from "node:util";
import fc from "fast-check";
import relay from "../../../python/relay.py";
import { WorkerReplica } from "../../../src/remote/replica/replica";
import { askProcess } from "../../../src/scheduler/answer";
import { framed } from "../../../src/scheduler/control/framing";
import { type Change, isChange } from "../../../src/scheduler/state/changes";
import { AdaptiveError } from "../../../src/scheduler/state/errors";
import { inWords, spoilt, type FuzzedDoor, type OpenDoor } from "../door";
import { nearlyBytes, nearlyJson, nearlyText } from "../nearly";
import { changes as replicaChanges, database as goodDatabase } from "./host";
import { clientMessages, unforeseen, workerMessages } from "./scheduler";

/** A program that answers what is right, once it has read what was before that. */
function conversation(child: ChildProcess, inputOf: (input: Buffer) => readonly (string | Buffer)[]) {
  let printed = Buffer.alloc(0);
  let hear: () => void = () => undefined;
  child.stdout?.on("data", (chunk: Buffer) => {
    printed = Buffer.concat([printed, chunk]);
    hear();
  });
  child.stdin?.on("error", () => undefined);
  let hasEnded = false;
  child.on("close", () => {
    hasEnded = true;
    hear();
  });
  /** @returns what it printed up to and behind the answer; null when it has ended before */
  return async (input: Buffer, behind: string | Buffer, answer: string | Buffer): Promise<Buffer | null> => {
    for (const piece of inputOf(input)) child.stdin?.write(piece);
    child.stdin?.write(behind);
    while (!printed.includes(answer)) {
      if (hasEnded) return null;
      await new Promise<void>((resolve) => (hear = resolve));
    }
    const said = printed;
    printed = Buffer.alloc(0);
    return said;
  };
}

async function end(child: ChildProcess): Promise<void> {
  child.stdin?.end();
  await ended(child);
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await once(child, "close");
}

const learnersFile = `
import adaptive
learners = [adaptive.Learner1D(abs, bounds=(-1, 1))]
fnames = ["data/a.pickle"]
`;

const program = resolve("dist/scheduler/main.js");

/** A run with a scheduler of its own, through the program that the editor speaks to. */
const attach: FuzzedDoor = {
  name: "attach",
  inputs: nearlyJson([...clientMessages, ...workerMessages]),
  open: async (folder): Promise<OpenDoor> => {
    const [study, home] = [join(folder, "study"), join(folder, "home")];
    await mkdir(study);
    await writeFile(join(study, "_learners.py"), learnersFile);
    // Jobs are started, and soon have nothing left to do.
    await writeFile(join(study, "adaptive.json"), '{"goal":{"npoints":3},"executor":"process-pool"}');
    const env = { ...process.env, HOME: home, NODE_OPTIONS: "" };
    const run = (...args: string[]) => promisify(execFile)(process.execPath, [program, ...args], { env });
    const asks = ["--python", resolve(".venv/bin/python"), "--max-jobs", "1"];
    await run("init", "--learners", join(study, "_learners.py"), ...asks);
    // What is taken for a header would announce what comes behind as its message.
    const isHeader = /content-length/i;
    const begin = () => {
      const child = spawn(process.execPath, [program, "attach", study], { env, stdio: ["pipe", "pipe", "ignore"] });
      const say = conversation(child, (input) => [
        framed(input),
        ...(isHeader.test(input.toString("latin1")) ? [] : [input, "\n"]),
      ]);
      return { child, say };
    };
    let attached = begin();
    let asked = 0;
    const ping = async (input: Buffer): Promise<Buffer | null> => {
      const id = `the ${++asked}. behind it`;
      return attached.say(input, framed(JSON.stringify({ jsonrpc: "2.0", id, method: "ping" })), `"id":"${id}"`);
    };
    const feed = async (input: Buffer): Promise<void> => {
      let said = await ping(input);
      // One that was told to end does, and the next one serves.
      const isTold = said === null ? input.includes("shutDown") : said.includes('"ends":true');
      if (isTold) {
        await ended(attached.child);
        attached = begin();
        said = await ping(Buffer.alloc(0));
      }
      if (said === null) throw spoilt(`the program has ended (${attached.child.exitCode})`);
      if (said.includes(unforeseen)) throw spoilt(`it is answered ${said.toString().slice(0, 300)}`);
    };
    const close = async (): Promise<void> => {
      await end(attached.child);
      await run("stop", study);
      while (!(await run("jobs", study)).stdout.startsWith("No job")) await setTimeout(200);
      await run("stop", study, "--shut-down");
    };
    return { feed, close };
  },
};

const frame = (letter: string, number: number, payload: Uint8Array = Buffer.alloc(0)): Buffer => {
  const head = Buffer.alloc(9);
  head.write(letter);
  head.writeUInt32BE(number, 1);
  head.writeUInt32BE(payload.length, 5);
  return Buffer.concat([head, payload]);
};
const opening = { argv: ["true"], cwd: "/", env: { A: "b" }, size: { rows: 24, columns: 80 } };
const asFrame = Buffer.from(JSON.stringify({ argv: ["true"] }));
/** As much as a command may be sent before it has read any. */
const allowedBytes = 1000;

/** An input is what a frame of any kind holds, for a command that is there. */
const relayProgram: FuzzedDoor = {
  name: "relay",
  inputs: nearlyJson([opening, { argv: ["true"] }, { rows: 24, columns: 80 }]),
  open: () => {
    const child = spawn("python3", ["-c", relay], { stdio: ["pipe", "pipe", "ignore"] });
    let number = 0;
    const say = conversation(child, (input) => [
      frame("o", number, asFrame),
      ...["o", "r", "1", "2", "k", "?"].map((letter) => frame(letter, letter === "o" ? number + 1 : number, input)),
      frame("i", number, input.subarray(0, allowedBytes)),
    ]);
    const feed = async (input: Buffer): Promise<void> => {
      number += 3;
      const ended = frame("x", number + 2, Buffer.from('{"code": 0, "signal": null}'));
      const said = await say(input, frame("o", number + 2, asFrame), ended);
      if (said === null) throw spoilt(`the program has ended (${child.exitCode})`);
    };
    return Promise.resolve({ feed, close: () => end(child) });
  },
};

const mark = "@@mark@@";
/** What a Python prints while it is waited for its answer: whatever that is, what comes behind is found. */
const answer: FuzzedDoor = {
  name: "answer",
  inputs: nearlyText([`Welcome\n${mark}{"a":1}${mark}\nbye\n`, `up ${mark}begun${mark}\n`], [mark, "\n", `\n${mark}`]),
  open: (folder) => {
    const file = join(folder, "printed");
    const feed = async (input: Buffer): Promise<void> => {
      await writeFile(file, Buffer.concat([input, Buffer.from(`\n${mark}right${mark}\n`)]));
      const asking = { argv: ["sh", "-c", 'cat "$1" >&2; cat "$1"', "sh", file], env: {}, mark, deadlineMs: 20_000 };
      const said = await inWords(() =>
        askProcess({ ...asking, signal: new AbortController().signal }, (answers) => answers.at(-1) === "right"),
      );
      if (said instanceof Error) throw spoilt(said.message);
      if (said.answers.at(-1) !== "right") throw spoilt("the answer behind it is not found");
      if (said.answers.some((one) => one.includes(mark))) throw spoilt("an answer holds the mark");
    };
    return Promise.resolve({ feed, close: () => Promise.resolve() });
  },
};

/** A snapshot, or changes to a good one, in the worker that holds the editor's replica. */
const replicaWorker: FuzzedDoor = {
  name: "replica-worker",
  inputs: fc.oneof(nearlyBytes([goodDatabase]), nearlyJson(replicaChanges.map((change) => [change]))),
  open: () => {
    const [workerFile, wasmFile] = [resolve("dist/replicaWorker.js"), resolve("dist/sql-wasm.wasm")];
    const replica = new WorkerReplica({ workerFile, wasmFile });
    const look = () => Promise.all([replica.query("overview", null), replica.query("jobs", { limit: 50 })]);
    const feed = async (input: Buffer): Promise<void> => {
      // SQLite's own words of a damaged file are an error of the connection.
      await replica.load(Uint8Array.from(input)).then(look, refused).catch(refused);
      await replica.load(Uint8Array.from(goodDatabase));
      const [before] = await look();
      const list = changesIn(input);
      const [seq] = await Promise.all([replica.applyChanges(list).catch(refused), look().catch(refused)]);
      if (seq === undefined) await replica.load(Uint8Array.from(goodDatabase));
      const [after] = await look();
      if (seq === undefined && !isDeepStrictEqual(after, before)) throw spoilt("it answers something else");
    };
    const close = (): Promise<void> => Promise.resolve(replica.dispose());
    return Promise.resolve({ feed, close });
  },
};

/** As an error of the connection to the run; the worker itself goes on. */
function refused(error: unknown): undefined {
  if (!(error instanceof AdaptiveError) || error.code === "replica-ended") throw error;
}

function changesIn(input: Buffer): Change[] {
  try {
    const list: unknown = JSON.parse(input.toString("utf8"));
    return Array.isArray(list) ? list.filter(isChange) : [];
  } catch {
    return [];
  }
}

export const processDoors: readonly FuzzedDoor[] = [attach, relayProgram, answer, replicaWorker];

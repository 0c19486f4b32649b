/** Doors of programs of ours that run by themselves. */
import { execFile, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdir, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import relay from "../../../python/relay.py";
import { framed } from "../../../src/scheduler/control/framing";
import { spoilt, type FuzzedDoor, type OpenDoor } from "../door";
import { nearlyJson } from "../nearly";
import { clientMessages, workerMessages } from "./scheduler";

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
  return async (input: Buffer, behind: string | Buffer, answer: string | Buffer): Promise<void> => {
    for (const piece of inputOf(input)) child.stdin?.write(piece);
    child.stdin?.write(behind);
    while (!printed.includes(answer)) {
      if (hasEnded) throw spoilt(`the program has ended (${child.exitCode})`);
      await new Promise<void>((resolve) => (hear = resolve));
    }
    printed = Buffer.alloc(0);
  };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.stdin?.end();
  await once(child, "close");
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
    const env = { ...process.env, HOME: home, NODE_OPTIONS: "" };
    const run = (...args: string[]) => promisify(execFile)(process.execPath, [program, ...args], { env });
    await run("init", "--learners", join(study, "_learners.py"), "--python", resolve(".venv/bin/python"));
    const child = spawn(process.execPath, [program, "attach", study], { env, stdio: ["pipe", "pipe", "ignore"] });
    // What is taken for a header would announce what comes behind as its message.
    const isHeader = /content-length/i;
    const say = conversation(child, (input) => [
      framed(input),
      ...(isHeader.test(input.toString("latin1")) ? [] : [input, "\n"]),
    ]);
    let asked = 0;
    const feed = (input: Buffer): Promise<void> => {
      const id = `the ${++asked}. behind it`;
      return say(input, framed(JSON.stringify({ jsonrpc: "2.0", id, method: "ping" })), `"id":"${id}"`);
    };
    const close = async (): Promise<void> => {
      await end(child);
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
    const feed = (input: Buffer): Promise<void> => {
      number += 3;
      const ended = frame("x", number + 2, Buffer.from('{"code": 0, "signal": null}'));
      return say(input, frame("o", number + 2, asFrame), ended);
    };
    return Promise.resolve({ feed, close: () => end(child) });
  },
};

export const processDoors: readonly FuzzedDoor[] = [attach, relayProgram];

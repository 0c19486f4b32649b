import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { connectSsh, type SshWorld } from "../../../../src/remote/ssh/connect";
import type { HostConfig } from "../../../../src/remote/ssh/hostConfig";
import { type Door, type KeyPair, newKey, person, startServer, temporaryFolder, worldOf } from "./ssh2Server";

const [a, b] = [newKey("a"), newKey("b")];
const rsa = newKey("rsa", { type: "rsa" });
const ecdsa = newKey("ecdsa", { type: "ecdsa" });
const locked = newKey("locked", { passphrase: "open sesame" });
const code = [{ prompt: "One-time code: ", echo: false, answer: "123456" }];
const asksCode = "Two factors|Use your token|One-time code: ";
const asksPassword = "password of ada on cluster";

interface Cell {
  door: Door;
  /** Keys in files, in order; with a name of `.pub` only the public half is there. */
  files?: Readonly<Record<string, KeyPair>>;
  /** Keys in an agent. */
  agent?: readonly KeyPair[];
  host?: Partial<HostConfig>;
  /** What somebody answers; without it nobody is there. */
  answers?: (string | string[])[];
  /** `in`, or the error's code. */
  ends: string;
  says?: string | RegExp;
  asks?: string[];
  tries: string[];
}

const withKey = (...keys: KeyPair[]) => ({ steps: [["publickey"]], keys: keys.map((key) => key.public) });

const cells: Record<string, Cell> = {
  "nothing is wanted": { door: { steps: [] }, ends: "in", tries: [] },

  "a key file": { door: withKey(a), files: { a }, ends: "in", tries: ["key a"] },
  "the second of two": { door: withKey(b), files: { a, b }, ends: "in", tries: ["key ?", "key b"] },
  "a key of RSA": { door: withKey(rsa), files: { rsa }, ends: "in", tries: ["key rsa"] },
  "a key of ECDSA": { door: withKey(ecdsa), files: { ecdsa }, ends: "in", tries: ["key ecdsa"] },
  "a key file that is not there": {
    door: withKey(a),
    host: { identityFiles: ["/no/key"] },
    ends: "no-auth-left",
    says: "/no/key",
    tries: [],
  },
  "no key is right": {
    door: withKey(),
    files: { a, b },
    answers: [],
    ends: "no-auth-left",
    says: /none of: key .*a, key .*b$/,
    tries: ["key ?", "key ?"],
  },
  "keys are not wanted by the person": {
    door: withKey(a),
    files: { a },
    host: { methods: ["password"] },
    ends: "no-auth-left",
    tries: [],
  },

  "a passphrase": {
    door: withKey(locked),
    files: { locked },
    answers: ["open sesame"],
    asks: ["passphrase of locked"],
    ends: "in",
    tries: ["key locked"],
  },
  "a mistyped passphrase": {
    door: withKey(locked),
    files: { locked },
    answers: ["x", "open sesame"],
    asks: ["passphrase of locked", "again: passphrase of locked"],
    ends: "in",
    tries: ["key locked"],
  },
  "a passphrase that is not given": {
    door: withKey(locked, a),
    files: { locked, a },
    answers: [],
    asks: ["passphrase of locked"],
    ends: "cancelled",
    tries: [],
  },
  "no passphrase for a key that is not wanted": {
    door: withKey(a),
    files: { locked, a },
    answers: [],
    ends: "in",
    tries: ["key ?", "key a"],
  },
  "a passphrase, and nobody there": {
    door: withKey(locked),
    files: { locked },
    ends: "needs-user",
    says: "passphrase",
    tries: [],
  },

  "a key in the agent": { door: withKey(a), agent: [b, a], ends: "in", tries: ["key ?", "key a"] },
  "a key of RSA in the agent": { door: withKey(rsa), agent: [rsa], ends: "in", tries: ["key rsa"] },
  "a key that the agent holds needs no passphrase": {
    door: withKey(a),
    files: { "a.pub": a },
    agent: [b, a],
    ends: "in",
    tries: ["key a"],
  },
  "only the agent's keys that are named": {
    door: withKey(b),
    files: { "a.pub": a },
    agent: [b, a],
    host: { identitiesOnly: true },
    ends: "no-auth-left",
    tries: ["key ?"],
  },
  "an agent that is not there": {
    door: withKey(a),
    files: { a },
    host: { agent: "/no/agent" },
    ends: "in",
    tries: ["key a"],
  },

  "a password": {
    door: { steps: [["password"]], password: "x" },
    answers: ["x"],
    asks: [asksPassword],
    ends: "in",
    tries: ["password x"],
  },
  "a mistyped password": {
    door: { steps: [["password"]], password: "x" },
    answers: ["y", "x"],
    asks: [asksPassword, `again: ${asksPassword}`],
    ends: "in",
    tries: ["password y", "password x"],
  },
  "a wrong password": {
    door: { steps: [["password"]], password: "x" },
    answers: ["1", "2", "3", "x"],
    asks: [asksPassword, `again: ${asksPassword}`, `again: ${asksPassword}`],
    ends: "wrong-password",
    says: "cluster did not accept what was typed for ada",
    tries: ["password 1", "password 2", "password 3"],
  },
  "a password that is not given": {
    door: { steps: [["password"]], password: "x" },
    answers: [],
    asks: [asksPassword],
    ends: "cancelled",
    tries: [],
  },
  "a password, and nobody there": { door: { steps: [["password"]], password: "x" }, ends: "needs-user", tries: [] },

  "a code": {
    door: { steps: [["keyboard-interactive"]], questions: code },
    answers: [["123456"]],
    asks: [asksCode],
    ends: "in",
    tries: ["interactive 123456"],
  },
  "a mistyped code": {
    door: { steps: [["keyboard-interactive"]], questions: code },
    answers: [["1"], ["123456"]],
    asks: [asksCode, `again: ${asksCode}`],
    ends: "in",
    tries: ["interactive 1", "interactive 123456"],
  },
  "a wrong code": {
    door: { steps: [["keyboard-interactive", "password"]], questions: code },
    answers: [["1"], ["2"], ["3"], "x"],
    asks: [asksCode, `again: ${asksCode}`, `again: ${asksCode}`],
    ends: "wrong-password",
    tries: ["interactive 1", "interactive 2", "interactive 3"],
  },
  "a code that is not given": {
    door: { steps: [["keyboard-interactive", "password"]], questions: code },
    answers: [],
    asks: [asksCode],
    ends: "cancelled",
    tries: [],
  },
  "a code, and nobody there": {
    door: { steps: [["keyboard-interactive"]], questions: code },
    ends: "needs-user",
    tries: [],
  },
  "several questions, one of them shown": {
    door: { steps: [["keyboard-interactive"]], questions: [{ prompt: "Project: ", echo: true, answer: "p" }, ...code] },
    answers: [["p", "123456"]],
    asks: ["Two factors|Use your token|Project: shown|One-time code: "],
    ends: "in",
    tries: ["interactive p,123456"],
  },
  "no question at all": {
    door: { steps: [["keyboard-interactive"]], questions: [] },
    answers: [],
    ends: "in",
    tries: ["interactive "],
  },
  "refused unasked, then a password": {
    door: { steps: [["keyboard-interactive", "password"]], isSilent: true, password: "x" },
    answers: ["x"],
    asks: [asksPassword],
    ends: "in",
    tries: ["interactive", "password x"],
  },

  "a key, then a code": {
    door: { steps: [["publickey"], ["keyboard-interactive"]], keys: [a.public], questions: code },
    files: { b, a },
    answers: [["123456"]],
    asks: [asksCode],
    ends: "in",
    tries: ["key ?", "key a", "interactive 123456"],
  },
  "a key of RSA, then a code": {
    door: { steps: [["publickey"], ["keyboard-interactive"]], keys: [rsa.public], questions: code },
    files: { rsa },
    answers: [["123456"]],
    asks: [asksCode],
    ends: "in",
    tries: ["key rsa", "interactive 123456"],
  },
  "a key with a passphrase, then a code": {
    door: { steps: [["publickey"], ["keyboard-interactive"]], keys: [locked.public], questions: code },
    files: { locked },
    answers: ["open sesame", ["123456"]],
    asks: ["passphrase of locked", asksCode],
    ends: "in",
    tries: ["key locked", "interactive 123456"],
  },
  "a key in the agent, then a code": {
    door: { steps: [["publickey"], ["keyboard-interactive"]], keys: [a.public], questions: code },
    agent: [b, a],
    answers: [["123456"]],
    asks: [asksCode],
    ends: "in",
    tries: ["key ?", "key a", "interactive 123456"],
  },
  "a key, then a code that is not given": {
    door: { steps: [["publickey"], ["keyboard-interactive"]], keys: [a.public], questions: code },
    files: { a },
    answers: [],
    asks: [asksCode],
    ends: "cancelled",
    tries: ["key a"],
  },
  "a key, then a code, and nobody there": {
    door: { steps: [["publickey"], ["keyboard-interactive"]], keys: [a.public], questions: code },
    files: { a },
    ends: "needs-user",
    tries: ["key a"],
  },
  "a password, then a code": {
    door: { steps: [["password"], ["keyboard-interactive"]], password: "x", questions: code },
    answers: ["x", ["123456"]],
    asks: [asksPassword, asksCode],
    ends: "in",
    tries: ["password x", "interactive 123456"],
  },
  "two keys": {
    door: { steps: [["publickey"], ["publickey"]], keys: [a.public, b.public] },
    files: { a, b },
    ends: "in",
    tries: ["key a", "key b"],
  },

  "no way that we know": {
    door: { steps: [["gssapi-with-mic"]] },
    files: { a },
    answers: [],
    ends: "no-auth-left",
    says: "gssapi-with-mic",
    tries: [],
  },
  "a server that hangs up": {
    door: { ...withKey(), maxRefusals: 1 },
    files: { a, b },
    answers: [],
    ends: "no-auth-left",
    says: /a, .*b|a$/,
    tries: ["key ?"],
  },
};

test.each(Object.entries(cells))("%s", async (_, { door, files = {}, agent = [], host = {}, answers, ...expected }) => {
  const server = await startServer(door);
  const folder = await temporaryFolder();
  for (const [name, key] of Object.entries(files)) {
    await writeFile(join(folder, name), name.endsWith(".pub") ? key.public : key.private);
  }
  const identityFiles = Object.keys(files).map((name) => join(folder, name.replace(/\.pub$/, "")));
  const its: HostConfig = {
    ...server.host,
    identityFiles,
    ...(agent.length > 0 && { agent: await startAgent(folder, agent) }),
    ...host,
  };
  const { prompts, asked } = person(...(answers ?? []));
  const ends = await connect({ ...server, host: its }, { prompts: answers === undefined ? null : prompts });
  expect({ ends: ends.code, asks: asked, tries: server.attempts }).toEqual({
    ends: expected.ends,
    asks: expected.asks ?? [],
    tries: expected.tries,
  });
  if (expected.says !== undefined) expect(ends.message).toMatch(expected.says);
});

test("a passphrase is asked for once, and connections that nobody asked for go on with it", async () => {
  const server = await startServer(withKey(locked));
  const file = join(await temporaryFolder(), "locked");
  await writeFile(file, locked.private);
  const its = { ...server, host: { ...server.host, identityFiles: [file] } };
  const unlocked = new Map();
  const { prompts, asked } = person("open sesame");
  expect((await connect(its, { prompts, unlocked })).code).toBe("in");
  expect((await connect(its, { prompts: null, unlocked })).code).toBe("in");
  expect(asked).toEqual(["passphrase of locked"]);
});

test("old keys of PEM, with a passphrase and their public half beside them", async () => {
  const folder = await temporaryFolder();
  const file = join(folder, "old");
  execFileSync("ssh-keygen", [
    "-q",
    "-t",
    "rsa",
    "-b",
    "2048",
    "-m",
    "PEM",
    "-N",
    "open sesame",
    "-C",
    "old",
    "-f",
    file,
  ]);
  const server = await startServer({
    steps: [["publickey"]],
    keys: [execFileSync("cat", [`${file}.pub`], { encoding: "utf8" })],
  });
  const { prompts, asked } = person("open sesame");
  const its = { ...server, host: { ...server.host, identityFiles: [file] } };
  expect((await connect(its, { prompts })).code).toBe("in");
  expect(asked).toEqual(["passphrase of old"]);
});

async function connect(server: Parameters<typeof worldOf>[0], world: Partial<SshWorld>) {
  try {
    (await connectSsh("cluster", worldOf(server, world), new AbortController().signal)).dispose();
    return { code: "in", message: "" };
  } catch (error) {
    return error as { code: string; message: string };
  }
}

/** ssh's own agent, with some keys. */
async function startAgent(folder: string, keys: readonly KeyPair[]): Promise<string> {
  const socket = join(folder, "agent.sock");
  const child = spawn("ssh-agent", ["-D", "-a", socket], { stdio: ["ignore", "pipe", "ignore"] });
  onTestFinished(async () => {
    child.kill();
    await once(child, "exit");
  });
  await once(child.stdout, "data");
  for (const [i, key] of keys.entries()) {
    const file = join(folder, `added-${i}`);
    await writeFile(file, key.private, { mode: 0o600 });
    await chmod(file, 0o600);
    execFileSync("ssh-add", ["-q", file], { env: { ...process.env, SSH_AUTH_SOCK: socket } });
  }
  return socket;
}

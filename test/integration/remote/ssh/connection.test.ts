import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { text } from "node:stream/consumers";
import { expect, onTestFinished, test } from "vitest";
import { connectSsh } from "../../../../src/remote/ssh/connect";
import type { HostConfig } from "../../../../src/remote/ssh/hostConfig";
import { ShellTerminal } from "../../../../src/views/shellTerminal";
import { shownBy } from "../shown";
import { freePort, portOf, type RealSshd, startSshd } from "./realSshd";
import { newKey, startServer, temporaryFolder, worldOf } from "./ssh2Server";
import { sshWorld } from "./sshWorld";

const { signal } = new AbortController();

async function sshd(...settings: string[]): Promise<RealSshd> {
  const server = await startSshd(() => settings);
  onTestFinished(() => server.stop());
  return server;
}

test("a host that does not exist", async () => {
  const { host } = await startServer({ steps: [] });
  await expect(connect({ ...host, hostName: "no-such-host.invalid" })).rejects.toMatchObject({
    code: "no-such-host",
    message: "No host of the name no-such-host.invalid was found",
    hint: expect.stringContaining("HostName of cluster"),
  });
});

test("a port that nobody listens on", async () => {
  const { host } = await startServer({ steps: [] });
  const port = await freePort();
  await expect(connect({ ...host, port })).rejects.toMatchObject({
    code: "refused",
    message: `cluster (127.0.0.1) refuses connections on port ${port}`,
  });
});

test("a server that says nothing", async () => {
  const { host } = await startServer({ steps: [] });
  const silent = createServer().listen(0, "127.0.0.1");
  await once(silent, "listening");
  onTestFinished(() => void silent.close());
  const port = portOf(silent.address());
  await expect(connect({ ...host, port, connectTimeoutMs: 100 })).rejects.toMatchObject({ code: "unreachable" });
});

test("a server that is none of SSH", async () => {
  const { host } = await startServer({ steps: [] });
  const web = createServer((socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n")).listen(0, "127.0.0.1");
  await once(web, "listening");
  onTestFinished(() => void web.close());
  const port = portOf(web.address());
  await expect(connect({ ...host, port })).rejects.toMatchObject({ code: "connection-lost" });
});

test("connecting that is cancelled", async () => {
  const server = await startServer({ steps: [["password"]], password: "x" });
  const cancelling = new AbortController();
  const prompts = {
    ...worldOf(server).prompts,
    password: () => {
      cancelling.abort();
      return new Promise<null>(() => undefined);
    },
  };
  const connecting = connectSsh("cluster", worldOf(server, { prompts: prompts as never }), cancelling.signal);
  await expect(connecting).rejects.toMatchObject({ code: "cancelled" });
  await expect(connectSsh("cluster", worldOf(server), AbortSignal.abort())).rejects.toMatchObject({
    code: "cancelled",
  });
});

test("a server that has heard enough", async () => {
  const { host } = await sshd("MaxAuthTries 1");
  const { private: wrong } = newKey("wrong");
  const file = join(await temporaryFolder(), "wrong");
  await writeFile(file, wrong);
  await expect(connect({ ...host, identityFiles: [file, ...host.identityFiles] })).rejects.toMatchObject({
    code: "no-auth-left",
    message: `cluster lets ${host.user} in with none of: key ${file}`,
  });
});

test("a connection that is closed ends once, and runs nothing more", async () => {
  const { host } = await sshd();
  const connection = await connect(host);
  const sleep = await connection.exec(["sleep", "1000"], { signal });
  connection.dispose();
  connection.dispose();
  expect((await connection.ended).code).toBe("closed");
  expect((await sleep.exit).lost?.code).toBe("closed");
  await expect(connection.exec(["true"], { signal })).rejects.toMatchObject({ code: "closed" });
});

test("a server that ends takes its commands with it, and says so", async () => {
  const server = await sshd();
  const connection = await connect(server.host);
  const { stdout, exit } = await connection.exec(["sh", "-c", 'echo "$PPID"; exec sleep 1000'], { signal });
  // The server's process for this connection.
  const ppid = await new Promise<number>((resolve) => stdout.once("data", (line: Buffer) => resolve(Number(line))));
  process.kill(ppid, "SIGKILL");
  expect((await connection.ended).code).toBe("connection-lost");
  expect((await exit).lost?.code).toBe("connection-lost");
});

test("a terminal of the editor tells that its connection was lost, and stays until a key is pressed", async () => {
  const connection = await connect((await sshd()).host);
  const argv = ["sh", "-c", 'echo "server $PPID"; exec sleep 1000'];
  const terminal = new ShellTerminal((size, _, signal) => connection.terminal(argv, { size, signal }));
  const output = new PassThrough();
  terminal.onDidWrite((words) => output.write(words));
  const closed = new Promise((resolve) => terminal.onDidClose(resolve));
  terminal.open(undefined);
  const shown = shownBy(output);
  process.kill(Number((await shown.match(/server (\d+)\r/))[1]), "SIGKILL");
  await shown.match(/The connection to cluster was lost.*Jobs go on\. Press any key to close\./);
  terminal.handleInput(" ");
  expect(await closed).toBeUndefined();
});

test("a peer that is frozen is noticed", async () => {
  const server = await sshd();
  const connection = await connect(server.host, { intervalMs: 50, countMax: 3 });
  const { stdout, exit } = await connection.exec(["sh", "-c", 'echo "$PPID"; exec sleep 1000'], { signal });
  const ppid = await new Promise<number>((resolve) => stdout.once("data", (line: Buffer) => resolve(Number(line))));
  process.kill(ppid, "SIGSTOP");
  onTestFinished(() => void process.kill(ppid, "SIGKILL"));
  expect(await connection.ended).toMatchObject({
    code: "connection-lost",
    message: expect.stringContaining("cluster"),
  });
  expect((await exit).lost?.code).toBe("connection-lost");
});

test("a peer that is asked whether it is still there answers; a frozen one is noticed long before the keep-alive would", async () => {
  const server = await sshd("AllowTcpForwarding no");
  const connection = await connect(server.host, { intervalMs: 3_600_000, countMax: 3 });
  await connection.probe();
  const { stdout } = await connection.exec(["sh", "-c", 'echo "$PPID"; exec sleep 1000'], { signal });
  const ppid = await new Promise<number>((resolve) => stdout.once("data", (line: Buffer) => resolve(Number(line))));
  process.kill(ppid, "SIGSTOP");
  onTestFinished(() => void process.kill(ppid, "SIGKILL"));
  await connection.probe(100);
  expect(await connection.ended).toMatchObject({
    code: "connection-lost",
    message: "The connection to cluster was lost: it does not answer",
  });
  await connection.probe();
});

test("through a jump host, and one behind it", async () => {
  const [first, second, target] = [await sshd(), await sshd(), await sshd()];
  const hosts = {
    first: { ...first.host, name: "first" },
    second: { ...second.host, name: "second" },
    cluster: { ...target.host, jumps: ["first", "second"] },
  };
  const connection = await connectSsh("cluster", sshWorld(hosts), signal);
  const { stdout } = await connection.exec(["echo", "there"], { signal, stdin: "" });
  expect(await text(stdout)).toBe("there\n");
  for (const { log } of [first, second, target]) expect(log()).toContain("Accepted publickey");
  connection.dispose();
  await connection.ended;
});

test("a jump host that lets nobody through", async () => {
  const [gate, target] = [await sshd("AllowTcpForwarding no"), await sshd()];
  const hosts = { gate: { ...gate.host, name: "gate" }, cluster: { ...target.host, jumps: ["gate"] } };
  await expect(connectSsh("cluster", sshWorld(hosts), signal)).rejects.toMatchObject({
    code: "jump-refused",
    message: expect.stringContaining("gate does not let anybody through"),
  });
});

test("jumps that go in circles", async () => {
  const { host } = await sshd();
  const hosts = { gate: { ...host, name: "gate", jumps: ["gate"] }, cluster: { ...host, jumps: ["gate"] } };
  await expect(connectSsh("cluster", sshWorld(hosts), signal)).rejects.toMatchObject({ code: "too-many-jumps" });
});

test("through a ProxyCommand, and one that fails", async () => {
  const { host } = await sshd();
  const relay = `process.stdin.pipe(require("net").connect(${host.port}, "127.0.0.1")).pipe(process.stdout)`;
  const proxyCommand = `${process.execPath} -e '${relay}'`;
  const connection = await connect({ ...host, proxyCommand });
  const { stdout } = await connection.exec(["echo", "there"], { signal, stdin: "" });
  expect(await text(stdout)).toBe("there\n");
  connection.dispose();
  await expect(connect({ ...host, proxyCommand: "sh -c 'echo no way >&2; exit 3'" })).rejects.toMatchObject({
    code: "connection-lost",
    message: expect.stringContaining("no way"),
  });
});

test("one session at a time, and no Python to share it with", async () => {
  const { host } = await sshd("MaxSessions 1", "SetEnv PATH=/nowhere");
  const connection = await connect(host);
  for (const word of ["one", "after the other"]) {
    const { stdout, exit } = await connection.exec(["/bin/echo", word], { signal, stdin: "" });
    expect(await text(stdout)).toBe(`${word}\n`);
    await exit;
  }
  const ending = new AbortController();
  const long = await connection.exec(["/bin/cat"], { signal: ending.signal });
  await expect(connection.exec(["/bin/echo", "x"], { signal })).rejects.toMatchObject({
    code: "no-session",
    hint: expect.stringContaining("MaxSessions"),
  });
  ending.abort();
  expect((await long.exit).code).toBeNull();
});

function connect(host: HostConfig, keepAlive = { intervalMs: 15_000, countMax: 3 }) {
  return connectSsh("cluster", sshWorld({ cluster: host }, { keepAlive }), signal);
}

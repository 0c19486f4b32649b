import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { expect, onTestFinished, test } from "vitest";
import { SshHosts } from "../../../../src/remote/ssh/sshHosts";
import { startSshd } from "./realSshd";
import { type Door, newKey, person, type Ssh2Server, startServer, temporaryFolder } from "./ssh2Server";
import { configurationOf } from "./sshWorld";

const { signal } = new AbortController();
const code = [{ prompt: "Code: ", echo: false, answer: "1" }];

/** The hosts of a person whose configuration names one. */
async function hostsWith({ host }: Pick<Ssh2Server, "host">, ...answers: Parameters<typeof person>) {
  const home = await temporaryFolder();
  const { prompts, asked } = person(...answers);
  const hosts = new SshHosts({
    configuration: await configurationOf("cluster", host, home),
    prompts,
    ownKnownHosts: join(home, "ours"),
    keepAlive: { intervalMs: 15_000, countMax: 3 },
    log: () => undefined,
  });
  onTestFinished(() => hosts.dispose());
  return { hosts, asked };
}

test("hosts of the configuration", async () => {
  const { hosts } = await hostsWith(await startServer({ steps: [] }));
  expect(await hosts.list()).toEqual(["cluster"]);
});

test("everybody shares one connection, and one login", async () => {
  const server = await startServer({ steps: [["keyboard-interactive"]], questions: code });
  const { hosts, asked } = await hostsWith(server, ["1"]);
  const [first, second] = await Promise.all([
    hosts.connect("cluster", true, signal),
    hosts.connect("cluster", false, signal),
  ]);
  expect(second).toBe(first);
  expect(await hosts.connect("cluster", true, signal)).toBe(first);
  expect(asked).toHaveLength(1);
});

test("what fails because nobody may be asked is tried again for somebody who may", async () => {
  const server = await startServer({ steps: [["keyboard-interactive"]], questions: code });
  const { hosts, asked } = await hostsWith(server, ["1"]);
  const background = hosts.connect("cluster", false, signal);
  const person = hosts.connect("cluster", true, signal);
  await expect(background).rejects.toMatchObject({ code: "needs-user" });
  expect((await person).host.name).toBe("cluster");
  expect(asked).toHaveLength(1);
});

test("a cancelled login asks nothing more, and may be tried again", async () => {
  const server = await startServer({ steps: [["password"]], password: "x" } satisfies Door);
  const { hosts, asked } = await hostsWith(server);
  await expect(hosts.connect("cluster", true, signal)).rejects.toMatchObject({ code: "cancelled" });
  await expect(hosts.connect("cluster", false, signal)).rejects.toMatchObject({ code: "needs-user" });
  await expect(hosts.connect("cluster", true, signal)).rejects.toMatchObject({ code: "cancelled" });
  expect(asked).toHaveLength(2);
});

test("a lost connection is made anew where it is used, without a second question", async () => {
  const sshd = await startSshd(() => []);
  onTestFinished(() => sshd.stop());
  const locked = newKey("locked", { passphrase: "open sesame" });
  const file = join(sshd.folder, "locked");
  await writeFile(file, locked.private);
  await writeFile(join(sshd.folder, "user_key.pub"), `${locked.public}\n`);
  const { hosts, asked } = await hostsWith({ host: { ...sshd.host, identityFiles: [file] } }, "open sesame");
  const first = await hosts.connect("cluster", true, signal);
  const machine = hosts.transport("cluster");
  const { stdout } = await machine.exec(["sh", "-c", 'echo "$PPID"'], { signal, stdin: "" });
  process.kill(Number(await text(stdout)), "SIGKILL");
  expect((await first.ended).code).toBe("connection-lost");
  const again = await machine.exec(["echo", "back"], { signal, stdin: "" });
  expect(await text(again.stdout)).toBe("back\n");
  expect(asked).toEqual(["passphrase of locked"]);
});

test("whoever disposes of the hosts closes their connections", async () => {
  const { hosts } = await hostsWith(await startServer({ steps: [] }));
  const connection = await hosts.connect("cluster", false, signal);
  hosts.dispose();
  expect((await connection.ended).code).toBe("closed");
});

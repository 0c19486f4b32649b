import { expect, onTestFinished, test } from "vitest";
import { outputOf, runCommand } from "../../../../src/remote/launch";
import { connectSsh } from "../../../../src/remote/ssh/connect";
import type { SshConnection } from "../../../../src/remote/ssh/sshConnection";
import { systemClock } from "../../../../src/scheduler/state/clock";
import { startSshd } from "./realSshd";
import { sshWorld } from "./sshWorld";

/** Each ends with its input or its reader. */
const hosts = [
  ["says nothing", "exec cat >/dev/null"],
  ["prints without end", "exec yes"],
  ["prints without end where errors go", "exec yes >&2"],
] as const;

test.each(hosts)("a host that %s: the waiting ends at its deadline and when it is cancelled", async (_, command) => {
  const connection = await connectTo(command);
  const { signal } = new AbortController();
  const ask = { argv: ["true"], env: {}, parse: () => "answer" };
  const options = { clock: systemClock, signal, deadlineMs: 500 };
  // What is read without end is refused for that, if that is noticed first.
  const given = { code: expect.stringMatching(/^(timeout|too-much-noise)$/) as string };
  await expect(runCommand(connection, ask, options)).rejects.toMatchObject(given);

  const cancelling = new AbortController();
  const patient = { clock: systemClock, deadlineMs: 600_000, what: "It" };
  const asking = outputOf(connection, ["sh"], { ...patient, signal: cancelling.signal, stdin: "true" });
  const cancelled = expect(asking).rejects.toMatchObject({
    code: expect.stringMatching(/^(cancelled|too-much-noise)$/) as string,
  });
  cancelling.abort();
  await cancelled;

  const aborting = new AbortController();
  const waits = [
    connection.exec(["true"], { signal: aborting.signal }),
    connection.upload(Buffer.from("x"), "/tmp/never", { signal: aborting.signal }),
    connection.terminal(["true"], { signal: aborting.signal, size: { rows: 24, columns: 80 } }),
  ];
  const outcomes = Promise.allSettled(waits);
  aborting.abort();
  expect((await outcomes).map(({ status }) => status)).toEqual(["rejected", "rejected", "rejected"]);
});

test("a host that prints without end is read no further than its bound", async () => {
  const connection = await connectTo("exec yes");
  const { signal } = new AbortController();
  await expect(connection.exec(["true"], { signal })).rejects.toMatchObject({
    code: "too-much-noise",
    message: expect.stringContaining("y\\ny\\n") as string,
  });
});

async function connectTo(command: string): Promise<SshConnection> {
  const sshd = await startSshd(() => [`ForceCommand ${command}`]);
  const connection = await connectSsh("cluster", sshWorld({ cluster: sshd.host }), new AbortController().signal);
  onTestFinished(async () => {
    connection.dispose();
    await sshd.stop();
  });
  return connection;
}

import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, onTestFinished, test } from "vitest";
import { connectSsh } from "../../../../src/remote/ssh/connect";
import { resolveHost } from "../../../../src/remote/ssh/resolveHost";
import { temporaryFolder } from "../../../unit/scheduler/runFixture";
import { startSshd } from "./realSshd";
import { configurationOf, sshWorld } from "./sshWorld";

const run = promisify(execFile);
const { signal } = new AbortController();

test("a host that wants a certificate, which ssh shows, says which one and what lets the key in without", async () => {
  const sshd = await startSshd(async (folder) => {
    await run("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", join(folder, "ca")]);
    return [
      `TrustedUserCAKeys ${join(folder, "ca.pub")}`,
      "AuthorizedKeysFile none",
      "KbdInteractiveAuthentication no",
    ];
  });
  onTestFinished(() => sshd.stop());
  const key = join(sshd.folder, "user_key");
  const home = await temporaryFolder();
  const configuration = await configurationOf("hpc", sshd.host, home);
  const login = async (): Promise<unknown> =>
    connectSsh("hpc", sshWorld({ hpc: await resolveHost("hpc", configuration) }), signal).then(
      (connection) => connection.dispose(),
      (error: unknown) => error,
    );
  // Nobody speaks of certificates to a person who has none.
  expect(await login()).toMatchObject({
    code: "no-auth-left",
    hint: expect.not.stringContaining("certificate") as string,
  });
  await run("ssh-keygen", ["-q", "-s", join(sshd.folder, "ca"), "-I", "ada", "-n", sshd.host.user, `${key}.pub`]);
  const words = ["-F", join(home, "config"), "-o", "BatchMode=yes", "hpc", "echo in"];
  expect((await run("ssh", words)).stdout).toBe("in\n");
  expect(await login()).toMatchObject({
    code: "no-auth-left",
    hint: expect.stringContaining(
      `your certificate (${key}-cert.pub), which only ssh itself can show: let the key in by ssh-copy-id hpc`,
    ) as string,
  });
});

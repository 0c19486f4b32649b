import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe } from "vitest";
import { connectSsh } from "../../../../src/remote/ssh/connect";
import type { HostConfig } from "../../../../src/remote/ssh/hostConfig";
import type { SshConnection } from "../../../../src/remote/ssh/sshConnection";
import { describeTransport } from "../transports";
import { type RealSshd, startSshd } from "./realSshd";
import { sshWorld } from "./sshWorld";

overSsh("a server as it comes", () => ["Subsystem sftp internal-sftp"]);
overSsh("a server that forwards nothing", () => ["AllowTcpForwarding no", "DisableForwarding yes"]);
overSsh("a server without SFTP", () => []);
overSsh("a server that allows one session at a time", () => ["MaxSessions 1"]);
overSsh("a server behind a jump host", () => [], ["gate"]);
overSsh("a login shell that is tcsh and noisy", async (folder) => {
  const rc = ["echo 'Welcome!'", "echo 'Quota: 93 %' > /dev/stderr", "set noclobber", ""];
  await writeFile(join(folder, ".tcshrc"), rc.join("\n"));
  return [`SetEnv HOME=${folder}`, 'ForceCommand exec /usr/bin/tcsh -c "$SSH_ORIGINAL_COMMAND"'];
});
overSsh("a login shell that is fish and noisy", async (folder) => {
  await mkdir(join(folder, ".config/fish"), { recursive: true });
  await writeFile(join(folder, ".config/fish/config.fish"), "echo Welcome!\necho Quota: 93 % >&2\n");
  return [`SetEnv HOME=${folder}`, 'ForceCommand exec fish -c "$SSH_ORIGINAL_COMMAND"'];
});

function overSsh(name: string, settings: Parameters<typeof startSshd>[0], jumps: readonly string[] = []): void {
  describe(name, () => {
    let sshd: RealSshd;
    let gates: RealSshd[];
    let connection: SshConnection;
    beforeAll(async () => {
      sshd = await startSshd(settings);
      gates = await Promise.all(jumps.map(() => startSshd(() => [])));
      const hosts = Object.fromEntries(jumps.map((jump, i) => [jump, { ...gates[i]?.host, name: jump } as HostConfig]));
      const world = sshWorld({ ...hosts, cluster: { ...sshd.host, jumps } });
      connection = await connectSsh("cluster", world, new AbortController().signal);
    });
    afterAll(async () => {
      connection.dispose();
      await Promise.all([sshd, ...gates].map((server) => server.stop()));
    });
    describeTransport("over SSH", () => Promise.resolve(connection));
  });
}

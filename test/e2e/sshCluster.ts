import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { startSshd } from "../integration/remote/ssh/realSshd";
import { program } from "./editor";

/**
 * A cluster `hpc` of the SSH configuration, whose home directory is a folder of this machine; a run of peaks there ends with the test.
 * @param settings further lines of its sshd_config
 */
export async function createCluster(...settings: readonly string[]): Promise<string> {
  const home = await mkdtemp(join(tmpdir(), "adaptive-e2e-cluster-"));
  const sshd = await startSshd(async (folder) => {
    const login = join(folder, "login");
    const script = `#!/bin/sh\nexport HOME=${home}\ncd ${home}\nexec /bin/sh -c "$SSH_ORIGINAL_COMMAND"\n`;
    await writeFile(login, script);
    await chmod(login, 0o755);
    return [`ForceCommand ${login}`, "AllowTcpForwarding no", ...settings];
  });
  const ownFolder = join(homedir(), ".ssh");
  onTestFinished(async () => {
    const run = join(home, "adaptive-runs/peaks");
    await program("stop", run);
    await program("stop", run, "--shut-down");
    await sshd.stop();
    for (const folder of [home, ownFolder])
      await rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  });
  const { hostName, port, user, identityFiles, userKnownHostsFiles } = sshd.host;
  await mkdir(ownFolder, { recursive: true, mode: 0o700 });
  const lines = [
    "Host hpc",
    `  HostName ${hostName}`,
    `  Port ${port}`,
    `  User ${user}`,
    `  IdentityFile ${identityFiles[0] ?? ""}`,
    `  UserKnownHostsFile ${userKnownHostsFiles[0] ?? ""}`,
    "",
  ];
  await writeFile(join(ownFolder, "config"), lines.join("\n"), { mode: 0o600 });
  return home;
}

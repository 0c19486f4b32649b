import { writeFile } from "node:fs/promises";
import { userInfo } from "node:os";
import { join } from "node:path";
import type { SshWorld } from "../../../../src/remote/ssh/connect";
import type { HostConfig } from "../../../../src/remote/ssh/hostConfig";
import type { SshConfiguration } from "../../../../src/remote/ssh/resolveHost";

/** What connecting takes, with nobody there to be asked. */
export function sshWorld(hosts: Readonly<Record<string, HostConfig>>, more: Partial<SshWorld> = {}): SshWorld {
  return {
    resolveHost: (name) => {
      const host = hosts[name];
      return host ? Promise.resolve(host) : Promise.reject(new Error(`There is no host ${name}`));
    },
    prompts: null,
    unlocked: new Map(),
    enoughSessions: new Map(),
    ownKnownHosts: "/dev/null/known_hosts",
    keepAlive: { intervalMs: 15_000, countMax: 3 },
    log: () => undefined,
    ...more,
  };
}

/**
 * The configuration of a person who calls a host by this name.
 * @param home of that person, on this computer
 */
export async function configurationOf(name: string, host: HostConfig, home: string): Promise<SshConfiguration> {
  const config = join(home, "config");
  const lines = [
    `Host ${name}`,
    `  HostName ${host.hostName}`,
    `  Port ${host.port}`,
    `  User ${host.user}`,
    ...host.identityFiles.map((file) => `  IdentityFile ${file}`),
    ...host.userKnownHostsFiles.map((file) => `  UserKnownHostsFile ${file}`),
  ];
  await writeFile(config, `${lines.join("\n")}\n`);
  const machine = { home, user: userInfo().username, platform: process.platform, agentSocket: undefined };
  return { machine, files: [config], isStandard: false, program: "ssh" };
}

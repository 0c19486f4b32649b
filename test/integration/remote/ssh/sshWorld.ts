import type { SshWorld } from "../../../../src/remote/ssh/connect";
import type { HostConfig } from "../../../../src/remote/ssh/hostConfig";

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

import type { Duplex } from "node:stream";
import type { ServerHostKeyAlgorithm } from "ssh2";
import { AdaptiveError, toAdaptiveError } from "../../scheduler/state/errors";
import { dial } from "./dial";
import type { HostConfig } from "./hostConfig";
import { checkHostKey, identityOf, readKnownHosts } from "./hostKeyCheck";
import type { UnlockedKeys } from "./identities";
import { knownKeyTypes } from "./knownHosts";
import { Login } from "./login";
import type { Prompts } from "./prompts";
import { SshConnection } from "./sshConnection";
import { cancelled, connectionError, lost, unreachable } from "./sshErrors";

export interface SshWorld {
  /** How a host is reached, by the name that a person or a `ProxyJump` calls it. */
  resolveHost(name: string): Promise<HostConfig>;
  /** Null when nobody has just asked for the connection: then nothing is asked. */
  prompts: Prompts | null;
  unlocked: UnlockedKeys;
  /** Of hosts by their name, whether they allow enough sessions: found out once. */
  enoughSessions: Map<string, boolean>;
  /** A known hosts file of our own, for when the person's cannot be written. */
  ownKnownHosts: string;
  /** A peer that leaves `countMax` questions in a row unanswered is dead. */
  keepAlive: { intervalMs: number; countMax: number };
  log: (line: string) => void;
}

const maxJumps = 8;

/**
 * Connects and logs in, through the hosts on the way there.
 * @param signal cancels the connecting, and closes what it has opened so far
 * @throws AdaptiveError why that cannot be: `cancelled`, `no-such-host`, `refused`, `unreachable`, `host-key-changed`,
 *   `host-key-revoked`, `host-key-unknown`, `wrong-password`, `no-auth-left`, `needs-user`, `connection-lost` …
 */
export async function connectSsh(name: string, world: SshWorld, signal: AbortSignal): Promise<SshConnection> {
  return connectThrough(await world.resolveHost(name), world, signal, maxJumps);
}

async function connectThrough(
  host: HostConfig,
  world: SshWorld,
  signal: AbortSignal,
  jumpsLeft: number,
): Promise<SshConnection> {
  if (jumpsLeft < 0) throw new AdaptiveError("too-many-jumps", `The way to ${host.name} goes in circles`);
  let via: SshConnection | null = null;
  try {
    for (const [i, jump] of host.jumps.entries()) {
      const hop = await world.resolveHost(jump);
      // Only the first goes its own way; each further one is reached from the one before.
      via =
        via === null
          ? await connectThrough(hop, world, signal, jumpsLeft - 1 - i)
          : await logIn(hop, via, world, signal);
    }
    return await logIn(host, via, world, signal);
  } catch (error) {
    via?.dispose();
    throw error;
  }
}

async function logIn(
  host: HostConfig,
  via: SshConnection | null,
  world: SshWorld,
  signal: AbortSignal,
): Promise<SshConnection> {
  const [ssh2, files] = await Promise.all([import("ssh2"), readKnownHosts(host, world.ownKnownHosts)]);
  const sock = via === null ? await dial(host, signal) : await forwarded(via, host, signal);
  world.log(`${host.name}: connected to ${host.hostName}:${host.port}`);
  const client = new ssh2.Client();
  const ending = new AbortController();
  const own = AbortSignal.any([signal, ending.signal]);
  let failure: AdaptiveError | null = null;
  const fail = (error: unknown): void => {
    failure ??= signal.aborted ? cancelled() : toAdaptiveError(error);
    ending.abort();
    client.destroy();
  };
  const onAbort = (): void => fail(cancelled());
  signal.addEventListener("abort", onAbort, { once: true });
  const deadline = setTimeout(() => fail(unreachable(host)), host.connectTimeoutMs);
  const login = new Login(host, { ssh2, ...world, signal: own }, fail);
  let isKeyTrusted = false;
  client
    .on("handshake", () => clearTimeout(deadline))
    .on("banner", (text) => world.log(`${host.name}: ${text.trim()}`))
    .on("error", (error: Error & { level?: string }) => {
      // What could not be signed is known to the login already.
      if (error.level === "agent") return;
      fail(isTooManyAttempts(error) ? (login.hungUp() ?? login.failure()) : connectionError(host, error));
    });
  try {
    if (signal.aborted) throw cancelled();
    client.connect({
      sock,
      username: host.user,
      readyTimeout: 0,
      keepaliveInterval: world.keepAlive.intervalMs,
      keepaliveCountMax: world.keepAlive.countMax,
      algorithms: { serverHostKey: hostKeyAlgorithms(knownKeyTypes(files, identityOf(host))) },
      hostVerifier: (key: Buffer, verify: (isTrusted: boolean) => void) => {
        // Keys are exchanged again in a long connection; whoever was trusted then is.
        if (isKeyTrusted) return verify(true);
        clearTimeout(deadline);
        checkHostKey(host, key, {
          files,
          ownFile: world.ownKnownHosts,
          prompts: world.prompts,
          signal: own,
          log: world.log,
        }).then(
          () => {
            isKeyTrusted = true;
            verify(true);
          },
          (error: unknown) => {
            fail(error);
            verify(false);
          },
        );
      },
      authHandler: (offered, isPartial, next) => void login.next(offered, isPartial).then(next, fail),
    });
    await new Promise<void>((resolve, reject) => {
      client.on("ready", () => resolve());
      client.on("close", () => reject(login.hungUp() ?? lost(host, "it closed before anybody was logged in")));
      ending.signal.addEventListener("abort", () => reject(cancelled()));
    });
    world.log(`${host.name}: logged in as ${host.user}`);
    return new SshConnection(host, client, via, world);
  } catch (error) {
    fail(error);
    sock.destroy();
    throw failure ?? error;
  } finally {
    clearTimeout(deadline);
    signal.removeEventListener("abort", onAbort);
  }
}

async function forwarded(via: SshConnection, host: HostConfig, signal: AbortSignal): Promise<Duplex> {
  const deadline = AbortSignal.timeout(host.connectTimeoutMs);
  return via.forward(host.hostName, host.port, AbortSignal.any([signal, deadline])).catch((error: unknown) => {
    throw deadline.aborted && !signal.aborted ? unreachable(host) : error;
  });
}

/** All that ssh2 can, those of known keys first. */
function hostKeyAlgorithms(known: readonly string[]): ServerHostKeyAlgorithm[] {
  const all: ServerHostKeyAlgorithm[] = [
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "rsa-sha2-512",
    "rsa-sha2-256",
    "ssh-rsa",
  ];
  const isKnown = (algorithm: string): boolean =>
    known.includes(algorithm) || (algorithm.startsWith("rsa-") && known.includes("ssh-rsa"));
  return [...all.filter(isKnown), ...all.filter((algorithm) => !isKnown(algorithm))];
}

function isTooManyAttempts(error: Error): boolean {
  return /too many authentication failures/i.test(error.message);
}

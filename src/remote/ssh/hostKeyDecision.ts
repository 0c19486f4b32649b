import type { KnownHostsMatch, KnownHostsPlace } from "./knownHosts";

/** `StrictHostKeyChecking` of ssh_config(5); `no` is treated as `accept-new`: a changed key is never accepted. */
export type HostKeyChecking = "yes" | "ask" | "accept-new";

export type HostKeyVerdict =
  | { kind: "trust"; remember: boolean }
  | { kind: "ask"; why: "unknown" | "ca-only"; at?: KnownHostsPlace }
  | { kind: "refuse"; why: "changed" | "revoked"; at: KnownHostsPlace }
  | { kind: "refuse"; why: "unknown" };

/**
 * Whether to go on with a host that showed a key.
 * @param mayAsk not when nobody has just asked for the connection
 */
export function decideHostKey(match: KnownHostsMatch, checking: HostKeyChecking, mayAsk: boolean): HostKeyVerdict {
  switch (match.kind) {
    case "match":
      return { kind: "trust", remember: false };
    case "mismatch":
      return { kind: "refuse", why: "changed", at: match.at };
    case "revoked":
      return { kind: "refuse", why: "revoked", at: match.at };
    case "unknown":
      if (checking === "accept-new") return { kind: "trust", remember: true };
      return checking === "ask" && mayAsk ? { kind: "ask", why: "unknown" } : { kind: "refuse", why: "unknown" };
    // The host is vouched for, though not by what it shows: nothing that is accepted unseen.
    case "ca-only":
      return checking !== "yes" && mayAsk
        ? { kind: "ask", why: match.kind, at: match.at }
        : { kind: "refuse", why: "unknown" };
  }
}

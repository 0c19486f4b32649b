import type { AdaptiveError } from "../scheduler/state/errors";

/** Where the link to a run's scheduler stands. */
export type Link =
  /** `isCopied` when a person has to say what the run is before it can be served. */
  | { at: "offline"; since: Date; why: string; isCopied?: true }
  | { at: "connecting"; step: string }
  | { at: "online" }
  /** `lastWordAt` is when the scheduler was heard last, in milliseconds since the epoch; null when it never was. */
  | { at: "retrying"; attempt: number; nextInMs: number; why: string; lastWordAt: number | null }
  /** Only a person gets it further: `what` says with what. Until then nothing is tried. */
  | { at: "needsUser"; what: string };

const allowed: Record<Link["at"], readonly Link["at"][]> = {
  offline: ["connecting", "needsUser", "offline"],
  connecting: ["connecting", "online", "retrying", "offline", "needsUser"],
  online: ["retrying", "offline", "needsUser"],
  retrying: ["connecting", "offline"],
  needsUser: ["connecting", "offline"],
};

/**
 * The one place where a link changes.
 * @throws Error when the step is not one a link can take: a bug
 */
export function transition(from: Link, to: Link, log: (line: string) => void): Link {
  if (!allowed[from.at].includes(to.at)) throw new Error(`A link cannot go from ${from.at} to ${to.at}`);
  log(`link: ${from.at} → ${to.at}${reasonOf(to)}`);
  return to;
}

/**
 * Whether what a person asks of the run gets an answer: a scheduler that has ended as it should is started again for it.
 */
export function canAsk(link: Link): boolean {
  return link.at === "online" || hasEnded(link);
}

/** Whether the run's scheduler has ended as it should, or there is none yet. */
export function hasEnded(link: Link): boolean {
  return link.at === "offline" && link.isCopied !== true;
}

/**
 * What an attempt that ended so would end in again, as long as no person does something about it: a host may ban an
 * account that is tried again and again.
 */
const needsPerson: ReadonlySet<string> = new Set([
  "needs-user",
  "cancelled",
  "wrong-password",
  "no-auth-left",
  "host-key-changed",
  "host-key-revoked",
  "host-key-unknown",
  "no-common-algorithm",
  "too-many-jumps",
  "node-missing",
  "node-unusable",
  "old-libc",
]);

/**
 * Where a link stands after an attempt that failed, or a connection that ended.
 * @param mayStart whether a scheduler is started where none is
 */
export function afterFailure(
  { code, message }: AdaptiveError,
  {
    attempt,
    nextInMs,
    mayStart,
    now,
    lastWordAt,
  }: { attempt: number; nextInMs: number; mayStart: boolean; now: Date; lastWordAt: number | null },
): Exclude<Link, { at: "connecting" | "online" }> {
  if (code === "copied-run") return { at: "offline", since: now, why: message, isCopied: true };
  if (needsPerson.has(code)) {
    return { at: "needsUser", what: code === "cancelled" ? "logging in was cancelled" : message };
  }
  if (mayStart) return { at: "retrying", attempt, nextInMs, why: message, lastWordAt };
  return { at: "offline", since: now, why: "the scheduler has ended" };
}

function reasonOf(link: Link): string {
  switch (link.at) {
    case "online":
      return "";
    case "connecting":
      return ` (${link.step})`;
    case "offline":
      return ` (${link.why})`;
    case "retrying":
      return ` (${link.why}; attempt ${link.attempt} in ${Math.round(link.nextInMs)} ms)`;
    case "needsUser":
      return ` (${link.what})`;
  }
}

/** A way to log in that we know (RFC 4252, RFC 4256). */
export type LoginMethod = "publickey" | "keyboard-interactive" | "password";

/** What has been tried, and what the server said. */
export type Attempt =
  | { method: "none"; outcome: Outcome }
  | { method: "publickey"; key: number; outcome: Outcome }
  /** A server may refuse it without having asked anything. */
  | { method: "keyboard-interactive" | "password"; hasAsked: boolean; outcome: Outcome };

/** Partial: right, and something else is wanted too. */
export type Outcome = "failed" | "partial";

export interface LoginState {
  /** What the server takes now; null before it was asked. */
  offered: readonly string[] | null;
  /** What we may use, in our order. */
  methods: readonly LoginMethod[];
  attempts: readonly Attempt[];
  /** How many keys there are. */
  keys: number;
  /** Whether somebody is there who can answer. */
  mayAsk: boolean;
}

export type LoginStep =
  | { method: "none" }
  | { method: "publickey"; key: number }
  | { method: "keyboard-interactive" | "password"; isRetry: boolean }
  /** Nothing is left that asks nobody. */
  | { method: "needs-user" }
  | { method: "give-up" };

/** Answers that a person may get wrong between two that were right. */
const maxAnswers = 3;

/**
 * What to try next. A key is offered once; whoever mistypes is asked again, a few times in all; after a part that was
 * right everything but the used keys is open again, for what the server then offers.
 */
export function nextMethod({ offered, methods, attempts, keys, mayAsk }: LoginState): LoginStep {
  if (offered === null) return { method: "none" };
  const open = methods.filter((method) => offered.includes(method));
  const since = attempts.slice(attempts.findLastIndex(({ outcome }) => outcome === "partial") + 1);
  const answers = since.filter((attempt) => "hasAsked" in attempt && attempt.hasAsked).length;
  let isUserNeeded = false;
  for (const method of open) {
    if (method === "publickey") {
      const used = attempts.filter((attempt) => attempt.method === "publickey").map(({ key }) => key);
      const key = Array.from({ length: keys }, (_, i) => i).find((i) => !used.includes(i));
      if (key !== undefined) return { method, key };
      continue;
    }
    const isSilent = since.some((attempt) => attempt.method === method && "hasAsked" in attempt && !attempt.hasAsked);
    if (isSilent || answers >= maxAnswers) continue;
    if (mayAsk) return { method, isRetry: answers > 0 };
    isUserNeeded = true;
  }
  return { method: isUserNeeded ? "needs-user" : "give-up" };
}

import { expect, test } from "vitest";
import { type Attempt, type LoginState, nextMethod } from "../../../../src/remote/ssh/nextMethod";

const all = ["publickey", "keyboard-interactive", "password"] as const;
const none: Attempt = { method: "none", outcome: "failed" };
const key = (n: number, outcome: Attempt["outcome"] = "failed"): Attempt => ({ method: "publickey", key: n, outcome });
const code = (outcome: Attempt["outcome"] = "failed", hasAsked = true): Attempt => ({
  method: "keyboard-interactive",
  hasAsked,
  outcome,
});
const password = (outcome: Attempt["outcome"] = "failed"): Attempt => ({ method: "password", hasAsked: true, outcome });

const table: [string, Partial<LoginState>, object][] = [
  ["first what the server takes", { offered: null, attempts: [] }, { method: "none" }],
  ["keys before words", {}, { method: "publickey", key: 0 }],
  ["in the person's order", { methods: ["password", "publickey"] }, { method: "password", isRetry: false }],
  ["each key once", { attempts: [none, key(0)] }, { method: "publickey", key: 1 }],
  ["then words", { attempts: [none, key(0), key(1)] }, { method: "keyboard-interactive", isRetry: false }],
  ["no keys", { keys: 0 }, { method: "keyboard-interactive", isRetry: false }],
  ["the server takes no keys", { offered: ["password"] }, { method: "password", isRetry: false }],
  ["the person wants no keys", { methods: ["password"] }, { method: "password", isRetry: false }],
  [
    "a mistyped password",
    { offered: ["password"], attempts: [none, password()] },
    { method: "password", isRetry: true },
  ],
  [
    "three times",
    { offered: ["password"], attempts: [none, password(), password(), password()] },
    { method: "give-up" },
  ],
  ["in all", { keys: 0, attempts: [none, code(), code(), code()] }, { method: "give-up" }],
  ["refused unasked", { keys: 0, attempts: [none, code("failed", false)] }, { method: "password", isRetry: false }],
  [
    "a key, then a one-time code",
    { offered: ["keyboard-interactive"], attempts: [none, key(0, "partial")] },
    { method: "keyboard-interactive", isRetry: false },
  ],
  [
    "a mistyped code after the key",
    { offered: ["keyboard-interactive"], attempts: [none, key(0, "partial"), code()] },
    { method: "keyboard-interactive", isRetry: true },
  ],
  [
    "a password, then a code: its mistakes are counted anew",
    { offered: ["keyboard-interactive"], attempts: [none, password(), password(), password("partial")] },
    { method: "keyboard-interactive", isRetry: false },
  ],
  [
    "two keys that are both wanted",
    { offered: ["publickey"], attempts: [none, key(0, "partial")] },
    { method: "publickey", key: 1 },
  ],
  [
    "a key that was right is not offered again",
    { offered: ["publickey"], keys: 1, attempts: [none, key(0, "partial")] },
    { method: "give-up" },
  ],
  [
    "two codes, one after the other",
    { keys: 0, attempts: [none, code("partial")] },
    { method: "keyboard-interactive", isRetry: false },
  ],
  ["nobody there, a key left", { mayAsk: false, attempts: [none, key(0)] }, { method: "publickey", key: 1 }],
  ["nobody there, no key left", { mayAsk: false, keys: 0 }, { method: "needs-user" }],
  ["nobody there, and nobody could help", { mayAsk: false, keys: 0, offered: ["publickey"] }, { method: "give-up" }],
  ["what we cannot do", { offered: ["gssapi-with-mic"] }, { method: "give-up" }],
  ["nothing", { offered: [] }, { method: "give-up" }],
];

test.each(table)("%s", (_, state, step) => {
  const usual: LoginState = { offered: all, methods: all, attempts: [none], keys: 2, mayAsk: true };
  expect(nextMethod({ ...usual, ...state })).toEqual(step);
});

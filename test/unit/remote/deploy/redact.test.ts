import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { writeDiagnostics } from "../../../../src/remote/deploy/diagnostics";
import { redact } from "../../../../src/remote/deploy/redact";

const secrets = { users: ["ada", "adalovelace"], hosts: ["login1", "login1.hpc.example.org", "laptop"] };

describe("what is taken out of a report", () => {
  test.each([
    ["a home directory", "/home/ada/study/x.py", "/home/<user 1>/study/x.py"],
    ["on Windows", "C:\\Users\\Ada\\study", "C:\\Users\\<user 1>\\study"],
    ["a longer name first", "/home/adalovelace/ada", "/home/<user 2>/<user 1>"],
    ["not within words", "adaptive, canada, ada_1", "adaptive, canada, <user 1>_1"],
    ["hosts, with and without their domain", "login1: via login1.hpc.example.org", "<host 1>: via <host 2>"],
    ["an address", "connected to 192.168.1.20:22", "connected to <address>:22"],
    ["but not this computer's own", "tcp://127.0.0.1:4242", "tcp://127.0.0.1:4242"],
    ["an address of IPv6", "to 2001:db8:0:0:0:0:0:1 port 22", "to <address> port 22"],
    ["a mail address", "write to ada.l@example.org", "write to <mail address>"],
    ["a password", "password: hunter2, next", "password: <secret>, next"],
    ["a token of JSON", '{"token": "abc def", "x": 1}', '{"token": <secret>, "x": 1}'],
    ["a token of a command", "run --token abc --json", "run --token <secret> --json"],
    ["a variable", "export WANDB_API_KEY=0123abcd", "export WANDB_API_KEY=<secret>"],
    ["a header", "Authorization: Bearer abc.def", "Authorization: Bearer <secret>"],
    [
      "a private key",
      "a\n-----BEGIN OPENSSH PRIVATE KEY-----\nb3Bl\n-----END OPENSSH PRIVATE KEY-----\nb",
      "a\n<key>\nb",
    ],
    ["one that is cut off", "-----BEGIN RSA PRIVATE KEY-----\nb3Bl", "<key>"],
    ["a public key", `host ssh-ed25519 ${"A".repeat(68)} comment`, "host ssh-ed25519 <key> comment"],
    ["a fingerprint", `SHA256:${"a".repeat(43)}`, "SHA256:<fingerprint>"],
    ["a long key", `key ${"Ab1".repeat(20)}`, "key <key>"],
    ["but not a hash that names a folder", "bundles/5cee6455c55637d1", "bundles/5cee6455c55637d1"],
    ["words about passwords stay", "password authentication failed", "password authentication failed"],
  ])("%s", (_, text, redacted) => {
    expect(redact(text, secrets)).toBe(redacted);
  });

  test("no name is left, wherever it stood", () => {
    const separator = fc.constantFrom("/", " ", ":", "@", "\n", '"', "=", "_", "-", ".");
    const name = fc.constantFrom(...secrets.users, ...secrets.hosts);
    fc.assert(
      fc.property(fc.array(fc.tuple(separator, name), { maxLength: 8 }), (parts) => {
        const redacted = redact(parts.flat().join(""), secrets);
        for (const word of [...secrets.users, ...secrets.hosts]) {
          expect(redacted).not.toMatch(new RegExp(`(^|[^a-z0-9])${word}([^a-z0-9]|$)`, "i"));
        }
      }),
    );
  });
});

describe("a report", () => {
  test("holds its parts redacted, the end of those that are long, and says what cannot be read", async () => {
    const report = await writeDiagnostics(
      [
        {
          title: "Log",
          read: () => Promise.resolve(Array.from({ length: 500 }, (_, i) => `line ${i} of ada`).join("\n")),
        },
        { title: "Cluster", read: () => Promise.reject(new Error("no route to login1")) },
        { title: "Ticks", read: () => Promise.resolve("```\nx") },
      ],
      secrets,
    );
    expect(report).toContain("## Log\n\n```\n… 100 lines\nline 100 of <user 1>\n");
    expect(report).toContain("cannot be read: no route to <host 1>");
    expect(report).toContain("````\n```\nx\n````");
    expect(report).not.toMatch(/\b(ada|login1)\b/);
  });
});

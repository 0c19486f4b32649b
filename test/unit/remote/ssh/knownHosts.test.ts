import { createHmac } from "node:crypto";
import { describe, expect, test } from "vitest";
import { decideHostKey } from "../../../../src/remote/ssh/hostKeyDecision";
import {
  fingerprint,
  type HostIdentity,
  knownHostsLine,
  knownKeyTypes,
  type KnownHostsMatch,
  matchKnownHosts,
} from "../../../../src/remote/ssh/knownHosts";

/** A key in wire form: its type and, shortened, its body. */
function key(type: string, body: string): Buffer {
  const field = (text: string): Buffer => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(Buffer.byteLength(text));
    return Buffer.concat([length, Buffer.from(text)]);
  };
  return Buffer.concat([field(type), field(body)]);
}

const shown = key("ssh-ed25519", "shown");
const line = (hosts: string, what = shown): string =>
  `${hosts} ${knownHostsLine({ host: "x", port: 22 }, what).slice(2)}`;
const other = key("ssh-ed25519", "other");
const rsa = key("ssh-rsa", "other");
const hashed = (name: string): string => {
  const salt = Buffer.from("twenty bytes of salt");
  return `|1|${salt.toString("base64")}|${createHmac("sha1", salt).update(name).digest("base64")}`;
};

describe("looking a key up", () => {
  const at22: HostIdentity = { host: "hpc.example.org", port: 22 };
  const at2222: HostIdentity = { ...at22, port: 2222 };
  const table: [string, string[], HostIdentity, KnownHostsMatch["kind"], number?][] = [
    ["no line", [], at22, "unknown"],
    ["the key", [line("hpc.example.org")], at22, "match", 1],
    ["comments and empty lines are counted", ["# ours", "", line("hpc.example.org")], at22, "match", 3],
    ["a comment behind the key", [`${line("hpc.example.org")} a comment`], at22, "match", 1],
    ["lines end with CR", [`${line("hpc.example.org")}\r`], at22, "match", 1],
    ["a line that is damaged", ["hpc.example.org ssh-ed25519", line("hpc.example.org")], at22, "match", 2],
    ["letters of the other case", [line("HPC.example.ORG")], { host: "hpc.EXAMPLE.org", port: 22 }, "match", 1],
    ["another host", [line("hpc2.example.org")], at22, "unknown"],
    ["a name in a list", [line("a,hpc.example.org,10.0.0.1")], at22, "match", 1],
    ["a dot is a dot", [line("hpcxexample.org")], at22, "unknown"],
    ["another key of this type", [line("hpc.example.org", other)], at22, "mismatch", 1],
    [
      "another key of this type, then the key",
      [line("hpc.example.org", other), line("hpc.example.org")],
      at22,
      "match",
      2,
    ],
    ["a key of another type", [line("hpc.example.org", rsa)], at22, "mismatch", 1],
    ["another key of this type and one of another", [line("*", rsa), line("*", other)], at22, "mismatch", 2],
    ["the key under another type's name", [line("hpc.example.org").replace("ssh-ed25519", "ssh-rsa")], at22, "unknown"],
    [
      "another key with a port, and the key without",
      [line("[hpc.example.org]:2222", other), line("hpc.example.org")],
      at2222,
      "mismatch",
      1,
    ],
    [
      "a key of another type with a port, and the key without",
      [line("[hpc.example.org]:2222", rsa), line("hpc.example.org")],
      at2222,
      "mismatch",
      1,
    ],
    [
      "an alias that is not listed, and the name that is",
      [line("hpc.example.org")],
      { ...at2222, alias: "cluster" },
      "unknown",
    ],
    ["a key that is cut off", [line("hpc.example.org").slice(0, -4)], at22, "unknown"],
    ["hashed", [line(hashed("hpc.example.org"))], at22, "match", 1],
    ["hashed, another key", [line(hashed("hpc.example.org"), other)], at22, "mismatch", 1],
    ["hashed, another host", [line(hashed("hpc2.example.org"))], at22, "unknown"],
    ["hashed with a port", [line(hashed("[hpc.example.org]:2222"))], at2222, "match", 1],
    ["hashed in a way of the future", [line(hashed("hpc.example.org").replace("|1|", "|2|"))], at22, "unknown"],
    ["with a port", [line("[hpc.example.org]:2222")], at2222, "match", 1],
    ["with a port, another key", [line("[hpc.example.org]:2222", other)], at2222, "mismatch", 1],
    ["with another port", [line("[hpc.example.org]:2223")], at2222, "unknown"],
    ["with a port, asked without", [line("[hpc.example.org]:2222")], at22, "unknown"],
    ["listed without the port", [line("hpc.example.org")], at2222, "match", 1],
    ["listed without the port, another key", [line("hpc.example.org", other)], at2222, "unknown"],
    ["a wildcard", [line("*.example.org")], at22, "match", 1],
    ["a wildcard for one letter", [line("hp?.example.org")], at22, "match", 1],
    ["a wildcard that does not fit", [line("?.example.org")], at22, "unknown"],
    ["a wildcard with a port", [line("[*.example.org]:2222")], at2222, "match", 1],
    ["taken out by !", [line("*.example.org,!hpc.example.org")], at22, "unknown"],
    ["taken out by ! before", [line("!hpc.example.org,*.example.org")], at22, "unknown"],
    ["another is taken out by !", [line("*.example.org,!gpu.example.org")], at22, "match", 1],
    ["only !", [line("!gpu.example.org")], at22, "unknown"],
    ["@revoked", [`@revoked ${line("*")}`], at22, "revoked", 1],
    ["@revoked after the key", [line("hpc.example.org"), `@revoked ${line("*")}`], at22, "revoked", 2],
    ["@revoked for another host", [`@revoked ${line("gpu.example.org")}`, line("*")], at22, "match", 2],
    ["@revoked, another key", [`@revoked ${line("*", other)}`, line("*")], at22, "match", 2],
    ["@revoked without the port", [`@revoked ${line("hpc.example.org")}`], at2222, "revoked", 1],
    ["@cert-authority only", [`@cert-authority ${line("*.example.org", other)}`], at22, "ca-only", 1],
    ["@cert-authority with this very key", [`@cert-authority ${line("*.example.org")}`], at22, "ca-only", 1],
    ["@cert-authority and the key", [`@cert-authority ${line("*", other)}`, line("*")], at22, "match", 2],
    ["@cert-authority and another key", [`@cert-authority ${line("*", other)}`, line("*", other)], at22, "mismatch", 2],
    ["a marker that is not known", [`@new ${line("*")}`], at22, "unknown"],
    ["filed under an alias", [line("cluster")], { ...at2222, alias: "cluster" }, "match", 1],
    ["an alias, listed under its name", [line("[hpc.example.org]:2222")], { ...at2222, alias: "cluster" }, "unknown"],
    ["an address of IPv6", [line("[::1]:2222")], { host: "::1", port: 2222 }, "match", 1],
  ];

  test.each(table)("%s", (_, lines, host, kind, number) => {
    const files = [{ file: "known_hosts", text: lines.join("\n") }];
    const at = number === undefined ? {} : { at: { file: "known_hosts", line: number } };
    expect(matchKnownHosts(files, host, shown)).toEqual({ kind, ...at });
  });

  test("the file is named, and all files count", () => {
    const files = [
      { file: "mine", text: line("hpc.example.org", other) },
      { file: "ours", text: `\n${line("hpc.example.org")}` },
    ];
    expect(matchKnownHosts(files, at22, shown)).toEqual({ kind: "match", at: { file: "ours", line: 2 } });
  });

  test("what is remembered is found again", () => {
    for (const host of [at22, at2222, { ...at2222, alias: "cluster" }]) {
      const files = [{ file: "known_hosts", text: knownHostsLine(host, shown) }];
      expect(matchKnownHosts(files, host, shown).kind).toBe("match");
    }
  });

  test("a server is asked for the types it is known by", () => {
    const text = [line("*", rsa), line("hpc.example.org"), `@revoked ${line("*", key("ecdsa-sha2-nistp256", ""))}`];
    expect(knownKeyTypes([{ file: "f", text: text.join("\n") }], at22)).toEqual(["ssh-rsa", "ssh-ed25519"]);
  });

  test("a fingerprint is the one that ssh-keygen prints", () => {
    const github = "AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl";
    expect(fingerprint(Buffer.from(github, "base64"))).toBe("SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU");
  });
});

describe("whether to go on", () => {
  const at = { file: "known_hosts", line: 7 };
  const trust = { kind: "trust", remember: false };
  const remember = { kind: "trust", remember: true };
  const unknown = { kind: "refuse", why: "unknown" };
  const changed = { kind: "refuse", why: "changed", at };
  const revoked = { kind: "refuse", why: "revoked", at };
  const ask = (why: string) => ({ kind: "ask", why, ...(why === "unknown" ? {} : { at }) });
  // For StrictHostKeyChecking ask, accept-new, yes: each with somebody there, and without.
  const table: [KnownHostsMatch, [object, object], [object, object], [object, object]][] = [
    [{ kind: "match", at }, [trust, trust], [trust, trust], [trust, trust]],
    [{ kind: "mismatch", at }, [changed, changed], [changed, changed], [changed, changed]],
    [{ kind: "revoked", at }, [revoked, revoked], [revoked, revoked], [revoked, revoked]],
    [{ kind: "unknown" }, [ask("unknown"), unknown], [remember, remember], [unknown, unknown]],
    [{ kind: "ca-only", at }, [ask("ca-only"), unknown], [ask("ca-only"), unknown], [unknown, unknown]],
  ];

  test.each(table)("$kind", (match, ...verdicts) => {
    const found = (["ask", "accept-new", "yes"] as const).map((checking) =>
      [true, false].map((mayAsk) => decideHostKey(match, checking, mayAsk)),
    );
    expect(found).toEqual(verdicts);
  });
});

import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { connectSsh, type SshWorld } from "../../../../src/remote/ssh/connect";
import type { HostConfig } from "../../../../src/remote/ssh/hostConfig";
import { newKey, person, publicLine, type Ssh2Server, startServer, temporaryFolder, worldOf } from "./ssh2Server";

const [own, other, rsa] = [newKey("own"), newKey("other"), newKey("rsa", { type: "rsa" })];
/** It would let anybody in: whoever is refused is so because of the key. */
const open = { steps: [] };
const { signal } = new AbortController();

interface Cell {
  /** What the known hosts file says; PORT stands for the server's. */
  knownHosts: string;
  hostKeys?: readonly string[];
  host?: Partial<HostConfig>;
  /** Somebody is there, and answers so. */
  answers?: boolean;
  /** `trusted`, or the error's code. */
  ends: string;
  asks?: string;
  remembers?: boolean;
}

const ownLine = publicLine(own.private);
const asksUnknown = `unknown ssh-ed25519 ${fingerprintOf(ownLine)}`;

const cells: Record<string, Cell> = {
  match: { knownHosts: `[127.0.0.1]:PORT ${ownLine}`, ends: "trusted" },
  "match, on a line without the port": { knownHosts: `127.0.0.1 ${ownLine}`, ends: "trusted" },
  "match, by a wildcard": { knownHosts: `[127.0.0.*]:PORT ${ownLine}`, ends: "trusted" },
  "match, under an alias": { knownHosts: `hpc ${ownLine}`, host: { hostKeyAlias: "hpc" }, ends: "trusted" },
  "match, behind a line of another host": {
    knownHosts: `a.org ${ownLine}\n[127.0.0.1]:PORT ${ownLine}`,
    ends: "trusted",
  },
  "match, of a type that the server would not choose": {
    knownHosts: `[127.0.0.1]:PORT ${publicLine(rsa.private)}`,
    hostKeys: [own.private, rsa.private],
    ends: "trusted",
  },
  changed: { knownHosts: `\n[127.0.0.1]:PORT ${publicLine(other.private)}`, answers: true, ends: "host-key-changed" },
  "changed, with accept-new": {
    knownHosts: `\n[127.0.0.1]:PORT ${publicLine(other.private)}`,
    host: { hostKeyChecking: "accept-new" },
    ends: "host-key-changed",
  },
  "@revoked": { knownHosts: `\n@revoked * ${ownLine}`, answers: true, ends: "host-key-revoked" },
  "unknown, and trusted": { knownHosts: "", answers: true, ends: "trusted", asks: asksUnknown, remembers: true },
  "unknown, and not trusted": { knownHosts: "", answers: false, ends: "cancelled", asks: asksUnknown },
  "unknown, with nobody there": { knownHosts: "", ends: "needs-user" },
  "unknown, with accept-new": {
    knownHosts: "",
    host: { hostKeyChecking: "accept-new" },
    ends: "trusted",
    remembers: true,
  },
  "unknown, with StrictHostKeyChecking yes": {
    knownHosts: "",
    host: { hostKeyChecking: "yes" },
    answers: true,
    ends: "host-key-unknown",
  },
  "known by another type": {
    knownHosts: `\n[127.0.0.1]:PORT ${publicLine(rsa.private)}`,
    answers: true,
    ends: "host-key-changed",
  },
  "@cert-authority, and trusted": {
    knownHosts: `@cert-authority [127.0.0.1]:PORT ${publicLine(other.private)}`,
    answers: true,
    ends: "trusted",
    asks: asksUnknown.replace("unknown", "ca-only"),
    remembers: true,
  },
};

test.each(Object.entries(cells))("%s", async (_, cell) => {
  const server = await startServer(open, cell.hostKeys ?? [own.private]);
  const file = await knownHostsFile(server, cell.knownHosts);
  const before = await readFile(file, "utf8");
  const { prompts, asked } = person(...(cell.answers === undefined ? [] : [cell.answers]));
  const ends = await outcome(server, cell.host ?? {}, { prompts: cell.answers === undefined ? null : prompts });
  expect(ends.code).toBe(cell.ends);
  expect(asked).toEqual(cell.asks === undefined ? [] : [cell.asks]);
  const added = (await readFile(file, "utf8")).slice(before.length);
  expect(added).toBe(
    cell.remembers === true ? `${before === "" ? "" : "\n"}[127.0.0.1]:${server.host.port} ${ownLine}\n` : "",
  );
  // Whoever is not trusted hears no name and no password.
  if (cell.ends !== "trusted") expect(server.attempts).toEqual([]);
  if (cell.ends.startsWith("host-key-") && cell.ends !== "host-key-unknown")
    expect(ends.message).toContain(`${file}:2`);
});

test("a file that ssh-keygen has hashed", async () => {
  const server = await startServer(open, [own.private]);
  const file = await knownHostsFile(server, `[127.0.0.1]:PORT ${ownLine}\n`);
  execFileSync("ssh-keygen", ["-H", "-f", file], { stdio: "ignore" });
  expect(await readFile(file, "utf8")).toMatch(/^\|1\|/);
  expect((await outcome(server)).code).toBe("trusted");
});

test("a key that was trusted is known to ssh itself, and is not asked about again", async () => {
  const server = await startServer(open, [own.private]);
  const file = await knownHostsFile(server, "# mine");
  const { prompts } = person(true);
  await outcome(server, {}, { prompts });
  const found = execFileSync("ssh-keygen", ["-F", `[127.0.0.1]:${server.host.port}`, "-f", file], { encoding: "utf8" });
  expect(found).toContain(ownLine);
  expect((await outcome(server)).code).toBe("trusted");
});

test("where the person's file cannot be written, ours remembers", async () => {
  const server = await startServer(open, [own.private]);
  const folder = await temporaryFolder();
  await writeFile(join(folder, "file"), "");
  const ownKnownHosts = join(folder, "ours/known_hosts");
  const host = { userKnownHostsFiles: [join(folder, "file/known_hosts")] };
  expect((await outcome(server, host, { ...person(true), ownKnownHosts })).code).toBe("trusted");
  expect(await readFile(ownKnownHosts, "utf8")).toContain(ownLine);
  expect((await outcome(server, host, { ownKnownHosts })).code).toBe("trusted");
});

async function knownHostsFile({ host }: Ssh2Server, text: string): Promise<string> {
  const file = host.userKnownHostsFiles[0] ?? "";
  await writeFile(file, text.replaceAll("PORT", String(host.port)));
  return file;
}

async function outcome(server: Ssh2Server, host: Partial<HostConfig> = {}, world: Partial<SshWorld> = {}) {
  try {
    const its = { ...server, host: { ...server.host, ...host } };
    (await connectSsh("cluster", worldOf(its, world), signal)).dispose();
    return { code: "trusted", message: "" };
  } catch (error) {
    return error as { code: string; message: string };
  }
}

function fingerprintOf(line: string): string {
  const blob = Buffer.from(line.split(" ")[1] ?? "", "base64");
  return `SHA256:${createHash("sha256").update(blob).digest("base64").replace(/=+$/, "")}`;
}

import { createHash, createHmac } from "node:crypto";
import { wildcard } from "../../scheduler/state/wildcard";

/** A known_hosts file, with its name for messages. */
export interface KnownHostsFile {
  file: string;
  text: string;
}

/** The line of a known_hosts file that decided. */
export interface KnownHostsPlace {
  file: string;
  line: number;
}

/** What the files say of a host's key. */
export type KnownHostsMatch =
  | { kind: "match"; at: KnownHostsPlace }
  /** Known by another key, of this type or of others only. */
  | { kind: "mismatch"; at: KnownHostsPlace }
  | { kind: "revoked"; at: KnownHostsPlace }
  /** Vouched for by a certificate authority only, whose certificates we cannot read. */
  | { kind: "ca-only"; at: KnownHostsPlace }
  | { kind: "unknown" };

export interface HostIdentity {
  host: string;
  port: number;
  /** The name it is filed under instead (`HostKeyAlias`). */
  alias?: string | undefined;
}

/**
 * Looks a key up as ssh does (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT; `check_host_key` in its sshconnect.c): a revoked key
 * is revoked wherever it is listed; then one right line is enough. Only a host on another port than 22 that no line
 * names with that port may be listed without it.
 * @param key the public key in its wire form
 */
export function matchKnownHosts(
  files: readonly KnownHostsFile[],
  host: HostIdentity,
  key: Uint8Array,
): KnownHostsMatch {
  const lines = files.flatMap(parse);
  const blob = Buffer.from(key).toString("base64");
  const type = keyType(key);
  const name = nameOf(host);
  const own = lines.filter((line) => isListed(line.hosts, name));
  const hasPort = host.alias === undefined && host.port !== 22;
  const bare = hasPort ? lines.filter((line) => isListed(line.hosts, host.host)) : [];
  const plain = own.filter(({ marker }) => marker === "");
  const revoked = [...own, ...bare].find((line) => line.marker === "@revoked" && line.blob === blob);
  if (revoked) return { kind: "revoked", at: revoked.at };
  const right = (plain.length > 0 ? plain : bare.filter(({ marker }) => marker === "")).find(
    (line) => line.blob === blob,
  );
  if (right) return { kind: "match", at: right.at };
  const changed = plain.find((line) => line.type === type) ?? plain[0];
  if (changed) return { kind: "mismatch", at: changed.at };
  const authority = own.find(({ marker }) => marker === "@cert-authority");
  return authority ? { kind: "ca-only", at: authority.at } : { kind: "unknown" };
}

/** The types of the keys a host is known by: a server is asked for these first, lest it answer with another. */
export function knownKeyTypes(files: readonly KnownHostsFile[], host: HostIdentity): string[] {
  const known = files.flatMap(parse).filter(({ marker, hosts }) => marker === "" && isListed(hosts, nameOf(host)));
  return [...new Set(known.map(({ type }) => type))];
}

/** The line that makes a host known. */
export function knownHostsLine(host: HostIdentity, key: Uint8Array): string {
  return `${nameOf(host)} ${keyType(key)} ${Buffer.from(key).toString("base64")}`;
}

/** As `ssh-keygen -l` prints it. */
export function fingerprint(key: Uint8Array): string {
  return `SHA256:${createHash("sha256").update(key).digest("base64").replace(/=+$/, "")}`;
}

/** The type that a key in wire form begins with. */
export function keyType(key: Uint8Array): string {
  const bytes = Buffer.from(key);
  return bytes.length < 4 ? "" : bytes.subarray(4, 4 + bytes.readUInt32BE(0)).toString("latin1");
}

interface KnownHostsLine {
  marker: string;
  hosts: string;
  type: string;
  blob: string;
  at: KnownHostsPlace;
}

function parse({ file, text }: KnownHostsFile): KnownHostsLine[] {
  return text.split(/\r?\n/).flatMap((line, i) => {
    const [, marker = "", hosts = "", type = "", blob = ""] =
      /^\s*(?:(@\S+)\s+)?([^\s#@]\S*)\s+(\S+)\s+(\S+)/.exec(line) ?? [];
    const isRead = (marker === "" || marker === "@revoked" || marker === "@cert-authority") && isKey(type, blob);
    return isRead ? [{ marker, hosts, type, blob, at: { file, line: i + 1 } }] : [];
  });
}

/** Whether ssh would read it: a key is what its blob says it is, and a line that calls it otherwise does not count. */
function isKey(type: string, blob: string): boolean {
  const bytes = Buffer.from(blob, "base64");
  return bytes.toString("base64") === blob && keyType(bytes) === type && isWhole(bytes);
}

/** Fields with their lengths before them, and nothing behind. */
function isWhole(bytes: Buffer): boolean {
  let at = 0;
  while (at + 4 <= bytes.length) at += 4 + bytes.readUInt32BE(at);
  return at === bytes.length;
}

function nameOf({ host, port, alias }: HostIdentity): string {
  if (alias !== undefined) return alias.toLowerCase();
  return port === 22 ? host.toLowerCase() : `[${host.toLowerCase()}]:${port}`;
}

/** A negated pattern that fits takes the host out, whatever else fits. */
function isListed(hosts: string, name: string): boolean {
  if (hosts.startsWith("|")) return isHashOf(hosts, name.toLowerCase());
  const patterns = hosts.toLowerCase().split(",");
  const fits = (pattern: string): boolean => wildcard(pattern).test(name.toLowerCase());
  return (
    patterns.some((p) => !p.startsWith("!") && fits(p)) && !patterns.some((p) => p.startsWith("!") && fits(p.slice(1)))
  );
}

function isHashOf(hashed: string, name: string): boolean {
  const [, version, salt = "", hash] = hashed.split("|");
  return version === "1" && createHmac("sha1", Buffer.from(salt, "base64")).update(name).digest("base64") === hash;
}

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
  /** Known by another key of this type. */
  | { kind: "mismatch"; at: KnownHostsPlace }
  /** Known by keys of other types only. */
  | { kind: "other-key-type"; at: KnownHostsPlace }
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
 * Looks a key up as ssh does (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT): a revoked key is revoked wherever it is listed; then
 * one right line is enough; a host on another port than 22 may also be listed without its port.
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
  const bare = name === host.host.toLowerCase() ? [] : lines.filter((line) => isListed(line.hosts, host.host));
  const plain = own.filter(({ marker }) => marker === "");
  const revoked = [...own, ...bare].find((line) => line.marker === "@revoked" && line.blob === blob);
  if (revoked) return { kind: "revoked", at: revoked.at };
  const right = [...plain, ...bare.filter(({ marker }) => marker === "")].find((line) => line.blob === blob);
  if (right) return { kind: "match", at: right.at };
  const changed = plain.find((line) => line.type === type);
  if (changed) return { kind: "mismatch", at: changed.at };
  const other = plain[0];
  if (other) return { kind: "other-key-type", at: other.at };
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
    return blob === "" ? [] : [{ marker, hosts, type, blob, at: { file, line: i + 1 } }];
  });
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

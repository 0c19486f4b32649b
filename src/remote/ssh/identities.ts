import type * as Ssh2 from "ssh2";
import type { BaseAgent, ParsedKey } from "ssh2";
import { readText } from "../../scheduler/state/files";
import type { HostConfig } from "./hostConfig";

/** A key that can be offered to a server. */
export interface Identity {
  /** In words, for messages. */
  name: string;
  publicKey: ParsedKey;
  /** @throws AdaptiveError `cancelled` when its passphrase was asked for in vain */
  sign(data: Buffer, hash: string | undefined): Promise<Buffer>;
}

/** Keys whose passphrase was given, by the text of their file: for as long as the editor runs. */
export type UnlockedKeys = Map<string, ParsedKey>;

export interface KeySources {
  ssh2: typeof Ssh2;
  unlocked: UnlockedKeys;
  /** Asked until it is right; null means that nobody can be asked, or that they cancelled, which `ask` throws for. */
  askPassphrase: (file: string, isRetry: boolean) => Promise<string>;
  log: (line: string) => void;
}

/** The keys of a host in ssh's order: those of its configuration that an agent holds, the agent's others, the files. */
export async function listIdentities(host: HostConfig, sources: KeySources): Promise<Identity[]> {
  const [held, files] = await Promise.all([
    agentKeys(host, sources),
    Promise.all(host.identityFiles.map((file) => readKeyFile(file, sources.ssh2))),
  ]);
  const named = files.filter((file) => file !== null);
  const isNamed = ({ publicKey }: Identity): boolean => named.some((file) => isSame(file.publicKey, publicKey));
  return [
    ...held.filter(isNamed),
    ...(host.identitiesOnly ? [] : held.filter((identity) => !isNamed(identity))),
    ...named.flatMap((file) =>
      file.privateText === null || held.some((identity) => isSame(identity.publicKey, file.publicKey))
        ? []
        : [fileIdentity(file.file, file.publicKey, file.privateText, sources)],
    ),
  ];
}

/**
 * The certificates that ssh would show to a host. ssh2 cannot show any: it writes their type over the signature too,
 * where servers want that of the key.
 */
export async function listCertificates({ certificateFiles = [], identityFiles }: HostConfig): Promise<string[]> {
  const files = [...certificateFiles, ...identityFiles.map((file) => `${file}-cert.pub`)];
  const texts = await Promise.all(files.map((file) => readText(file).catch(() => null)));
  return files.filter((_, i) => (texts[i] ?? null) !== null);
}

async function agentKeys(host: HostConfig, { ssh2, log }: KeySources): Promise<Identity[]> {
  if (host.agent === null) return [];
  const agent = ssh2.createAgent(host.agent) as BaseAgent<ParsedKey>;
  try {
    const keys = await new Promise<ParsedKey[]>((resolve, reject) => {
      agent.getIdentities((error, found = []) => {
        if (error) reject(error);
        else resolve(found.filter((key): key is ParsedKey => "getPublicSSH" in key));
      });
    });
    return keys.map((publicKey) => ({
      name: `${publicKey.comment === "" ? publicKey.type : publicKey.comment} (agent)`,
      publicKey,
      sign: (data, hash) =>
        new Promise((resolve, reject) => {
          const options = hash === "sha256" || hash === "sha512" ? ({ hash } as const) : {};
          agent.sign(publicKey, data, options, (error, signature) =>
            signature === undefined ? reject(error ?? new Error("The agent did not sign")) : resolve(signature),
          );
        }),
    }));
  } catch (error) {
    log(`agent ${host.agent}: ${String(error)}`);
    return [];
  }
}

function fileIdentity(
  file: string,
  publicKey: ParsedKey,
  privateText: string,
  { ssh2, unlocked, askPassphrase }: KeySources,
): Identity {
  return {
    name: file,
    publicKey,
    async sign(data, hash) {
      let key = unlocked.get(privateText) ?? parsed(ssh2, privateText);
      for (let isRetry = false; key === null; isRetry = true) {
        key = parsed(ssh2, privateText, await askPassphrase(file, isRetry));
      }
      unlocked.set(privateText, key);
      // Without a hash the key's own is meant.
      const signature: unknown = key.sign(data, hash);
      if (!Buffer.isBuffer(signature)) throw signature;
      return signature;
    },
  };
}

interface KeyFile {
  file: string;
  publicKey: ParsedKey;
  /** Null for a public key that names one of the agent's. */
  privateText: string | null;
}

/** The public half is readable without a passphrase, in the file itself or beside it. */
async function readKeyFile(file: string, ssh2: typeof Ssh2): Promise<KeyFile | null> {
  const [text, beside] = await Promise.all([file, `${file}.pub`].map((name) => readText(name).catch(() => null)));
  const own = text ?? null;
  const key = own === null ? null : parsed(ssh2, own);
  if (own !== null && key !== null) return { file, publicKey: key, privateText: key.isPrivateKey() ? own : null };
  const publicText = beside ?? (own === null ? null : publicHalf(own));
  const publicKey = publicText === null ? null : parsed(ssh2, publicText);
  return publicKey && { file, publicKey, privateText: own };
}

function parsed(ssh2: typeof Ssh2, text: string, passphrase?: string): ParsedKey | null {
  const found = ssh2.utils.parseKey(text, passphrase);
  const key = Array.isArray(found) ? (found as ParsedKey[])[0] : found;
  return key === undefined || key instanceof Error ? null : key;
}

/** The public key of an encrypted key in OpenSSH's format (PROTOCOL.key), as a line of authorized_keys. */
function publicHalf(text: string): string | null {
  const body = /-----BEGIN OPENSSH PRIVATE KEY-----([\s\S]+?)-----END/.exec(text)?.[1];
  if (body === undefined) return null;
  const bytes = Buffer.from(body, "base64");
  let offset = "openssh-key-v1\0".length;
  const next = (): Buffer => {
    const start = offset + 4;
    offset = start + bytes.readUInt32BE(offset);
    return bytes.subarray(start, offset);
  };
  try {
    // Cipher, key derivation and its options; then how many keys.
    for (let field = 0; field < 3; field += 1) next();
    offset += 4;
    const blob = next();
    const type = blob.subarray(4, 4 + blob.readUInt32BE(0)).toString("latin1");
    return `${type} ${blob.toString("base64")}`;
  } catch {
    return null;
  }
}

function isSame(a: ParsedKey, b: ParsedKey): boolean {
  return a.getPublicSSH().equals(b.getPublicSSH());
}

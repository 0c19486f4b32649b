import { appendFile, mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { readText } from "../../scheduler/state/files";
import { cancelled, hostKeyRefused, needsUser } from "./sshErrors";
import type { HostConfig } from "./hostConfig";
import { decideHostKey } from "./hostKeyDecision";
import { fingerprint, keyType, knownHostsLine, type KnownHostsFile, matchKnownHosts } from "./knownHosts";
import type { Prompts } from "./prompts";

/** The known hosts files of a host that can be read, the user's first. */
export async function readKnownHosts(host: HostConfig, ownFile: string): Promise<KnownHostsFile[]> {
  const names = [...host.userKnownHostsFiles, ownFile, ...host.globalKnownHostsFiles];
  const files = await Promise.all(names.map(async (file) => ({ file, text: await readText(file).catch(() => "") })));
  return files.filter(({ text }) => text !== "");
}

/**
 * Whether the host is the one it should be; resolves if so, and remembers a key that was accepted now.
 * @param ownFile takes what the user's own file cannot
 * @param prompts null when nobody is there to be asked
 * @throws AdaptiveError why it is not trusted
 */
export async function checkHostKey(
  host: HostConfig,
  key: Uint8Array,
  {
    files,
    ownFile,
    prompts,
    signal,
    log,
  }: {
    files: readonly KnownHostsFile[];
    ownFile: string;
    prompts: Prompts | null;
    signal: AbortSignal;
    log: (line: string) => void;
  },
): Promise<void> {
  const identity = identityOf(host);
  const verdict = decideHostKey(matchKnownHosts(files, identity, key), host.hostKeyChecking, prompts !== null);
  if (verdict.kind === "refuse") {
    if (verdict.why === "unknown" && prompts === null && host.hostKeyChecking === "ask") {
      throw needsUser(host, "shows a key that is not known");
    }
    throw hostKeyRefused(host, verdict, fingerprint(key));
  }
  if (verdict.kind === "ask") {
    const { why, at } = verdict;
    const question = { host: host.name, fingerprint: fingerprint(key), keyType: keyType(key), why, ...(at && { at }) };
    if ((await prompts?.hostKey(question, signal)) !== true) throw cancelled();
  }
  if (verdict.kind === "ask" || verdict.remember) {
    await remember([...host.userKnownHostsFiles.slice(0, 1), ownFile], knownHostsLine(identity, key), log);
  }
}

export function identityOf({ hostName, port, hostKeyAlias }: HostConfig) {
  return { host: hostName, port, alias: hostKeyAlias };
}

/** Adds a line to the first of the files that takes it. */
async function remember(files: readonly string[], line: string, log: (line: string) => void): Promise<void> {
  for (const file of files) {
    try {
      await mkdir(dirname(file), { recursive: true, mode: 0o700 });
      const text = await readText(file).catch(() => "");
      const isOpenLine = text !== "" && !text.endsWith("\n");
      await appendFile(file, `${isOpenLine ? "\n" : ""}${line}\n`, { mode: 0o600 });
      return;
    } catch (error) {
      log(`${file}: ${String(error)}`);
    }
  }
}

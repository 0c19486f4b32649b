/** What a person would not want to show to everybody, as far as it is known by name. */
export interface Secrets {
  /** User names, here and on hosts. */
  users: readonly string[];
  /** Names of machines. */
  hosts: readonly string[];
}

/**
 * A text in which nobody is recognised and nothing lets anybody in. Each name is replaced by the same word throughout,
 * so that one still reads which of them are the same.
 */
export function redact(text: string, { users, hosts }: Secrets): string {
  const named = [...replacements(users, "user"), ...replacements(hosts, "host")];
  // The longest first: a name may be part of another.
  named.sort(([a], [b]) => b.length - a.length);
  return named.reduce(
    (redacted, [name, word]) => redacted.replace(asWord(name), word),
    withoutAddresses(withoutKeys(text)),
  );
}

function replacements(names: readonly string[], kind: string): [name: string, word: string][] {
  const distinct = [...new Set(names.filter((name) => name.length > 1))];
  return distinct.map((name, i) => [name, `<${kind} ${i + 1}>`]);
}

/** The name where it is not part of another word. */
function asWord(name: string): RegExp {
  const escaped = name.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  return new RegExp(`(?<![\\p{L}\\p{N}])${escaped}(?![\\p{L}\\p{N}])`, "giu");
}

/** Words that a secret follows: `password: x`, `"api_key": "x"`, `TOKEN=x`, `--token x`. */
const secretNames =
  "pass(?:word|phrase)?|secret(?:_?key)?|token|api_?key|private_?key|credentials?|cookie|authorization";
const secretValue = `"[^"\\n]*"|'[^'\\n]*'|[^\\s,;}"']+`;

function withoutKeys(text: string): string {
  return (
    text
      .replace(/-----BEGIN [A-Z ]+-----[\s\S]*?(-----END [A-Z ]+-----|$)/g, "<key>")
      // Of public keys in known_hosts and authorized_keys.
      .replace(/\b((?:ssh|ecdsa|sk)-[\w@.-]+) [A-Za-z0-9+/=]{32,}/g, "$1 <key>")
      .replace(/\bSHA256:[A-Za-z0-9+/]{43}=?/g, "SHA256:<fingerprint>")
      .replace(new RegExp(`((?:${secretNames})["']?\\s*[:=]\\s*(?:Bearer )?)(?:${secretValue})`, "gi"), "$1<secret>")
      .replace(new RegExp(`(--(?:${secretNames})\\s+)(?:${secretValue})`, "gi"), "$1<secret>")
      // Whatever else looks like nothing a person would write; hashes stay, they are the names of our own folders.
      .replace(/(?<![A-Za-z0-9+/])(?=[A-Za-z0-9+/]*[A-Z])[A-Za-z0-9+]{48,}={0,2}/g, "<key>")
  );
}

function withoutAddresses(text: string): string {
  return text
    .replace(/[\w.+-]+@[\w-]+(\.[\w-]+)+/g, "<mail address>")
    .replace(/\b(?!127\.|0\.0\.0\.0)\d{1,3}(?:\.\d{1,3}){3}\b/g, "<address>")
    .replace(/(?<![\w:])(?:[0-9a-f]{1,4}:){3,7}[0-9a-f:]{1,4}(?![\w:])/gi, "<address>");
}

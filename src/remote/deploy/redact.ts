/** What a person would not want to show to everybody, as far as it is known by name. */
export interface Secrets {
  /** User names, here and on hosts. */
  users: readonly string[];
  /** Names of machines. */
  hosts: readonly string[];
}

/**
 * A text in which nobody is recognised and nothing lets anybody in. Each name is replaced by the same word throughout,
 * so that one still reads which of them are the same. What is assigned to a name, or follows one, is left out unless
 * that name is among those that may stay; and so is every word that nobody would write by hand.
 */
export function redact(text: string, { users, hosts }: Secrets): string {
  const named = [...replacements(users, "user"), ...replacements(hosts, "host")];
  // The longest first: a name may be part of another.
  named.sort(([a], [b]) => b.length - a.length);
  return named.reduce(
    (redacted, [name, word]) => redacted.replace(asWord(name), word),
    withoutAddresses(withoutStrangeWords(withoutValues(withoutKeys(text)))),
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

function withoutKeys(text: string): string {
  return (
    text
      .replace(/-----BEGIN [A-Z0-9 ]+-----[\s\S]*?(-----END [A-Z0-9 ]+-----|$)/g, "<key>")
      // Of public keys in known_hosts and authorized_keys.
      .replace(/\b((?:ssh|ecdsa|sk)-[\w@.-]+) [A-Za-z0-9+/=]{32,}/g, "$1 <key>")
      .replace(/\bSHA256:[A-Za-z0-9+/]{43}=?/g, "SHA256:<fingerprint>")
      .replace(/([a-z][a-z0-9+.-]*:\/\/)[^/\s"']*@/gi, "$1<secret>@")
      .replace(/((?:authorization|cookie)["']?\s*[:=]\s*)("[^"\n]*"|'[^'\n]*'|[^\n"']+)/gi, "$1<secret>")
      .replace(/\b(basic|bearer|negotiate)\s+(?=[^\s,;"']*[A-Z0-9=_.])[^\s,;"']{6,}/gi, "$1 <secret>")
      .replace(/((?:^|\s)(?:-u|--user)[\s=]+)[^\s:]+:[^\s]+/g, "$1<secret>")
      .replace(knownToken, "<key>")
  );
}

/** As services begin them, so that they are found when they leak. */
const knownToken =
  /\b(?:gh[pousr]_|github_pat_|glpat-|xox[a-z]-|sk-(?!ssh|ecdsa)|pk_|rk_|AKIA|ASIA|hf_|npm_|pypi-|AIza|eyJ|ya29\.|dop_v1_|shpat_|SG\.)[\w.-]{8,}/g;

const value = `"(?:[^"\\\\\n]|\\\\.)*"|'[^'\n]*'|[^\\s,;}"'&]+`;

/** Names of our own settings and of how things stand: what is assigned to them may stay. */
const plainNames = new Set(
  (
    "queue runroot launcher resources cores nodes walltime memory maxjobs pollseconds goal npoints loss seconds endtime " +
    "executor retries saveeveryseconds dataframe attempt since port pid time state activity code exit version " +
    "incarnation seq jobs learners done failed running waiting schedulerinjob epoch"
  ).split(" "),
);
const plainNumber = /^-?(\d{1,4}|\d*\.\d+)(e-?\d+)?$/i;
/** Names whose values are never shown, also behind a colon. */
const secretName =
  /pass(?:w(?:or)?d|wort|phrase|code)|(?:^|[_.-])(?:pass|pwd|pw|pin|otp|auth|key)(?:$|[_.-])|secret|token|credential|(?:api|private|access)[_-]?key/i;

const assignment = new RegExp(`(?<![\\w-])(-{0,2})([\\w.-]+)(["']?\\s*(?:=|:(?!//))\\s*)(${value})`, "g");
const option = new RegExp(`(?<![\\w-])(--?)([\\w-]+)(\\s+)(${value})`, "g");

function withoutValues(text: string): string {
  const replaced = text.replace(option, (all: string, dashes: string, name: string, blank: string, given: string) =>
    secretName.test(name) && !given.startsWith("-") ? `${dashes}${name}${blank}<secret>` : all,
  );
  return replaced.replace(assignment, (all: string, dashes: string, name: string, sign: string, given: string) => {
    const isKnown = !sign.includes("=") || plainNames.has(name.toLowerCase()) || plainNumber.test(given);
    const mayStay = !secretName.test(name) && isKnown;
    return mayStay || /^<[a-z ]+>$/.test(given) ? all : `${dashes}${name}${sign}<secret>`;
  });
}

/** Letters and digits mixed as in keys; our own folders' hashes, in hexadecimal, and the ids of runs stay. */
function withoutStrangeWords(text: string): string {
  return text.replace(/(?<![\w+/~-])[\w+/~-]{16,}={0,2}/g, (word) =>
    word.split("/").some(isStrange) ? "<key>" : word,
  );
}

function isStrange(word: string): boolean {
  if (word.length < 16 || /^[0-9a-f]{16,64}$/.test(word) || /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(word)) {
    return false;
  }
  const kinds = [/[a-z]/, /[A-Z]/, /[0-9]/].filter((kind) => kind.test(word)).length;
  const turns = word.match(/[A-Za-z](?=\d)|\d(?=[A-Za-z])|[a-z](?=[A-Z])/g)?.length ?? 0;
  return (kinds === 3 && turns >= 4) || (kinds === 2 && turns >= 5) || (word.length >= 40 && !/[_-]/.test(word));
}

function withoutAddresses(text: string): string {
  return text
    .replace(/[\w.+-]+@[\w-]+(\.[\w-]+)+/g, "<mail address>")
    .replace(/\b(?!127\.|0\.0\.0\.0)\d{1,3}(?:\.\d{1,3}){3}\b/g, "<address>")
    .replace(/(?<![\w:])(?:[0-9a-f]{1,4}:){3,7}[0-9a-f:]{1,4}(?![\w:])/gi, "<address>");
}

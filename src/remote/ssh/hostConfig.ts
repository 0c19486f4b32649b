import { join } from "node:path";
import type { HostKeyChecking } from "./hostKeyDecision";
import type { LoginMethod } from "./nextMethod";

/** How a host is reached and who one is there: what ssh_config(5) says of it, with nothing left to expand. */
export interface HostConfig {
  /** As the person calls it. */
  name: string;
  hostName: string;
  port: number;
  user: string;
  /** In the order in which they are tried; the default ones may not exist. */
  identityFiles: readonly string[];
  /** Certificates that ssh would show besides those beside the keys. */
  certificateFiles?: readonly string[];
  /** The agent's other keys are not offered. */
  identitiesOnly: boolean;
  /** The agent's socket, or on Windows `pageant`. */
  agent: string | null;
  userKnownHostsFiles: readonly string[];
  globalKnownHostsFiles: readonly string[];
  hostKeyAlias: string | undefined;
  hostKeyChecking: HostKeyChecking;
  /** Hosts to go through, from here on. */
  jumps: readonly string[];
  proxyCommand: string | null;
  /** Ways to log in, in the order in which they are tried. */
  methods: readonly LoginMethod[];
  connectTimeoutMs: number;
}

/** Keywords in lower case, each with its values; of most only the first counts. */
export type Options = ReadonlyMap<string, readonly string[]>;

/** What of this machine a configuration goes by. */
export interface Machine {
  home: string;
  user: string;
  platform: NodeJS.Platform;
  /** `SSH_AUTH_SOCK` */
  agentSocket: string | undefined;
}

const defaultIdentities = ["id_rsa", "id_ecdsa", "id_ecdsa_sk", "id_ed25519", "id_ed25519_sk"];
const defaultConnectTimeoutMs = 20_000;

/** @param name the host as the person calls it */
export function hostConfigOf(name: string, options: Options, machine: Machine): HostConfig {
  const first = (keyword: string): string | undefined => options.get(keyword)?.[0];
  const set = (keyword: string): string | undefined => {
    const value = first(keyword);
    return value === undefined || value.toLowerCase() === "none" ? undefined : value;
  };
  const user = first("user") ?? machine.user;
  const port = Number(first("port") ?? 22);
  const hostName = (first("hostname") ?? name).replaceAll("%h", name).replaceAll("%%", "%");
  const expand = (text: string): string => expandTokens(text, { name, hostName, port, user, machine });
  const path = (text: string): string => expandHome(expand(text), machine.home);
  const files = (keyword: string, ...standard: string[]): string[] => {
    const named = options.get(keyword) ?? standard;
    // A list of files is one value, a key's file may hold blanks.
    const words = keyword === "identityfile" ? named : named.flatMap(splitWords);
    return words.filter((file) => file.toLowerCase() !== "none").map(path);
  };
  const proxyCommand = set("proxycommand");
  const seconds = Number(set("connecttimeout") ?? 0);
  return {
    name,
    hostName,
    port,
    user,
    identityFiles: files("identityfile", ...defaultIdentities.map((file) => `~/.ssh/${file}`)),
    ...(options.has("certificatefile") ? { certificateFiles: files("certificatefile") } : {}),
    identitiesOnly: isYes(first("identitiesonly")),
    agent: agentOf(first("identityagent"), machine, path),
    userKnownHostsFiles: files("userknownhostsfile", "~/.ssh/known_hosts", "~/.ssh/known_hosts2"),
    globalKnownHostsFiles: files("globalknownhostsfile", "/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_known_hosts2"),
    hostKeyAlias: set("hostkeyalias"),
    hostKeyChecking: checkingOf(first("stricthostkeychecking")),
    jumps: (set("proxyjump") ?? "").split(",").filter((jump) => jump !== ""),
    proxyCommand: proxyCommand === undefined ? null : expand(proxyCommand),
    methods: methodsOf(options),
    connectTimeoutMs: seconds > 0 ? seconds * 1000 : defaultConnectTimeoutMs,
  };
}

/** Words of a value, of which those with blanks are quoted. */
export function splitWords(text: string): string[] {
  return [...text.matchAll(/"([^"]*)"|\S+/g)].map(([word, quoted]) => quoted ?? word);
}

function methodsOf(options: Options): LoginMethod[] {
  const isOff = (keyword: string): boolean => /^(no|false)$/i.test(options.get(keyword)?.[0] ?? "");
  const isAllowed: Record<LoginMethod, boolean> = {
    publickey: !isOff("pubkeyauthentication"),
    "keyboard-interactive": !isOff("kbdinteractiveauthentication") && !isOff("challengeresponseauthentication"),
    password: !isOff("passwordauthentication"),
  };
  const standard: LoginMethod[] = ["publickey", "keyboard-interactive", "password"];
  const preferred = options.get("preferredauthentications")?.[0]?.split(",") ?? standard;
  const known = preferred.filter((method): method is LoginMethod => Object.hasOwn(isAllowed, method));
  // What batch mode forbids is asking.
  const isBatch = isYes(options.get("batchmode")?.[0]);
  return known.filter((method) => isAllowed[method] && !(isBatch && method !== "publickey"));
}

function checkingOf(value = "ask"): HostKeyChecking {
  switch (value.toLowerCase()) {
    case "yes":
    case "true":
      return "yes";
    case "no":
    case "false":
    case "off":
    case "accept-new":
      return "accept-new";
    default:
      return "ask";
  }
}

function agentOf(value: string | undefined, machine: Machine, path: (text: string) => string): string | null {
  const standard = machine.agentSocket ?? (machine.platform === "win32" ? windowsAgent : null);
  if (value === undefined || value === "SSH_AUTH_SOCK") return standard;
  if (value.toLowerCase() === "none") return null;
  const variable = /^\$\{?(\w+)\}?$/.exec(value)?.[1];
  return variable === "SSH_AUTH_SOCK" ? standard : path(value);
}

const windowsAgent = String.raw`\\.\pipe\openssh-ssh-agent`;

function expandHome(path: string, home: string): string {
  return path === "~" ? home : path.replace(/^~[/\\]/, `${join(home, "/")}`);
}

function expandTokens(
  text: string,
  {
    name,
    hostName,
    port,
    user,
    machine,
  }: { name: string; hostName: string; port: number; user: string; machine: Machine },
): string {
  const values: Record<string, string> = {
    "%": "%",
    d: machine.home,
    h: hostName,
    n: name,
    p: String(port),
    r: user,
    u: machine.user,
  };
  return text.replace(/%(.)/g, (token, letter: string) => values[letter] ?? token);
}

function isYes(value: string | undefined): boolean {
  return value !== undefined && ["yes", "true"].includes(value.toLowerCase());
}

import { execFile } from "node:child_process";
import { access } from "node:fs/promises";
import { promisify } from "node:util";
import { AdaptiveError, errnoOf } from "../../scheduler/state/errors";
import { type HostConfig, hostConfigOf, type Machine, type Options } from "./hostConfig";

const run = promisify(execFile);

export interface SshConfiguration {
  machine: Machine;
  /** Read in this order. */
  files: readonly string[];
  /** Whether `files` are where ssh looks by itself. */
  isStandard: boolean;
  /** The ssh program. */
  program: string;
}

/**
 * The hosts that the person has named, in their order.
 * @param onProblem told of each file that cannot be read
 */
export async function listHosts(
  { files, machine }: SshConfiguration,
  onProblem?: (problem: string) => void,
): Promise<string[]> {
  const { namedHosts, readConfigFile } = await import("./configFile");
  const configs = await Promise.all(files.map((file) => readConfigFile(file, machine, onProblem)));
  return [...new Set(configs.flatMap(namedHosts))];
}

/**
 * What a person typed for a host, in the one way in which it is written from then on: `user@host:port`.
 * @returns null when it is no host
 */
export function typedHost(text: string): string | null {
  try {
    const { host, user, port } = parseTarget(text.trim().replace(/^ssh:\/\/(.*?)\/?$/, "$1"));
    if (/[\s/\\]/.test(host) || /[\s/\\]/.test(user ?? "")) return null;
    return `${user === null ? "" : `${user}@`}${host.includes(":") ? `[${host}]` : host}${port === null ? "" : `:${port}`}`;
  } catch {
    return null;
  }
}

/**
 * How a host is reached: ssh itself is asked, which knows all of its configuration language; where there is no ssh, the
 * files are read for it.
 * @param name as in ssh's command line or `ProxyJump`: `[user@]host[:port]`
 * @throws AdaptiveError `bad-ssh-config` with what ssh says of it
 */
export async function resolveHost(name: string, configuration: SshConfiguration): Promise<HostConfig> {
  const target = parseTarget(name);
  const options = (await askSsh(target, configuration)) ?? (await readFiles(target, configuration));
  return hostConfigOf(target.host, options, configuration.machine);
}

interface Target {
  host: string;
  user: string | null;
  port: string | null;
}

/** The words of a host as ssh(1) takes them. */
export function parseTarget(name: string): Target {
  const [, user = null, bracketed, plain, port = null] =
    /^(?:ssh:\/\/)?(?:(.+)@)?(?:\[([^\]]+)\]|([^:@]+|[^:@]*(?::[^:@]*){2,}))(?::(\d+))?\/?$/.exec(name) ?? [];
  const host = bracketed ?? plain;
  if (host === undefined || host.startsWith("-")) {
    throw new AdaptiveError(
      "no-such-host",
      `"${name}" is no name of a host`,
      "Write it as ssh takes it: user@host:port.",
    );
  }
  return { host, user, port };
}

/** Null where there is no ssh. */
async function askSsh(target: Target, { program, files, isStandard }: SshConfiguration): Promise<Options | null> {
  const { host, user, port } = target;
  const [own = ""] = files;
  const hasOwn = await access(own).then(
    () => true,
    () => false,
  );
  const args = [
    ...(isStandard ? [] : ["-F", hasOwn ? own : "none"]),
    ...(user === null ? [] : ["-l", user]),
    ...(port === null ? [] : ["-p", port]),
  ];
  try {
    const { stdout } = await run(program, ["-G", ...args, "--", host], { windowsHide: true });
    return parseSshG(stdout);
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return null;
    const said = String((error as { stderr?: unknown }).stderr ?? error).trim();
    throw new AdaptiveError(
      "bad-ssh-config",
      `ssh cannot read its configuration: ${said.split("\n").at(-1)?.trim() ?? ""}`,
      "Correct it, and try ssh in a terminal.",
      { cause: error },
    );
  }
}

/** What `ssh -G` prints: a keyword and its value a line. */
export function parseSshG(text: string): Options {
  const options = new Map<string, string[]>();
  for (const line of text.split(/\r?\n/)) {
    const [, keyword, value] = /^(\S+) (.*)$/.exec(line) ?? [];
    if (keyword === undefined || value === undefined) continue;
    options.set(keyword, [...(options.get(keyword) ?? []), value]);
  }
  return options;
}

async function readFiles({ host, user, port }: Target, { files, machine }: SshConfiguration): Promise<Options> {
  const { optionsFor, readConfigFile } = await import("./configFile");
  const options = new Map<string, readonly string[]>();
  for (const file of files) {
    for (const [keyword, values] of optionsFor(await readConfigFile(file, machine), host, user)) {
      if (!options.has(keyword)) options.set(keyword, values);
      else if (keyword === "identityfile") options.set(keyword, [...(options.get(keyword) ?? []), ...values]);
    }
  }
  if (port !== null) options.set("port", [port]);
  if (user !== null) options.set("user", [user]);
  return options;
}

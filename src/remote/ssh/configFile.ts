import { readdir, readFile } from "node:fs/promises";
import { basename, dirname, isAbsolute, join } from "node:path";
import type { Line } from "ssh-config";
import SSHConfig from "ssh-config";
import { splitWords, type Machine, type Options } from "./hostConfig";
import { wildcard } from "../../scheduler/state/wildcard";

/** As many files within each other as ssh takes. */
const maxDepth = 16;

/** What an ssh_config(5) file says, with the files that it includes. */
export async function readConfigFile(file: string, machine: Machine): Promise<SSHConfig> {
  return new SSHConfig(...(await linesOf(file, machine, maxDepth)));
}

/** The hosts that a person has named in it, in their order; patterns name none. */
export function namedHosts(config: SSHConfig): string[] {
  const names = [...config].flatMap((line) => (isSection(line, "host") ? valuesOf(line.value) : []));
  return [...new Set(names.filter((name) => !/[*?!]/.test(name)))];
}

/** What it says of one host, as `ssh -G` would; `Match exec` never matches, for its commands are written for ssh's shell. */
export function optionsFor(config: SSHConfig, host: string, user: string | null): Options {
  const match = { Host: host, ...(user === null ? {} : { User: user }) };
  const computed = config.compute(match, { ignoreCase: true, matchExec: false });
  return new Map(Object.entries(computed).map(([keyword, value]) => [keyword, [value].flat()]));
}

async function linesOf(file: string, machine: Machine, depth: number): Promise<Line[]> {
  const text = await readFile(file, "utf8").catch(() => "");
  return withIncluded([...SSHConfig.parse(text)], machine, depth);
}

/** Sections of a file that is included within a section stand behind it. */
async function withIncluded(lines: readonly Line[], machine: Machine, depth: number): Promise<Line[]> {
  const all = await Promise.all(
    lines.map(async (line): Promise<Line[]> => {
      if (!("param" in line)) return [];
      if (/^include$/i.test(line.param)) {
        const files = depth > 0 ? await includedFiles(valuesOf(line.value), machine) : [];
        return (await Promise.all(files.map((file) => linesOf(file, machine, depth - 1)))).flat();
      }
      if (!("config" in line)) return [line];
      const within = await withIncluded([...line.config], machine, depth);
      const isInner = (inner: Line): boolean => "config" in inner;
      const own = { ...line, config: new SSHConfig(...within.filter((inner) => !isInner(inner))) };
      return [own, ...within.filter(isInner)];
    }),
  );
  return all.flat();
}

async function includedFiles(patterns: readonly string[], { home }: Machine): Promise<string[]> {
  const found = await Promise.all(
    patterns.map(async (pattern) => {
      const expanded = pattern.replace(/^~(?=[/\\])/, home);
      const path = isAbsolute(expanded) ? expanded : join(home, ".ssh", expanded);
      const names = await readdir(dirname(path)).catch(() => []);
      const isWanted = wildcard(basename(path));
      return names
        .filter((name) => isWanted.test(name))
        .sort()
        .map((name) => join(dirname(path), name));
    }),
  );
  return found.flat();
}

function isSection(line: Line, keyword: string): line is Extract<Line, { config: unknown }> {
  return "config" in line && line.param.toLowerCase() === keyword;
}

function valuesOf(value: string | readonly { val: string }[]): string[] {
  return typeof value === "string" ? splitWords(value) : value.map(({ val }) => val);
}

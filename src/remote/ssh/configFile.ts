import { readdir, stat } from "node:fs/promises";
import { isAbsolute, join, parse } from "node:path";
import type { Line } from "ssh-config";
import SSHConfig from "ssh-config";
import { splitWords, type Machine, type Options } from "./hostConfig";
import { errnoOf } from "../../scheduler/state/errors";
import { readText } from "../../scheduler/state/files";
import { wildcard } from "../../scheduler/state/wildcard";

/** As many files within each other as ssh takes. */
const maxDepth = 16;
const maxFileBytes = 4 << 20;
/** A name of a host is a pattern, and of a longer one nothing can be made. */
const maxLineLength = 16_384;

/**
 * What an ssh_config(5) file says, with the files that it includes. One that cannot be read costs what it says itself.
 * @param onProblem told why one cannot be read, in words that begin with its name
 */
export async function readConfigFile(
  file: string,
  machine: Machine,
  onProblem: (problem: string) => void = () => undefined,
): Promise<SSHConfig> {
  return new SSHConfig(...(await linesOf(file, machine, maxDepth, onProblem)));
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

type OnProblem = (problem: string) => void;

async function linesOf(file: string, machine: Machine, depth: number, onProblem: OnProblem): Promise<Line[]> {
  try {
    const stats = await stat(file);
    if (stats.isDirectory()) return [];
    if (!stats.isFile() || stats.size > maxFileBytes) throw new Error("it is no file of settings");
    const text = await readText(file);
    if (text.includes("\0")) throw new Error("it is no text");
    if (text.split("\n").some(({ length }) => length > maxLineLength)) throw new Error("it has a line without end");
    return await withIncluded([...SSHConfig.parse(text)], machine, depth, onProblem);
  } catch (error) {
    if (errnoOf(error) !== "ENOENT") onProblem(`${file}: ${error instanceof Error ? error.message : String(error)}`);
    return [];
  }
}

/** Sections of a file that is included within a section stand behind it. */
async function withIncluded(
  lines: readonly Line[],
  machine: Machine,
  depth: number,
  onProblem: OnProblem,
): Promise<Line[]> {
  const all = await Promise.all(
    lines.map(async (line): Promise<Line[]> => {
      if (!("param" in line)) return [];
      if (/^include$/i.test(line.param)) {
        if (depth === 0) throw new Error("too many files include each other");
        const files = await includedFiles(valuesOf(line.value), machine);
        return (await Promise.all(files.map((file) => linesOf(file, machine, depth - 1, onProblem)))).flat();
      }
      if (!("config" in line)) return [line];
      const within = await withIncluded([...line.config], machine, depth, onProblem);
      const isInner = (inner: Line): boolean => "config" in inner;
      const own = { ...line, config: new SSHConfig(...within.filter((inner) => !isInner(inner))) };
      return [own, ...within.filter(isInner)];
    }),
  );
  return all.flat();
}

async function includedFiles(patterns: readonly string[], { home }: Machine): Promise<string[]> {
  const found = await Promise.all(
    patterns.map((pattern) => {
      const expanded = pattern.replace(/^~(?=[/\\])/, home);
      return matching(isAbsolute(expanded) ? expanded : join(home, ".ssh", expanded));
    }),
  );
  return found.flat();
}

/** The files that a pattern names, as glob(7) does: wildcards in any part, none of which stands for a dot at the beginning. */
async function matching(pattern: string): Promise<string[]> {
  const { root } = parse(pattern);
  let places = [root];
  for (const part of pattern.slice(root.length).split(/[/\\]/)) {
    if (part === "") continue;
    const isPattern = /[*?]/.test(part);
    const isWanted = wildcard(part);
    const next = await Promise.all(
      places.map(async (place) => {
        if (!isPattern) return [join(place, part)];
        const names = await readdir(place).catch(() => []);
        const shown = names.filter((name) => part.startsWith(".") || !name.startsWith("."));
        return shown.filter((name) => isWanted.test(name)).map((name) => join(place, name));
      }),
    );
    places = next.flat();
  }
  return places.sort();
}

function isSection(line: Line, keyword: string): line is Extract<Line, { config: unknown }> {
  return "config" in line && line.param.toLowerCase() === keyword;
}

function valuesOf(value: string | readonly { val: string }[]): string[] {
  return typeof value === "string" ? splitWords(value) : value.map(({ val }) => val);
}

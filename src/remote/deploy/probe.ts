import { AdaptiveError } from "../../scheduler/state/errors";
import { mark } from "./probeScript";

/** What a head node is and has. */
export interface Probe {
  host: string;
  home: string;
  /** Those of a login there whose value is a path. */
  variables: Readonly<Record<string, string>>;
  /** Of a login there: where programs are, the queue's among them, and what a person has said to the queue. */
  environment: Readonly<Record<string, string>>;
  /** As `uname -s` and `-m` say it: `Linux`, `x86_64`. */
  os: string;
  machine: string;
  /** Null when it is not known. */
  libc: { name: "glibc" | "musl"; version: string } | null;
  place: Place;
  /** Best first; those that do not work say why. */
  nodes: readonly FoundNode[];
  python: FoundPython;
  queue: { name: "slurm" | "pbs"; version: string } | null;
  /** Names of the bundles that are installed. */
  bundles: readonly string[];
  /** Programs that an installation needs and that are not there. */
  missing: readonly string[];
}

/** Where what is ours is installed. */
export interface Place {
  path: string;
  /** Null when it is not known; a quota may leave less. */
  freeBytes: number | null;
  /** Why nothing can be written there, as the system says it; null when it can. */
  problem: string | null;
}

export interface FoundNode {
  /** `setting`, `PATH`, `ours`, `conda`, `vscode-server`, `module nodejs/20.9.0`. */
  source: string;
  path: string;
  /** Null when it does not run; `said` is then what it said. */
  version: string | null;
  said: string;
}

/** The jobs' Python: what it lacks of what a job imports, or why there is none. */
export type FoundPython = { path: string; version: string; missing: readonly string[] } | { problem: string };

/** @throws AdaptiveError `probe-failed` when the answer is not whole */
export function parseProbe(stdout: string, stderr: string): Probe {
  const begin = stdout.lastIndexOf(mark.begin);
  const end = stdout.indexOf(mark.end, begin);
  if (begin < 0 || end < 0) {
    throw new AdaptiveError(
      "probe-failed",
      "The head node did not answer what it was asked.",
      "Its start-up files may end the shell or wait for something: log in there by hand and look. See the log.",
      { cause: `${stdout.slice(-2000)}\n${stderr.slice(-2000)}` },
    );
  }
  const facts = stdout
    .slice(begin, end)
    .split("\n")
    .filter((line) => line.startsWith(mark.line))
    .map((line) => line.slice(mark.line.length).split("\t"));
  const all = (name: string): string[][] => facts.filter(([first]) => first === name).map(([, ...values]) => values);
  const [host = ""] = all("host")[0] ?? [];
  const [home = ""] = all("home")[0] ?? [];
  const [os = "", machine = ""] = all("os")[0] ?? [];
  const [libc, libcVersion = ""] = all("libc")[0] ?? [];
  const [path = "", free = "", problem = ""] = all("place")[0] ?? [];
  const [answer = "", lastLine = ""] = all("python")[0] ?? [];
  const [queue, queueVersion = ""] = all("queue")[0] ?? [];
  return {
    host,
    home,
    variables: variablesOf(all("variable")),
    environment: variablesOf(all("environment")),
    os,
    machine,
    libc: libc === "glibc" || libc === "musl" ? { name: libc, version: libcVersion } : null,
    place: { path, freeBytes: /^\d+$/.test(free) ? Number(free) * 1024 : null, problem: problem || null },
    nodes: all("node").map(([source = "", file = "", said = ""]) => ({
      source,
      path: file,
      version: /^\d+\.\d+\.\d+$/.test(said) ? said : null,
      said,
    })),
    python: parsePython(answer, lastLine),
    queue: queue === "slurm" || queue === "pbs" ? { name: queue, version: queueVersionIn(queueVersion) } : null,
    bundles: all("bundle").flat(),
    missing: all("missing").flat(),
  };
}

function variablesOf(facts: readonly string[][]): Record<string, string> {
  return Object.fromEntries(facts.map(([name = "", value = ""]) => [name, value]));
}

function parsePython(answer: string, lastLine: string): FoundPython {
  const [, version, missing, path] = /^([\d.]+) (\S+) (.+)$/.exec(answer) ?? [];
  if (version === undefined || missing === undefined || path === undefined) {
    return { problem: lastLine || "it said nothing" };
  }
  return { path, version, missing: missing === "-" ? [] : missing.split(",") };
}

/** Of `slurm 22.05.8` and `pbs_version = 20.0.1`; empty when it said something else. */
function queueVersionIn(text: string): string {
  return /^(?:slurm(?:-wlm)?|pbs_version =) ([\d.]+)/.exec(text)?.[1] ?? "";
}

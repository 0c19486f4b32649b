import { AdaptiveError } from "../../scheduler/state/errors";
import { type Architecture, nodeRelease } from "./nodeRelease";
import type { FoundNode, Probe } from "./probe";

/** The oldest Node that the scheduler runs on. */
const oldestMajor = 18;
/** What the scheduler's own native code (ZeroMQ) needs. */
const oldestGlibc = "2.25";

export type NodeVerdict = { kind: "use"; node: FoundNode } | NodeOffer | { kind: "refuse"; error: AdaptiveError };

/** None there will do, but ours would. */
export interface NodeOffer {
  kind: "offer";
  architecture: Architecture;
  /** What is wrong with those there are. */
  why: string;
}

/** Which Node runs the scheduler on a head node. */
export function chooseNode(probe: Probe): NodeVerdict {
  const refusal = refusalOf(probe);
  if (refusal !== null) return { kind: "refuse", error: refusal };
  const node = probe.nodes.find(isUsable);
  if (node !== undefined) return { kind: "use", node };
  const why = whyNot(probe);
  // A setting is taken at its word: nothing else is used, or offered, without a person's saying so.
  const set = probe.nodes.find(({ source }) => source === "setting");
  if (set !== undefined) {
    const hint = `Set "node" of this host in adaptive.clusters to a Node ${oldestMajor} or newer, or remove it there to have one looked for.`;
    return { kind: "refuse", error: new AdaptiveError("node-unusable", why, hint) };
  }
  const problem = whyNotOurs(probe);
  if (problem === null) return { kind: "offer", architecture: architectureOf(probe.machine), why };
  const hint = `Ask the site for a Node ${oldestMajor} or newer (often a module), and set its path as "node" of this host in adaptive.clusters.`;
  return { kind: "refuse", error: new AdaptiveError("node-missing", `${why} ${problem}`, hint) };
}

/** What the scheduler's bundle is made for. */
export function platformOf({ os, machine, libc }: Pick<Probe, "os" | "machine" | "libc">): Platform {
  const libcName = os === "Linux" ? (libc?.name ?? "glibc") : "libc";
  return { os: os.toLowerCase(), architecture: architectureOf(machine), libc: libcName };
}

/** In the words of zeromq's manifest. */
export interface Platform {
  os: string;
  architecture: Architecture;
  libc: string;
}

function isUsable({ version }: FoundNode): boolean {
  return version !== null && isAtLeast(version, String(oldestMajor));
}

/** What no Node could mend. */
function refusalOf({ os, machine, libc, missing }: Probe): AdaptiveError | null {
  const hint = "Choose another head node of this cluster, or run the scheduler on another machine that sees its queue.";
  if ((os !== "Linux" && os !== "Darwin") || !Object.hasOwn(architectures, machine)) {
    const what = `This head node is ${os || "an unknown system"} on ${machine || "an unknown processor"}`;
    return new AdaptiveError("unsupported-machine", `${what}; the scheduler runs on Linux on x86-64 and ARM64.`, hint);
  }
  if (libc?.name === "glibc" && !isAtLeast(libc.version, oldestGlibc)) {
    const words = `This head node has glibc ${libc.version}; the scheduler needs ${oldestGlibc}.`;
    return new AdaptiveError("old-libc", words, hint);
  }
  if (missing.length > 0) {
    const words = `This head node has no ${missing.join(" and no ")}, by which the scheduler is unpacked.`;
    return new AdaptiveError("tool-missing", words, "Ask the site to install it.");
  }
  return null;
}

function whyNot({ nodes }: Probe): string {
  const [first] = nodes;
  if (first === undefined) return "This head node has no Node.js.";
  return nodes
    .slice(0, 3)
    .map(({ path, version, said }) =>
      version === null ? `${path} does not run (${said}).` : `${path} is Node ${version}; ${oldestMajor} is needed.`,
    )
    .join(" ");
}

/** Why the Node of our own would not run there, or null. */
function whyNotOurs({ os, libc }: Probe): string | null {
  const { version, glibc } = nodeRelease;
  if (os !== "Linux") return `Ours is for Linux.`;
  if (libc?.name === "musl") return "This head node has musl, for which there is no official Node.";
  if (libc === null || isAtLeast(libc.version, glibc)) return null;
  return `This head node has glibc ${libc.version}; Node ${version.split(".")[0] ?? version} needs ${glibc}.`;
}

const architectures: Readonly<Record<string, Architecture>> = {
  x86_64: "x64",
  amd64: "x64",
  aarch64: "arm64",
  arm64: "arm64",
};

function architectureOf(machine: string): Architecture {
  return architectures[machine] ?? "x64";
}

/** Compares dotted versions number by number. */
function isAtLeast(version: string, oldest: string): boolean {
  const [ours, theirs] = [version, oldest].map((text) => text.split(".").map(Number));
  for (const [i, wanted] of (theirs ?? []).entries()) {
    const found = ours?.[i] ?? 0;
    if (found !== wanted) return found > wanted;
  }
  return true;
}

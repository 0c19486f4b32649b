import { AdaptiveError } from "../../scheduler/state/errors";
import type { Program } from "../program";
import { bundleFor } from "./bundle";
import { chooseNode, type NodeOffer, platformOf } from "./chooseNode";
import { type Host, installBundle, installNode, runScript, useBundle } from "./install";
import { fetchNode, type NodeFetching, type NodeSource } from "./nodeArchive";
import { nodeRelease } from "./nodeRelease";
import { placeProblem } from "./placeProblem";
import { parseProbe, type Probe } from "./probe";
import { probeScript, type ProbeWish } from "./probeScript";

/** What is taken there: compressed and unpacked, both for a moment. */
const bundleBytes = 8e6;
const nodeBytes = 170e6;

export interface ClusterWorld extends Omit<Host, "place"> {
  wish: ProbeWish;
  /** Where the extension's bundles lie. */
  distFolder: string;
  fetching: Omit<NodeFetching, "signal">;
  /** Says in two words what is being done: it may take a while. */
  onStep(step: string): void;
  /** Asks a person whether to install Node there, and where to take it from; null when they would rather not. */
  askForNode(offer: NodeOffer): Promise<NodeSource | null>;
}

/** A head node on which the scheduler can be called. */
export interface Cluster {
  probe: Probe;
  program: Program;
  /** What was asked there. */
  wish: ProbeWish;
}

/**
 * Makes a head node ready, whatever state it is in: looks at it, and installs what is missing.
 * @throws AdaptiveError in words for a person what is in the way, and the next step
 */
export async function connectCluster(world: ClusterWorld): Promise<Cluster> {
  const { wish, distFolder, onStep } = world;
  onStep("Checking");
  const probe = await look(world, wish);
  const verdict = chooseNode(probe);
  if (verdict.kind === "refuse") throw verdict.error;
  const bundle = await bundleFor(platformOf(probe), distFolder);
  const isThere = probe.bundles.includes(bundle.name);
  const needed = (isThere ? 0 : bundleBytes) + (verdict.kind === "use" ? 0 : nodeBytes);
  const problem = placeProblem(probe, needed);
  if (problem !== null && needed > 0) throw problem;
  const host: Host = { ...world, place: probe.place.path };
  const node = verdict.kind === "use" ? verdict.node.path : await bringNode(world, host, verdict);
  const program = isThere
    ? await useBundle(host, bundle.name, node)
    : await installBundle(host, bundle, node, (bytes) => onStep(`Installing (${Math.ceil(bytes / 1e6)} MB)`));
  // What it runs finds what a login finds, although it is not started by one.
  return { probe, program: { ...program, env: { ...program.env, ...probe.environment } }, wish };
}

async function look(world: ClusterWorld, wish: ProbeWish): Promise<Probe> {
  const { stdout, stderr } = await runScript(world, probeScript(wish));
  return parseProbe(stdout, stderr);
}

async function bringNode(world: ClusterWorld, host: Host, offer: NodeOffer): Promise<string> {
  const { architecture, why } = offer;
  const { fetching, askForNode, onStep, signal } = world;
  const source = await askForNode(offer);
  if (source === null) {
    const hint = `Ask the site for a Node 18 or newer (often a module), and set its path as "node" of this host in adaptive.clusters.`;
    throw new AdaptiveError("node-missing", why, hint);
  }
  const words = `Installing Node (${nodeRelease.megabytes} MB, once)`;
  onStep(words);
  const program = await fetchNode(architecture, source, { ...fetching, signal });
  return installNode(host, architecture, program, (sentBytes) => onStep(`${words}: ${Math.round(sentBytes / 1e6)} MB`));
}

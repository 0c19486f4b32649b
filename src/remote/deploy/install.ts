import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { Clock } from "../../scheduler/state/clock";
import { type CommandOutput, outputOf } from "../launch";
import type { Program } from "../program";
import type { Transport } from "../transport";
import type { Bundle } from "./bundle";
import { installBundleScript, installNodeScript, layout, touchScript } from "./installScript";
import type { Architecture } from "./nodeRelease";
import { installError } from "./placeProblem";

/** Unpacking on a slow shared file system. */
const scriptDeadlineMs = 300_000;

/** A head node and the place of ours on it. */
export interface Host {
  transport: Transport;
  /** Absolute. */
  place: string;
  clock: Clock;
  signal: AbortSignal;
}

/**
 * Installs a bundle, in one upload.
 * @param onSize told how much is sent
 * @throws AdaptiveError `disk-full`, `not-writable`, `install-failed`, or that of the transport
 */
export async function installBundle(
  host: Host,
  bundle: Bundle,
  node: string,
  onSize: (bytes: number) => void,
): Promise<Program> {
  const { transport, place, signal } = host;
  const content = await bundle.archive();
  onSize(content.length);
  // Two windows that install at once do not write the same file.
  const archive = layout.incoming(place, `${bundle.name}-${randomUUID()}.tar.gz`);
  await transport.upload(content, archive, { signal });
  await install(host, installBundleScript(place, bundle.name, archive, node));
  return programIn(place, bundle.name, node);
}

/** The program of a bundle that is there, which is kept from being cleaned up. */
export async function useBundle(host: Host, name: string, node: string): Promise<Program> {
  await install(host, touchScript(host.place, name));
  return programIn(host.place, name, node);
}

function programIn(place: string, name: string, node: string): Program {
  return { argv: [node, `${layout.bundle(place, name)}/scheduler/main.js`], env: {} };
}

/**
 * Installs Node.
 * @param file the compressed program, on this computer
 * @returns its path there
 * @throws AdaptiveError as for `installBundle`
 */
export async function installNode(
  host: Host,
  architecture: Architecture,
  file: string,
  onProgress: (sentBytes: number) => void,
): Promise<string> {
  const { transport, place, signal } = host;
  const archive = layout.incoming(place, `node-${randomUUID()}.gz`);
  await transport.upload(await readFile(file), archive, { signal, onProgress });
  await install(host, installNodeScript(place, architecture, archive));
  return layout.node(place, architecture);
}

async function install(host: Host, script: string): Promise<void> {
  const { code, stderr } = await runScript(host, script);
  if (code !== 0) throw installError(host.place, stderr);
}

/** Runs a script of `sh` to its end. */
export function runScript({ transport, clock, signal }: Omit<Host, "place">, script: string): Promise<CommandOutput> {
  const options = { clock, signal, deadlineMs: scriptDeadlineMs, stdin: script, what: "The head node" };
  return outputOf(transport, ["sh"], options);
}

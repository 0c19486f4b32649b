import { networkInterfaces } from "node:os";
import { rm } from "node:fs/promises";
import * as v from "valibot";
import { isNotThere, readWhole, writeFileAtomically } from "../state/files";
import type { RunDirectory } from "../state/runDirectory";

const z85Key = v.pipe(v.string(), v.regex(/^[0-9a-zA-Z.\-:+=^!/*?&<>()[\]{}@%$#]{40}$/));
/** Of what any other transport of ZeroMQ would do with a name nothing is known. */
const url = v.pipe(v.string(), v.regex(/^tcp:\/\/[\w.-]{1,255}:\d{1,5}$/));
const whole = v.pipe(v.number(), v.safeInteger(), v.minValue(1));

const endpointSchema = v.object({
  version: v.literal(1),
  incarnation: whole,
  host: v.string(),
  pid: whole,
  urls: v.pipe(v.array(url), v.maxLength(64)),
  serverKey: z85Key,
  clientPublicKey: z85Key,
  clientSecretKey: z85Key,
});
/** Where a scheduler listens, and the keys to speak to it: the file `endpoint.json`. */
export type Endpoint = v.InferOutput<typeof endpointSchema>;

/**
 * Only the user may read it: whoever has the keys is let in.
 * @returns what was written
 */
export async function writeEndpoint({ endpoint: path, disk }: RunDirectory, endpoint: Endpoint): Promise<string> {
  const text = JSON.stringify(endpoint);
  await writeFileAtomically(path, text, 0o600, disk);
  return text;
}

/** Null when no scheduler serves the run, or what lies there does not say where: then one that lives writes it anew. */
export async function readEndpoint(path: string): Promise<Endpoint | null> {
  try {
    return endpointOf(String(await readWhole(path)));
  } catch (error) {
    if (isNotThere(error)) return null;
    throw error;
  }
}

/** Null for a text that names none. */
export function endpointOf(text: string): Endpoint | null {
  const read = v.safeParse(v.pipe(v.string(), v.parseJson(), endpointSchema), text);
  return read.success ? read.output : null;
}

export function removeEndpoint(path: string): Promise<void> {
  return rm(path, { recursive: true, force: true });
}

/**
 * Where other machines may reach this one, those first that hardly are a bridge to containers. Which of
 * them compute nodes can reach only they can tell.
 */
export function ownAddresses(): string[] {
  return Object.entries(networkInterfaces())
    .sort(([a], [b]) => Number(isInner(a)) - Number(isInner(b)))
    .flatMap(([, addresses = []]) => addresses)
    .filter(({ family, internal }) => family === "IPv4" && !internal)
    .map(({ address }) => address);
}

const isInner = (name: string) => /^(docker|podman|cni|lxc|virbr|veth|br-)/.test(name);

import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import type { FuzzedDoor, OpenDoor } from "./door";

/** Opens a door in a folder of its own, which is gone afterwards. */
export async function withOpen<T>(door: FuzzedDoor, act: (open: OpenDoor) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "adaptive-fuzz-"));
  try {
    const open = await door.open(folder);
    try {
      return await act(open);
    } finally {
      await open.close();
    }
  } finally {
    // What was just told to end may still write.
    await rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  }
}

/** The inputs that are kept for a door, by the names of their files. */
export async function keptInputs(door: FuzzedDoor, corpus: string): Promise<{ file: string; input: Buffer }[]> {
  const folder = join(corpus, door.name);
  const names = (await readdir(folder).catch(() => [])).sort();
  return Promise.all(
    names.map(async (name) => ({ file: join(folder, name), input: await readFile(join(folder, name)) })),
  );
}

/** An input that did what none may. */
export interface Failure {
  input: Buffer;
  error: unknown;
}

/** Puts so many inputs through, and gives the smallest found that does what none may, or null. */
export async function failureOf(
  { inputs }: FuzzedDoor,
  { feed }: OpenDoor,
  parameters: { seed: number; numRuns: number },
): Promise<Failure | null> {
  let error: unknown;
  const property = fc.asyncProperty(inputs, async (input) => {
    try {
      await feed(input);
    } catch (thrown) {
      error = thrown;
      throw thrown;
    }
  });
  const { failed, counterexample } = await fc.check(property, { ...parameters, endOnFailure: false });
  const [input] = counterexample ?? [];
  return failed && input ? { input, error } : null;
}

const shownLength = 300;

/** What happened, and with which input, for a person. */
export function wordsOf({ name }: FuzzedDoor, { input, error }: Failure): string {
  const [first = "", ...stack] = (error instanceof Error ? (error.stack ?? error.message) : String(error)).split("\n");
  const shown = JSON.stringify(input.subarray(0, shownLength).toString("latin1"));
  return [
    `${name}: ${first.slice(0, shownLength)}`,
    ...stack.slice(0, 4).map((line) => line.slice(0, shownLength)),
    `  of ${input.length} bytes that begin with ${shown}`,
  ].join("\n");
}

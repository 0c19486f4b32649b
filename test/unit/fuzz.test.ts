import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { readerDoors } from "../fuzz/doors/readers";
import { failureOf, keptInputs, withOpen, wordsOf } from "../fuzz/fuzz";

const corpus = join(import.meta.dirname, "../fuzz/corpus");
/** Of each door; `npm run fuzz` puts others through, and as many as there is time for. */
const parameters = { seed: 20261130, numRuns: 100 };

describe.each(readerDoors.map((door) => [door.name, door] as const))("%s", (_, door) => {
  test("whatever comes is read or refused in words, and all goes on", async () => {
    await withOpen(door, async (open) => {
      for (const { file, input } of await keptInputs(door, corpus)) {
        await expect(open.feed(input), file).resolves.toBeUndefined();
      }
      const failure = await failureOf(door, open, parameters);
      expect(failure && wordsOf(door, failure)).toBeNull();
    });
  });
});

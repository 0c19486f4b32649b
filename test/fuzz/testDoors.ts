import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { FuzzedDoor } from "./door";
import { failureOf, keptInputs, withOpen, wordsOf } from "./fuzz";

const corpus = join(import.meta.dirname, "corpus");
/** `npm run fuzz` puts others through, and as many as there is time for. */
const seed = 20261130;

/** Puts what is kept, and so many inputs more, through each door. */
export function testDoors(doors: readonly FuzzedDoor[], numRuns: number): void {
  describe.each(doors.map((door) => [door.name, door] as const))("%s", (_, door) => {
    test("whatever comes is taken in or refused in words, and all goes on", async () => {
      await withOpen(door, async (open) => {
        const kept = await keptInputs(door, corpus);
        expect(kept.length).toBeGreaterThan(1);
        for (const { file, input } of kept) {
          await expect(open.feed(input), file).resolves.toBeUndefined();
        }
        const failure = await failureOf(door, open, { seed, numRuns });
        expect(failure && wordsOf(door, failure)).toBeNull();
      });
    });
  });
}

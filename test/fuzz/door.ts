import type fc from "fast-check";
import { AdaptiveError } from "../../src/scheduler/state/errors";

/** A way by which what others have written comes into one of our processes. */
export interface FuzzedDoor {
  name: string;
  /** What may come through it: mostly nearly right, sometimes anything. */
  inputs: fc.Arbitrary<Buffer>;
  /** @param folder for what it keeps on disk */
  open(folder: string): Promise<OpenDoor>;
}

export interface OpenDoor {
  /**
   * Puts an input through, and what is right behind it.
   * @throws where the input does what none may: something else than an error in words, or another answer to what is right
   */
  feed(input: Buffer): Promise<void>;
  close(): Promise<void>;
}

/** One whose reader keeps nothing of what it has read. */
export function readerDoor(name: string, inputs: fc.Arbitrary<Buffer>, read: (input: Buffer) => unknown): FuzzedDoor {
  const feed = async (input: Buffer): Promise<void> => void (await inWords(() => read(input)));
  return { name, inputs, open: () => Promise.resolve({ feed, close: () => Promise.resolve() }) };
}

/** A person reads it: nobody reads pages. */
const maxMessageLength = 4000;

/**
 * What a reader gives, or the error in words by which it refuses.
 * @throws any other error: it was not foreseen
 */
export async function inWords<T>(read: () => T | Promise<T>): Promise<T | AdaptiveError> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof AdaptiveError) || error.code === "unexpected") throw error;
    if (error.message === "" || error.message.length + error.hint.length > maxMessageLength) {
      throw new Error(`A message of ${error.message.length} characters: ${error.message.slice(0, 200)}…`, {
        cause: error,
      });
    }
    return error;
  }
}

/** The door's answer to what is right is another one since. */
export function spoilt(what: string): Error {
  return new Error(`After it, ${what}`);
}

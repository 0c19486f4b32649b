import type { Readable } from "node:stream";
import { setImmediate } from "node:timers/promises";

/** Resolves when what is being read of these is read to its end; nobody waits for what nobody reads. */
export async function whenRead(streams: readonly Readable[]): Promise<void> {
  const closed = streams.map((stream) =>
    stream.closed ? Promise.resolve() : new Promise<void>((resolve) => stream.once("close", resolve)),
  );
  // Whoever means to read begins at once.
  await setImmediate();
  await Promise.all(closed.filter((_, i) => streams[i]?.readableFlowing !== null));
}

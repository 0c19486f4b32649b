import type { Readable } from "node:stream";
import { AdaptiveError } from "../scheduler/state/errors";

/**
 * The whole of a stream as text.
 * @throws AdaptiveError `too-much` as soon as it is longer, so that nobody fills this computer's memory
 */
export async function boundedText(stream: Readable, maxBytes: number): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > maxBytes) {
      throw new AdaptiveError("too-much", `The head node answered more than ${maxBytes >> 20} MB.`, "See the log.");
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

/** The end of a stream as text, which may be cut off anywhere. */
export async function textTail(stream: Readable, maxBytes: number): Promise<string> {
  let tail = Buffer.alloc(0);
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) tail = Buffer.concat([tail, chunk]).subarray(-maxBytes);
  } catch {
    // What was said before the stream broke is worth reading.
  }
  return tail.toString("utf8");
}

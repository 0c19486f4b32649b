import * as v from "valibot";
import { AdaptiveError } from "../state/errors";

/**
 * Files in a stream, as the editor and the program on a cluster hand them to each other: of each file one line of
 * JSON and then its bytes, and at the end a line `null`, without which the stream was cut off.
 */
const fileSchema = v.object({
  /** Relative to a folder that both know, with `/`. */
  path: v.pipe(v.string(), v.check(isSafePath)),
  /** Null for a file that is only named. */
  size: v.nullable(v.pipe(v.number(), v.safeInteger(), v.minValue(0))),
  isExecutable: v.boolean(),
  /** Of its content, where whoever sends it knows that. */
  sha256: v.optional(v.string()),
});
export type PackedFile = v.InferOutput<typeof fileSchema>;

const maxHeaderBytes = 64 * 1024;

/** Writes a stream of files. */
export async function* pack(
  files: Iterable<PackedFile>,
  read: (path: string) => AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  for (const file of files) {
    const { path, size } = file;
    yield Buffer.from(`${JSON.stringify(file)}\n`);
    if (size === null) continue;
    let sent = 0;
    for await (const chunk of read(path)) {
      // One that grows meanwhile is taken as long as it was: the next transfer brings the rest.
      const piece = chunk.subarray(0, size - sent);
      sent += piece.length;
      if (piece.length > 0) yield piece;
    }
    if (sent < size)
      throw new AdaptiveError("changed-meanwhile", `${path} became shorter while it was read.`, "Try again.");
  }
  yield Buffer.from("null\n");
}

/**
 * Reads a stream of files, one after the other.
 * @throws AdaptiveError `bad-pack` when it is none, was cut off, or names a path outside of its folder
 */
export async function unpack(
  stream: AsyncIterable<Uint8Array>,
  write: (file: PackedFile, content: AsyncIterable<Uint8Array>) => Promise<void>,
): Promise<void> {
  const reader = new StreamReader(stream);
  for (;;) {
    const file = parseHeader(await reader.line());
    if (file === null) return reader.toEnd();
    await write(file, reader.bytes(file.size ?? 0));
    await reader.skipRest();
  }
}

/** A path that stays in its folder and out of what is ours. */
export function isSafePath(path: string): boolean {
  return (
    path !== "" &&
    !path.startsWith("/") &&
    !/[\0\n\\]/.test(path) &&
    path.split("/").every((name) => name !== "" && name !== "." && name !== "..") &&
    !/^\.adaptive(-|\/|$)/.test(path)
  );
}

function parseHeader(line: string): PackedFile | null {
  try {
    return v.parse(v.nullable(fileSchema), JSON.parse(line));
  } catch (error) {
    throw badPack(`"${line.slice(0, 80)}" is no file of a study`, error);
  }
}

function badPack(why: string, cause?: unknown): AdaptiveError {
  return new AdaptiveError("bad-pack", `The files were not understood: ${why}.`, "Try again; see the log.", { cause });
}

/** Lines and counted bytes of one stream. */
class StreamReader {
  private readonly chunks: AsyncIterator<Uint8Array>;
  private held: Uint8Array = new Uint8Array();
  private left = 0;

  constructor(stream: AsyncIterable<Uint8Array>) {
    this.chunks = stream[Symbol.asyncIterator]();
  }

  async line(): Promise<string> {
    for (;;) {
      const end = this.held.indexOf(10);
      if (end >= 0) {
        const line = Buffer.from(this.held.subarray(0, end)).toString("utf8");
        this.held = this.held.subarray(end + 1);
        return line;
      }
      if (this.held.length > maxHeaderBytes) throw badPack("a line does not end");
      this.held = Buffer.concat([this.held, await this.next()]);
    }
  }

  /** The next bytes; read or not, the line behind them is next. */
  bytes(size: number): AsyncGenerator<Uint8Array> {
    this.left = size;
    return this.rest();
  }

  async skipRest(): Promise<void> {
    for await (const _ of this.rest());
  }

  /** Whoever sends has ended only when all was read; what has no end is not waited for. */
  async toEnd(): Promise<void> {
    let bytes = this.held.length;
    for (let next = await this.chunks.next(); next.done !== true; next = await this.chunks.next()) {
      bytes += next.value.length;
      if (bytes > maxHeaderBytes) throw badPack("more follows behind their end");
    }
  }

  private async *rest(): AsyncGenerator<Uint8Array> {
    while (this.left > 0) {
      if (this.held.length === 0) this.held = await this.next();
      const piece = this.held.subarray(0, this.left);
      this.held = this.held.subarray(piece.length);
      this.left -= piece.length;
      yield piece;
    }
  }

  private async next(): Promise<Uint8Array> {
    const next = await this.chunks.next();
    if (next.done === true) throw badPack("they were cut off");
    return next.value;
  }
}

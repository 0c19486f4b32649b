import { Transform, type TransformCallback } from "node:stream";

/** As much as may come before: banners and what a shell's files print. */
const maxNoiseBytes = 1024 * 1024;

/** Passes on what follows the line that begins with a marker, and keeps what came before to itself. */
export class AfterMarker extends Transform {
  /** Resolves with the rest of that line; with null when the stream ends without it, or says too much before. */
  readonly word: Promise<string | null>;
  private resolve: ((word: string | null) => void) | null = null;
  private before = Buffer.alloc(0);
  /** It goes on without the marker, and is read no more. */
  isTooMuch = false;

  constructor(private readonly marker: string) {
    super({ highWaterMark: 256 * 1024 });
    this.word = new Promise((resolve) => (this.resolve = resolve));
    this.on("close", () => this.settle(null));
  }

  /** What came instead of the marker, or before it. */
  get noise(): string {
    return this.before.toString("utf8");
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    if (this.resolve === null) return this.isTooMuch ? done() : done(null, chunk);
    const read = Buffer.concat([this.before, chunk]);
    const start = read.indexOf(this.marker);
    const end = start < 0 ? -1 : read.indexOf("\n", start);
    this.before = read.subarray(0, Math.min(end < 0 ? read.length : start, maxNoiseBytes));
    if (end < 0) {
      this.isTooMuch = read.length > maxNoiseBytes;
      if (this.isTooMuch) this.settle(null);
      return done();
    }
    this.settle(
      read
        .subarray(start + this.marker.length, end)
        .toString("utf8")
        .trim(),
    );
    done(null, read.subarray(end + 1));
  }

  override _flush(done: TransformCallback): void {
    this.settle(null);
    done();
  }

  private settle(word: string | null): void {
    this.resolve?.(word);
    this.resolve = null;
  }
}

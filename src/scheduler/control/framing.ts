/**
 * Messages in a stream of bytes, as language servers frame them: a line `Content-Length: N`, an empty line, N bytes.
 * Read with a bound, in linear time, and without a way to fail: what is no message is passed over.
 */

/** Of a line before a message: what is longer is none of a header. */
const maxLineBytes = 1024;

/** A message as it goes into the stream. */
export function framed(message: string | Uint8Array): Buffer {
  const body = Buffer.from(message);
  return Buffer.concat([Buffer.from(`Content-Length: ${body.length}\r\n\r\n`), body]);
}

export class FrameReader {
  private pieces: Buffer[] = [];
  private heldBytes = 0;
  /** Of the message that is being read; null between messages. */
  private bodyBytes: number | null = null;
  /** As the lines before the empty one announced it. */
  private announcedBytes: number | null = null;
  private isLongLine = false;

  /**
   * @param maxBytes of a message: one that is longer is passed over
   * @param onDropped told what was passed over
   */
  constructor(
    private readonly maxBytes: number,
    private readonly onDropped: (why: string) => void,
  ) {}

  /** Takes in bytes; gives the messages that are whole now. */
  push(chunk: Buffer): Buffer[] {
    const messages: Buffer[] = [];
    let rest = chunk;
    while (rest.length > 0) rest = this.bodyBytes === null ? this.readLine(rest) : this.readBody(rest, messages);
    return messages;
  }

  private readBody(chunk: Buffer, messages: Buffer[]): Buffer {
    const piece = chunk.subarray(0, (this.bodyBytes ?? 0) - this.heldBytes);
    this.hold(piece);
    if (this.heldBytes === this.bodyBytes) {
      messages.push(this.take());
      this.bodyBytes = null;
    }
    return chunk.subarray(piece.length);
  }

  private readLine(chunk: Buffer): Buffer {
    const end = chunk.indexOf(10);
    const piece = end < 0 ? chunk : chunk.subarray(0, end);
    this.isLongLine ||= this.heldBytes + piece.length > maxLineBytes;
    if (!this.isLongLine) this.hold(piece);
    if (end < 0) return Buffer.alloc(0);
    const line = this.take().toString("latin1").trimEnd();
    if (this.isLongLine) this.onDropped("a line that is no header");
    else this.hearLine(line);
    this.isLongLine = false;
    return chunk.subarray(end + 1);
  }

  private hearLine(line: string): void {
    if (line === "") {
      // An empty body is no message; and one that would never end is none that could be waited for.
      if (this.announcedBytes !== null && this.announcedBytes > 0) this.bodyBytes = this.announcedBytes;
      this.announcedBytes = null;
      return;
    }
    const bytes = /^content-length:\s*(\d{1,15})$/i.exec(line)?.[1];
    if (bytes === undefined) {
      if (!/^content-type:/i.test(line)) this.onDropped("a line that is no header");
      return;
    }
    this.announcedBytes = Number(bytes);
    if (this.announcedBytes <= this.maxBytes) return;
    this.onDropped(`a message of ${bytes} bytes, of which ${this.maxBytes} are the most`);
    this.announcedBytes = null;
  }

  private hold(piece: Buffer): void {
    if (piece.length === 0) return;
    // Not a part of a larger buffer that would stay in memory with it.
    this.pieces.push(Buffer.from(piece));
    this.heldBytes += piece.length;
  }

  private take(): Buffer {
    const taken = Buffer.concat(this.pieces);
    this.pieces = [];
    this.heldBytes = 0;
    return taken;
  }
}

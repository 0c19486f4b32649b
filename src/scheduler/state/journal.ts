import { isChange, type Change } from "./changes";
import { crc32 } from "./crc32";
import type { OpenFile } from "./disk";
import { AdaptiveError } from "./errors";

/** Writes all the bytes: a disk that is nearly full takes less than it is given. */
export async function writeAll(file: Pick<OpenFile, "write">, bytes: Uint8Array, position: number): Promise<void> {
  for (let written = 0; written < bytes.length;) {
    const { bytesWritten } = await file.write(bytes, written, bytes.length - written, position + written);
    written += bytesWritten;
  }
}

/**
 * The append-only record of changes: one JSON object a line, whose first member is the CRC-32 of
 * the rest.
 */
export class Journal {
  private length = 0;

  constructor(
    readonly name: string,
    private readonly file: OpenFile,
  ) {}

  /** Bytes of the lines that are on disk. */
  get bytes(): number {
    return this.length;
  }

  /**
   * Writes the changes and returns when they are on disk. A write that fails is cut off again, so
   * that the same changes can be appended once there is room.
   */
  async append(changes: readonly Change[]): Promise<void> {
    const first = changes[0]?.seq;
    const bytes = Buffer.from(changes.map((change) => encodeLine(change, first)).join(""));
    try {
      await writeAll(this.file, bytes, this.length);
    } catch (error) {
      await this.file.truncate(this.length);
      throw error;
    }
    await this.file.datasync();
    this.length += bytes.length;
  }

  close(): Promise<void> {
    return this.file.close();
  }
}

/** Nowhere but at the start of a line: in a value its quotes would be escaped. */
const lineStart = '{"crc":"';
const lineHead = /^\{"crc":"([0-9a-f]{8})",(?:"batch":(\d+),)?/;
/** Enough of a line to tell its batch, also when the rest is damaged. */
const wholeHead = /^\{"crc":"[0-9a-f]{8}",(?:"batch":(\d+),|"kind":)/;
const crcLength = 18;

/** @param batch the first of the changes that are synced together with this one */
export function encodeLine(change: Change, batch = change.seq): string {
  const rest = (batch === change.seq ? "" : `"batch":${batch},`) + JSON.stringify(change).slice(1);
  return `{"crc":"${checksum(rest)}",${rest}\n`;
}

/** The change of a line without its newline, or null when the line is damaged. */
export function decodeLine(line: string): Change | null {
  const [head, crc] = lineHead.exec(line) ?? [""];
  if (!crc || crc !== checksum(line.slice(crcLength))) return null;
  const change: unknown = JSON.parse(`{${line.slice(head.length)}`);
  return isChange(change) ? change : null;
}

/**
 * Reads a journal file.
 *
 * @param isNewest whether nothing was written after this file: then a damaged end is a write that
 *   never became durable, hence never answered, and is left out
 * @param visit given each change
 * @returns how many bytes of the file hold changes
 * @throws AdaptiveError `journal-damaged` naming the file and the offset
 */
export function readJournal(
  bytes: Uint8Array,
  { name, firstSeq }: { name: string; firstSeq: number },
  isNewest: boolean,
  visit: (change: Change) => void,
): number {
  let lastSeq = firstSeq - 1;
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let offset = 0;
  while (offset < text.length) {
    const end = text.indexOf(0x0a, offset);
    const change = end < 0 ? null : decodeLine(text.toString("utf8", offset, end));
    if (!change) {
      if (isNewest && wasNeverSynced(text, offset, lastSeq + 1)) break;
      throw new AdaptiveError(
        "journal-damaged",
        `${name} is damaged at byte ${offset}.`,
        "Nothing was changed. Restore the file from a backup, or move the run's .adaptive folder away and start anew: the learners' data files stay.",
      );
    }
    visit(change);
    lastSeq = change.seq;
    offset = end + 1;
  }
  return offset;
}

/**
 * Whether what is damaged lies in a batch that was being written when the power failed: of its pages
 * any may be there and any not. Every line that follows then belongs to the batch of the damaged one.
 *
 * @param next number of the first change that is damaged
 */
function wasNeverSynced(text: Buffer, offset: number, next: number): boolean {
  const batches: number[] = [];
  for (let at = text.indexOf(lineStart, offset + 1); at >= 0; at = text.indexOf(lineStart, at + 1)) {
    const head = wholeHead.exec(text.toString("latin1", at, at + 64));
    // Without a batch it is the first of its own, and what lies before it was synced.
    if (head) batches.push(Number(head[1] ?? Infinity));
  }
  if (batches.length > 0) return batches.every((batch) => batch <= next);
  const end = text.indexOf(0x0a, offset);
  return end < 0 || end === text.length - 1;
}

function checksum(text: string): string {
  return crc32(Buffer.from(text)).toString(16).padStart(8, "0");
}

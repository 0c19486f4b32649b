const blockBytes = 512;

export interface TarFile {
  /** Relative, with `/`. */
  path: string;
  content: Uint8Array;
  isExecutable: boolean;
}

/**
 * An archive that every tar reads (POSIX ustar), the same for the same files: owner and time are none of anybody's.
 * @throws Error when a path is too long for the format: a bug, since the files are ours
 */
export function tarOf(files: readonly TarFile[]): Buffer {
  const pieces = files.flatMap(({ path, content, isExecutable }) => {
    const padding = (blockBytes - (content.length % blockBytes)) % blockBytes;
    return [headerOf(path, content.length, isExecutable), content, Buffer.alloc(padding)];
  });
  return Buffer.concat([...pieces, Buffer.alloc(2 * blockBytes)]);
}

function headerOf(path: string, size: number, isExecutable: boolean): Buffer {
  const header = Buffer.alloc(blockBytes);
  const { prefix, name } = splitPath(path);
  const octal = (value: number, length: number): string => value.toString(8).padStart(length - 1, "0");
  header.write(name, 0);
  header.write(octal(isExecutable ? 0o755 : 0o644, 8), 100);
  header.write(octal(0, 8), 108);
  header.write(octal(0, 8), 116);
  header.write(octal(size, 12), 124);
  header.write(octal(0, 12), 136);
  // The checksum is taken with its own field as blanks.
  header.write(" ".repeat(8), 148);
  header.write("0", 156);
  header.write("ustar\0" + "00", 257);
  header.write(prefix, 345);
  const checksum = header.reduce((sum, byte) => sum + byte, 0);
  header.write(`${octal(checksum, 7)}\0 `, 148);
  return header;
}

/** A name has room for 100 bytes, the folders before it for 155 more. */
function splitPath(path: string): { prefix: string; name: string } {
  if (Buffer.byteLength(path) <= 100) return { prefix: "", name: path };
  for (let at = path.indexOf("/"); at >= 0; at = path.indexOf("/", at + 1)) {
    const [prefix, name] = [path.slice(0, at), path.slice(at + 1)];
    if (Buffer.byteLength(name) <= 100 && Buffer.byteLength(prefix) <= 155) return { prefix, name };
  }
  throw new Error(`${path} is too long for a tar archive`);
}

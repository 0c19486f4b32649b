import { createHash, randomUUID } from "node:crypto";
import { once } from "node:events";
import { posix } from "node:path";
import type { CommandTransport, UploadOptions } from "../transport";
import { textTail } from "../boundedText";
import { uploadFailed } from "../uploadFailed";
import { cancelled } from "./sshErrors";

const chunkBytes = 256 * 1024;

/**
 * Writes a file through a plain command. Servers without SFTP have that too, and with it one round trip writes,
 * compares the sum and renames; SFTP would be a second way that needs a command for the sum nevertheless.
 */
export async function uploadOver(
  transport: CommandTransport,
  content: Uint8Array,
  file: string,
  { mode = 0o600, onProgress, signal }: UploadOptions,
): Promise<void> {
  const partial = `${file}.${randomUUID()}.part`;
  const sum = createHash("sha256").update(content).digest("hex");
  const argv = ["/bin/sh", "-c", script, "sh", file, partial, posix.dirname(file), sum, mode.toString(8)];
  const { stdin, stdout, stderr, exit } = await transport.exec(argv, { signal });
  const errors = textTail(stderr, 64 << 10);
  stdout.resume();
  let hasEnded = false;
  const ended = exit.finally(() => (hasEnded = true));
  for (let sent = 0; sent < content.length && !hasEnded;) {
    const chunk = content.subarray(sent, sent + chunkBytes);
    // One that has ended reads no more, and need not say so.
    if (!stdin.write(chunk)) await Promise.race([once(stdin, "drain"), ended]);
    sent += chunk.length;
    onProgress?.(sent);
  }
  stdin.end();
  const { code, lost } = await ended;
  if (signal.aborted) throw cancelled();
  if (lost !== undefined) throw lost;
  if (code === 0) return;
  const said = (await errors).trim();
  throw uploadFailed(file, /no space left|quota/i.test(said), said === "" ? `exit code ${code}` : said);
}

/** Words: the file, its name until it is whole, its folder, its sum, its permissions. */
const script = `
umask 077
mkdir -p -- "$3" || exit 1
trap 'rm -f -- "$2"' EXIT
trap 'exit 1' HUP INT TERM
cat > "$2" || exit 1
if command -v sha256sum >/dev/null 2>&1; then sum=$(sha256sum < "$2")
elif command -v shasum >/dev/null 2>&1; then sum=$(shasum -a 256 < "$2")
else sum=$(openssl dgst -sha256 -r < "$2"); fi || exit 1
[ "\${sum%% *}" = "$4" ] || { echo "what arrived is not what was sent" >&2; exit 1; }
[ ! -d "$1" ] || { echo "it is a folder" >&2; exit 1; }
chmod "$5" "$2" && mv -f -- "$2" "$1"
`;

import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { text } from "node:stream/consumers";

/** A process of a person on a head node. */
export interface HeadProcess {
  pid: number;
  words: string[];
  residentMB: number;
}

/** The processes that live in a home directory: those with it in their environment. */
export async function processesOf(home: string): Promise<HeadProcess[]> {
  const pids = (await readdir("/proc")).map(Number).filter((pid) => pid > 0);
  const found = await Promise.all(
    pids.map(async (pid): Promise<HeadProcess | null> => {
      try {
        const [environment, words, status] = await Promise.all(
          ["environ", "cmdline", "status"].map((name) => readFile(`/proc/${pid}/${name}`, "utf8")),
        );
        if (!environment?.split("\0").includes(`HOME=${home}`)) return null;
        const residentKB = Number(/^VmRSS:\s+(\d+)/m.exec(status ?? "")?.[1]);
        return { pid, words: (words ?? "").split("\0"), residentMB: residentKB / 1000 };
      } catch {
        // It has ended.
        return null;
      }
    }),
  );
  return found.filter((one) => one !== null);
}

/** What lies in a folder. */
export async function contentOf(folder: string): Promise<{ files: number; bytes: number }> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true });
  const files = entries.filter((entry) => entry.isFile());
  const sizes = await Promise.all(files.map(async ({ parentPath, name }) => (await stat(join(parentPath, name))).size));
  return { files: files.length, bytes: sizes.reduce((sum, size) => sum + size, 0) };
}

/** What the server of a shared file system hears of, and of reads and writes more than it does. */
const calls = "%file,read,pread64,write,pwrite64,ftruncate,getdents64,fsync,fdatasync";

/**
 * What a process and its children do to the files in a folder: how often which system call.
 * @throws Error when strace is not there, or may not look
 */
export async function operationsIn(folder: string, pid: number, ms: number): Promise<Map<string, number>> {
  const args = ["-f", "-y", "-qq", "-e", `trace=${calls}`, "-p", String(pid)];
  const strace = spawn("strace", args, { stdio: ["ignore", "ignore", "pipe"], timeout: ms, killSignal: "SIGINT" });
  const [output] = await Promise.all([text(strace.stderr), once(strace, "exit")]);
  if (!strace.killed) throw new Error(`File operations could not be counted:\n${output}`);
  const counts = new Map<string, number>();
  for (const line of output.split("\n")) {
    const name = line.includes(folder) && /^(?:\[pid +\d+\] )?(\w+)\(/.exec(line)?.[1];
    if (name) counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return counts;
}

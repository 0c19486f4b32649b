import { posix } from "node:path";
import type { Disk, FileFacts, OpenFile } from "../../src/scheduler/state/disk";
import type { Chance } from "../crash/chance";
import type { SimulatedProcess, Timeline } from "./timeline";

const pageBytes = 4096;

/** A write that is not synced: what it wrote, and what was there before. */
interface Write {
  position: number;
  data: Buffer;
  before: Buffer;
  lengthBefore: number;
  isTruncation: boolean;
}

class FileNode {
  bytes = Buffer.alloc(256);
  length = 0;
  /** Stands for the time of the last one. */
  changes = 0;
  unsynced: Write[] = [];

  constructor(readonly ino: number) {}

  get content(): Buffer {
    return this.bytes.subarray(0, this.length);
  }

  write(data: Uint8Array, position: number): void {
    const end = position + data.length;
    this.unsynced.push({
      position,
      data: Buffer.from(data),
      before: Buffer.from(this.bytes.subarray(position, Math.min(end, this.length))),
      lengthBefore: this.length,
      isTruncation: false,
    });
    this.put(data, position);
  }

  truncate(length: number): void {
    if (length === this.length) return;
    const before = Buffer.from(this.bytes.subarray(length, this.length));
    const [position, lengthBefore] = [length, this.length];
    this.unsynced.push({ position, data: Buffer.alloc(0), before, lengthBefore, isTruncation: true });
    this.cut(length);
  }

  /** Each page is as it was at some moment since the last sync; the last write to it may be torn. */
  crash(chance: Chance): void {
    const writes = this.unsynced.splice(0);
    for (const { position, before, lengthBefore } of [...writes].reverse()) {
      this.put(before, position);
      this.cut(lengthBefore);
    }
    const moments = new Map<number, number>();
    const momentOf = (page: number): number => {
      const moment = moments.get(page) ?? chance.between(0, writes.length + 1);
      moments.set(page, moment);
      return moment;
    };
    for (const [i, { position, data, isTruncation }] of writes.entries()) {
      if (isTruncation) {
        if (i < momentOf(-1)) this.cut(position);
        continue;
      }
      for (let at = 0; at < data.length;) {
        const page = Math.floor((position + at) / pageBytes);
        const end = Math.min(data.length, (page + 1) * pageBytes - position);
        if (i < momentOf(page)) this.put(data.subarray(at, end), position + at);
        else if (i === momentOf(page)) this.put(data.subarray(at, chance.between(at, end)), position + at);
        at = end;
      }
    }
  }

  private put(data: Uint8Array, position: number): void {
    this.changes++;
    const end = position + data.length;
    if (data.length === 0) return;
    if (end > this.bytes.length) {
      const larger = Buffer.alloc(2 * end);
      larger.set(this.content);
      this.bytes = larger;
    }
    this.bytes.set(data, position);
    this.length = Math.max(this.length, end);
  }

  private cut(length: number): void {
    this.changes++;
    if (length < this.length) this.bytes.fill(0, length, this.length);
    this.length = length;
  }
}

/** A change of a folder's names: what each of them stood for before and after. */
type Renaming = { name: string; before: Node | undefined; after: Node | undefined }[];

class FolderNode {
  readonly entries = new Map<string, Node>();
  readonly changes = 0;
  unsynced: Renaming[] = [];

  constructor(readonly ino: number) {}

  change(...names: [name: string, after: Node | undefined][]): void {
    const renaming = names.map(([name, after]) => ({ name, before: this.entries.get(name), after }));
    this.unsynced.push(renaming);
    this.apply(renaming, "after");
  }

  /** File systems keep the order of what happens to names: some of the last are lost. */
  crash(chance: Chance): void {
    const changes = this.unsynced.splice(0);
    const lost = changes.splice(chance.between(0, changes.length + 1));
    for (const renaming of lost.reverse()) this.apply(renaming, "before");
  }

  private apply(renaming: Renaming, when: "before" | "after"): void {
    for (const { name, [when]: node } of renaming) {
      if (node) this.entries.set(name, node);
      else this.entries.delete(name);
    }
  }
}

type Node = FileNode | FolderNode;

/**
 * A shared file system. What was not synced is seen by all, as on real ones, until a power failure
 * loses it: content by pages, names from the last one back.
 */
export class SimulatedDisk {
  /** Nothing more fits. */
  isFull = false;
  /** The next sync fails, and with it what was to be synced. */
  isFaulty = false;
  /** Says of nothing but names that it is durable without having synced it. */
  isLying = false;
  /** A file that takes all that is written and keeps nothing. */
  forgottenPath: string | null = null;
  /** Told of what has become durable: a file that was synced. */
  onDidSync: (path: string, file: { content: Buffer }) => void = () => undefined;
  private inodes = 0;
  private readonly root = new FolderNode(this.inodes++);

  constructor(
    private readonly timeline: Timeline,
    private readonly chance: Chance,
  ) {}

  /** The file system as a process has it: every operation takes its time, and dies with the process. */
  for(owner: SimulatedProcess): Disk {
    const perform = <T>(action: () => T): Promise<T> => this.timeline.perform(this.latencyMs(), owner, action);
    // Here all have the one pid of this process, by which real ones tell their files apart.
    return this.files(perform, (path) => path.replace(`.${process.pid}.`, `.${owner.name}.`));
  }

  /** As who watches the world has it: it takes no time. */
  atOnce(): Disk {
    return this.files(
      async (action) => action(),
      (path) => path,
    );
  }

  private files(perform: <T>(action: () => T) => Promise<T>, own: (path: string) => string): Disk {
    return {
      open: (path, flags) => perform(() => this.open(own(path), flags, perform)),
      readFile: (path) => perform(() => Buffer.from(this.fileAt(path).content)),
      readdir: (path) => perform(() => [...this.folderAt(path).entries.keys()]),
      stat: (path) => perform(() => this.factsOf(this.nodeAt(path))),
      chmod: () => perform(() => undefined),
      mkdir: (path) => perform(() => this.makeFolder(path)),
      rename: (from, to) => perform(() => this.rename(own(from), to)),
      rm: (path, options) => perform(() => this.remove(own(path), options?.force === true)),
    };
  }

  /** What is there now, for whoever needs no time to look. */
  peek(path: string): Buffer | null {
    const node = this.find(path);
    return node instanceof FileNode ? node.content : null;
  }

  /** Tells what lies there from what lay there; null when nothing does. */
  inodeAt(path: string): number | null {
    return this.find(path)?.ino ?? null;
  }

  isFolder(path: string): boolean {
    return this.find(path) instanceof FolderNode;
  }

  /** A file that is simply there, and durable. */
  put(path: string, content: string | Uint8Array): void {
    const file = new FileNode(this.inodes++);
    file.write(Buffer.from(content), 0);
    file.unsynced = [];
    this.folderAt(posix.dirname(path)).entries.set(posix.basename(path), file);
  }

  /** Removes what is there, and whatever is in it, durably; null when there is nothing. */
  take(path: string): Node | null {
    const node = this.find(path);
    if (node) this.folderAt(posix.dirname(path)).entries.delete(posix.basename(path));
    return node ?? null;
  }

  /** Puts back what was taken, over what is there now. */
  putBack(path: string, node: Node): void {
    this.folderAt(posix.dirname(path)).entries.set(posix.basename(path), node);
  }

  names(path: string): string[] {
    const node = this.find(path);
    return node instanceof FolderNode ? [...node.entries.keys()] : [];
  }

  /** The power fails. */
  crash(): void {
    const visit = (folder: FolderNode): void => {
      folder.crash(this.chance);
      for (const node of folder.entries.values()) {
        if (node instanceof FolderNode) visit(node);
        else node.crash(this.chance);
      }
    };
    visit(this.root);
  }

  /** All there is becomes durable. */
  syncAll(folder = this.root): void {
    folder.unsynced = [];
    for (const node of folder.entries.values()) {
      node.unsynced = [];
      if (node instanceof FolderNode) this.syncAll(node);
    }
  }

  private latencyMs(): number {
    return this.chance.next() < 0.02 ? 1000 * this.chance.next() : 0.1 + 3 * this.chance.next();
  }

  private open(path: string, flags: string, perform: <T>(action: () => T) => Promise<T>): OpenFile {
    const node = this.find(path) ?? null;
    if (flags === "ax" && node) throw failure("EEXIST", path);
    if (flags === "r" || flags === "r+") return this.handle(this.nodeAt(path), path, perform);
    if (node instanceof FolderNode) throw failure("EISDIR", path);
    if (node) {
      node.truncate(0);
      return this.handle(node, path, perform);
    }
    if (this.isFull && this.chance.next() < 0.5) throw failure("ENOSPC", path);
    const created = new FileNode(this.inodes++);
    this.folderAt(posix.dirname(path)).change([posix.basename(path), created]);
    return this.handle(created, path, perform, flags === "ax");
  }

  private handle(node: Node, path: string, perform: <T>(action: () => T) => Promise<T>, appends = false): OpenFile {
    const file = () => {
      if (node instanceof FolderNode) throw failure("EISDIR", path);
      return node;
    };
    const write = (data: Uint8Array, at: number): number => {
      const position = appends && node instanceof FileNode ? node.length : at;
      if (path === this.forgottenPath) return data.length;
      if (!this.isFull) {
        // A write may take less than it is given.
        const length = this.chance.next() < 0.01 ? this.chance.between(1, data.length + 1) : data.length;
        file().write(data.subarray(0, length), position);
        return length;
      }
      const fits = this.chance.between(0, Math.min(data.length, 64));
      if (fits === 0) throw failure("ENOSPC", path);
      file().write(data.subarray(0, fits), position);
      return fits;
    };
    const sync = (): void => {
      if (this.isFaulty) {
        this.isFaulty = false;
        throw failure("EIO", path);
      }
      if (!this.isLying) node.unsynced = [];
      if (node instanceof FileNode) this.onDidSync(path, node);
    };
    return {
      write: (bytes, offset, length, position) =>
        perform(() => ({ bytesWritten: write(bytes.subarray(offset, offset + length), position) })),
      writeFile: (data) =>
        perform(() => {
          const bytes = Buffer.from(data);
          for (let at = 0; at < bytes.length;) at += write(bytes.subarray(at), at);
        }),
      datasync: () => perform(sync),
      sync: () => perform(sync),
      truncate: (length) => perform(() => file().truncate(length)),
      close: () => perform(() => undefined),
    };
  }

  private factsOf(node: Node): FileFacts {
    const isFile = node instanceof FileNode;
    return { ino: node.ino, size: isFile ? node.length : 0, mode: 0, mtimeMs: node.changes, isFile: () => isFile };
  }

  private makeFolder(path: string): void {
    let folder = this.root;
    for (const name of namesOf(path)) {
      const next = folder.entries.get(name);
      if (next instanceof FileNode) throw failure("ENOTDIR", path);
      const inside = next ?? new FolderNode(this.inodes++);
      if (!next) folder.change([name, inside]);
      folder = inside;
    }
  }

  private rename(from: string, to: string): void {
    const [folder, target] = [this.folderAt(posix.dirname(from)), this.folderAt(posix.dirname(to))];
    if (folder !== target) throw failure("EXDEV", from);
    const node = this.nodeAt(from);
    const before = this.find(to);
    if (before instanceof FolderNode && before.entries.size > 0) throw failure("ENOTEMPTY", to);
    folder.change([posix.basename(from), undefined], [posix.basename(to), node]);
  }

  private remove(path: string, force: boolean): void {
    if (!this.find(path) && force) return;
    this.nodeAt(path);
    this.folderAt(posix.dirname(path)).change([posix.basename(path), undefined]);
  }

  private find(path: string): Node | undefined {
    let node: Node | undefined = this.root;
    for (const name of namesOf(path)) node = node instanceof FolderNode ? node.entries.get(name) : undefined;
    return node;
  }

  private nodeAt(path: string): Node {
    const node = this.find(path);
    if (!node) throw failure("ENOENT", path);
    return node;
  }

  private fileAt(path: string): FileNode {
    const node = this.nodeAt(path);
    if (node instanceof FolderNode) throw failure("EISDIR", path);
    return node;
  }

  private folderAt(path: string): FolderNode {
    const node = this.nodeAt(path);
    if (node instanceof FileNode) throw failure("ENOTDIR", path);
    return node;
  }
}

function namesOf(path: string): string[] {
  return path.split("/").filter((name) => name !== "");
}

function failure(code: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${path}`), { code });
}

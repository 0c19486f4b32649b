import * as promises from "node:fs/promises";

/** An open file, as far as state is written with it. */
export interface OpenFile {
  write(bytes: Uint8Array, offset: number, length: number, position: number): Promise<{ bytesWritten: number }>;
  writeFile(data: string | Uint8Array): Promise<void>;
  datasync(): Promise<void>;
  sync(): Promise<void>;
  truncate(length: number): Promise<void>;
  close(): Promise<void>;
}

/** What a file system says of a file, links followed. */
export interface FileFacts {
  ino: number;
  size: number;
  mode: number;
  mtimeMs: number;
  /** False of a folder, a pipe and a device, of which the last two may be read without end. */
  isFile(): boolean;
}

/**
 * What the state of a run takes from a file system. A run directory has one, so that tests can pass
 * one that fails, or that forgets in a crash what was not synced.
 */
export interface Disk {
  /**
   * `ax` makes a file that must not exist yet, and writes at its end whatever the position; `r+` takes one
   * that exists, `r` opens a folder to sync it.
   */
  open(path: string, flags: "w" | "ax" | "r+" | "r", mode?: number): Promise<OpenFile>;
  readFile(path: string): Promise<Buffer>;
  readdir(path: string): Promise<string[]>;
  stat(path: string): Promise<FileFacts>;
  chmod(path: string, mode: number): Promise<void>;
  mkdir(path: string, options: { recursive: true; mode: number }): Promise<unknown>;
  rename(from: string, to: string): Promise<void>;
  rm(path: string, options?: { recursive?: boolean; force?: boolean }): Promise<void>;
}

/** That of this machine. */
export const realDisk: Disk = promises;

import { readFile, stat } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import * as v from "valibot";
import { AdaptiveError, errnoOf } from "./errors";

/** What `run.json` says; it is written last, so a directory without it holds no run. */
const runFileSchema = v.object({
  version: v.literal(1),
  runId: v.string(),
  name: v.string(),
  /** The learners file, absolute. */
  study: v.string(),
  cluster: v.string(),
  /** ISO 8601. */
  created: v.string(),
});
export type RunFile = v.InferOutput<typeof runFileSchema>;

/** The places in a run directory. */
export class RunDirectory {
  /** Absolute path: the working directory of jobs, where the user's data lies. */
  readonly path: string;

  constructor(path: string) {
    this.path = resolve(path);
  }

  get name(): string {
    return basename(this.path);
  }

  /** Everything of ours, mode 0700. */
  get own(): string {
    return join(this.path, ".adaptive");
  }

  /** A place in our part of the directory. */
  at(...names: string[]): string {
    return join(this.own, ...names);
  }

  get runFile(): string {
    return this.at("run.json");
  }

  get database(): string {
    return this.at("database.sqlite");
  }

  /** The snapshot before the newest one, kept with the journals that follow it. */
  get previousDatabase(): string {
    return this.at("database.previous.sqlite");
  }

  get endpoint(): string {
    return this.at("endpoint.json");
  }

  get epochs(): string {
    return this.at("epochs");
  }

  get outbox(): string {
    return this.at("outbox");
  }

  get lock(): string {
    return this.at("lock");
  }

  get log(): string {
    return this.at("scheduler.log");
  }

  get jobs(): string {
    return this.at("jobs");
  }

  code(revision: string): string {
    return this.at("code", revision);
  }

  /** Of our part of the directory: a copy has another one, also under the same path. */
  async inode(): Promise<number> {
    return (await stat(this.own)).ino;
  }

  /** Holds the name of the revision that jobs which start now run. */
  get currentRevision(): string {
    return this.at("code", "current");
  }

  async hasRun(): Promise<boolean> {
    try {
      await stat(this.runFile);
      return true;
    } catch (error) {
      if (errnoOf(error) === "ENOENT" || errnoOf(error) === "ENOTDIR") return false;
      throw error;
    }
  }

  /** @throws AdaptiveError `no-run` or `run-file-damaged` */
  async readRunFile(): Promise<RunFile> {
    let text: string;
    try {
      text = await readFile(this.runFile, "utf8");
    } catch (error) {
      if (errnoOf(error) !== "ENOENT" && errnoOf(error) !== "ENOTDIR") throw error;
      throw new AdaptiveError(
        "no-run",
        `There is no run in ${this.path}.`,
        "Name the folder of a study that was started, or start one: adaptive-scheduler run --learners FILE --cluster local",
        { cause: error },
      );
    }
    try {
      return v.parse(runFileSchema, JSON.parse(text));
    } catch (error) {
      throw new AdaptiveError(
        "run-file-damaged",
        `${this.runFile} cannot be understood.`,
        "It may be of another version, or damaged: restore it from a backup.",
        { cause: error },
      );
    }
  }

  /** An error of the file system in this directory, in words for a person; any other as it is. */
  explain(error: unknown): unknown {
    switch (errnoOf(error)) {
      case "EACCES":
      case "EPERM":
      case "EROFS":
        return new AdaptiveError(
          "not-writable",
          `${this.path} is not writable.`,
          "The run and its data are kept there: move the study to a folder of yours.",
          { cause: error },
        );
      case "ENOSPC":
      case "EDQUOT":
        return new AdaptiveError(
          "disk-full",
          `The disk of ${this.path} is full.`,
          "Make room and start again; nothing is lost.",
          { cause: error },
        );
      default:
        return error;
    }
  }
}

import { readdir, readFile, stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import * as v from "valibot";
import { realDisk, type Disk } from "./disk";
import { AdaptiveError, diskFull, errnoOf } from "./errors";
import { isNamable } from "./folderWalk";

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

const firstFolder = ".adaptive";
/** Where deleted runs wait to be put back or deleted for good. */
const trashFolder = ".adaptive-trash";

/** The places in a run directory. Several runs may share one, each with a folder of its own. */
export class RunDirectory {
  /** Absolute path: the working directory of jobs, where the user's data lies. */
  readonly path: string;

  constructor(
    path: string,
    /** Name of our folder in it. */
    readonly folder = firstFolder,
    readonly disk: Disk = realDisk,
  ) {
    this.path = resolve(path);
  }

  /**
   * The run of a study on this machine lives in the study's own folder: that of `_learners.py` in
   * `.adaptive`, that of another learners file in `.adaptive-<its name>`.
   */
  static ofStudy(learnersFile: string): RunDirectory {
    const file = resolve(learnersFile);
    const stem = basename(file, ".py");
    return new RunDirectory(dirname(file), stem === "_learners" ? firstFolder : `${firstFolder}-${stem}`);
  }

  /** The run that keeps its state in this folder. */
  static ofStateFolder(path: string): RunDirectory {
    return new RunDirectory(dirname(resolve(path)), basename(resolve(path)));
  }

  /**
   * The runs in a folder; none when there is no such folder.
   *
   * @param sign the file that a run is known by; the database is there before the run is whole
   */
  static async allIn(path: string, sign: "run.json" | "database.sqlite" = "run.json"): Promise<RunDirectory[]> {
    const names = await readdir(path).catch((error: unknown) => {
      if (errnoOf(error) === "ENOENT" || errnoOf(error) === "ENOTDIR") return [];
      throw error;
    });
    const folders = names.filter((name) => name === firstFolder || name.startsWith(`${firstFolder}-`)).sort();
    const found = folders.map((folder) => new RunDirectory(path, folder));
    const has = await Promise.all(found.map((directory) => exists(directory.at(sign))));
    return found.filter((_, i) => has[i]);
  }

  /** The folder's name, with that of the learners file when it is not the folder's first. */
  get name(): string {
    return basename(this.path) + this.folder.slice(firstFolder.length);
  }

  /** Everything of ours, mode 0700. It stands for the run where one path has to. */
  get own(): string {
    return join(this.path, this.folder);
  }

  /** The folder's trash. */
  get trash(): string {
    return join(this.path, trashFolder);
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

  /** There when the run's schedulers are jobs of the queue. */
  get servedInJob(): string {
    return this.at("served-in-job");
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

  hasRun(): Promise<boolean> {
    return exists(this.runFile);
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
        return diskFull(this.path, error);
      default:
        return error;
    }
  }
}

/**
 * Makes sure that jobs can come by the code of a run that lies in a folder.
 *
 * @throws AdaptiveError `bad-folder-name`
 */
export function checkFolderName(path: string): void {
  const refuse = (why: string, hint: string) => new AdaptiveError("bad-folder-name", `${path} ${why}.`, hint);
  if (!isNamable(path)) {
    throw refuse("has a name that is not UTF-8, with \u{FFFD} for what is not", "Rename that folder or file.");
  }
  if (path.includes(":")) {
    throw refuse("has a colon in its path, which PYTHONPATH cannot hold", "Rename the folder that has it.");
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (errnoOf(error) === "ENOENT" || errnoOf(error) === "ENOTDIR") return false;
    throw error;
  }
}

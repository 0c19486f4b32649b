import { join } from "node:path";
import type { Log } from "./log";
import type { Disk } from "./state/disk";
import { AdaptiveError } from "./state/errors";
import { isNotThere, makeFolder, readWhole, writeFileAtomically } from "./state/files";
import type { RunDirectory } from "./state/runDirectory";
import { settingsOf } from "./state/settings";
import type { Store } from "./state/store";
import { codeFiles } from "./study/code";
import { KeptRevision } from "./study/keptRevision";

export interface UpkeepOptions {
  store: Store;
  log: Log;
  /** Where the package for jobs comes from, and where it lies in the run. */
  assets: string;
  client: string;
  /** Told of what a person has to mend, and (null) when that is done. */
  onNotice: (notice: AdaptiveError | null) => void;
  onFatal: (error: unknown) => void;
}

/** The folders that a run is served with, made where they are not. */
export async function makeFolders(directory: RunDirectory): Promise<string[]> {
  const made: string[] = [];
  for (const folder of [directory.jobs, directory.outbox, directory.at("code"), directory.at("client")]) {
    if (await makeFolder(folder, directory.disk)) made.push(folder);
  }
  return made;
}

/**
 * Has a small file say what it should.
 *
 * @returns whether there was anything to do
 */
export async function putBack(path: string, content: string, disk: Disk): Promise<boolean> {
  const found = await readWhole(path, disk).catch((error: unknown) => {
    if (isNotThere(error)) return null;
    throw error;
  });
  if (found?.toString() === content) return false;
  await writeFileAtomically(path, content, 0o600, disk);
  return true;
}

/** Whatever lies in the state folder of a run may vanish or change: looks after it, and makes it anew. */
export class Upkeep {
  /** Files that are small and stay as they are: path and content. */
  private readonly kept = new Map<string, string>();
  private readonly client: KeptRevision;
  private code: KeptRevision | null = null;
  private looking: Promise<void> | null = null;
  private trouble = "";
  private gone = "";

  constructor(private readonly options: UpkeepOptions) {
    this.client = new KeptRevision(options.client, join("adaptive_scheduler", "__init__.py"));
  }

  /** From now on this file says this. */
  keep(path: string, content: string): void {
    this.kept.set(path, content);
  }

  /** Returns when it was looked after; one look at a time, for a disk may take long to answer. */
  look(): Promise<void> {
    this.looking ??= this.mendAll().finally(() => (this.looking = null));
    return this.looking;
  }

  /** Returns when no look is under way. */
  async settled(): Promise<void> {
    await this.looking;
  }

  /** What no job can save without, and what the next start reads. */
  async mendState(): Promise<void> {
    try {
      (await this.options.store.mend()).forEach((path) => this.say(path));
    } catch (error) {
      this.options.onFatal(error);
    }
  }

  private async mendAll(): Promise<void> {
    const { store, log } = this.options;
    // First, because it looks whether the run is ours still.
    await this.mendState();
    try {
      (await makeFolders(store.directory)).forEach((path) => this.say(path));
      for (const [path, content] of this.kept) await this.keepAs(path, content);
      await this.mendCode();
      this.trouble = "";
    } catch (error) {
      // The next look may do better.
      if (String(error) !== this.trouble) log.write(`${store.directory.own} could not be mended: ${String(error)}`);
      this.trouble = String(error);
    }
  }

  private async mendCode(): Promise<void> {
    const { store, assets } = this.options;
    const { directory, model } = store;
    const { revision, learnersFile } = model.run;
    const folder = directory.code(revision);
    if (this.code?.folder !== folder) this.code = new KeptRevision(folder, learnersFile);
    const ofStudy = async () => {
      // What is named there and is not there is another revision.
      const files = await codeFiles(directory.path, settingsOf(model.run).include).catch(() => []);
      return { folder: directory.path, files };
    };
    const ofPackage = async () => {
      const python = join(assets, "python");
      return { folder: python, files: await codeFiles(python, []).catch(() => []) };
    };
    const [code, client] = [await this.code.mend(ofStudy), await this.client.mend(ofPackage)];
    if (code === "mended") this.say(folder);
    if (client === "mended") this.say(this.client.folder);
    await this.keepAs(directory.currentRevision, `${revision}\n`);
    this.notice(code === "gone" ? "code" : client === "gone" ? "client" : "");
  }

  /** Only what is still the same where it came from is put back: what a person has edited since is theirs to take. */
  private notice(gone: "code" | "client" | ""): void {
    const { onNotice, store, client } = this.options;
    if (gone === this.gone) return;
    this.gone = gone;
    const until = "Until then jobs that start end at once.";
    if (gone === "") onNotice(null);
    else if (gone === "code") {
      const path = store.directory.code(store.model.run.revision);
      const what = `Files of this run's code (${path}) were deleted or changed, and the study was edited since.`;
      onNotice(
        new AdaptiveError("code-gone", what, `Take the study as it is now: adaptive-scheduler update. ${until}`),
      );
    } else {
      const what = `Files of the package that jobs import (${client}) were deleted or changed, and this program was updated since.`;
      const how = "End the scheduler (adaptive-scheduler stop --shut-down) and start the run again.";
      onNotice(new AdaptiveError("code-gone", what, `${how} ${until}`));
    }
  }

  private async keepAs(path: string, content: string): Promise<void> {
    if (await putBack(path, content, this.options.store.directory.disk)) this.say(path);
  }

  private say(path: string): void {
    this.options.log.write(`${path} was gone or changed, and is made anew`);
  }
}

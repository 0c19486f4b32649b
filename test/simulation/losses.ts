import { endpointOf } from "../../src/scheduler/workers/endpoint";
import { recover } from "../../src/scheduler/state/recovery";
import { RunDirectory } from "../../src/scheduler/state/runDirectory";
import type { SimulatedScheduler } from "./scheduler";
import type { World } from "./world";

/** A scheduler has that long for what the real one does every five seconds, on a slow disk. */
const mendedWithinMs = 120_000;

/** Something that lay in the state folder, and what is in its place, by their inodes. */
interface Lost {
  path: string;
  was: NonNullable<ReturnType<World["disk"]["take"]>>;
  nowInode: number | null;
}

/**
 * What a scheduler keeps in the state folder vanishes or changes while it serves. Promised is: it is made anew soon,
 * and until then nothing that was answered is lost as long as the scheduler lives. So whoever comes or goes before
 * that finds it put back, as from a backup; an old version of the file of epochs is not among the fates, for until it
 * is made anew a job that was cut off long ago may save by it.
 */
export class Losses {
  /** Changes may be in snapshots alone. */
  haveHappened = false;
  private lost: readonly Lost[] = [];

  constructor(private readonly world: World) {}

  strike(): void {
    const { disk, chance, schedulers, timeline, directory } = this.world;
    const [serving, ...others] = schedulers.filter(({ process }) => process.isAlive);
    const isUndisturbed = serving?.isServing === true && others.length === 0 && !disk.isFull && this.lost.length === 0;
    if (!isUndisturbed || serving.process.frozenUntil > timeline.now) return;
    const names = disk.names(directory.own).filter((name) => isKept.test(name));
    const one = names[chance.between(0, names.length)];
    const chosen = chance.next() < 0.2 ? names : names.filter((name) => name === one);
    this.haveHappened = true;
    this.lost = chosen.flatMap((name) => this.lose(name));
    const since = timeline.now;
    const { lost } = this;
    timeline.after(mendedWithinMs, () => {
      if (this.lost !== lost) return;
      const { isAlive, frozenUntil } = serving.process;
      if (isAlive && frozenUntil <= since)
        this.world.due.push(() =>
          this.requireMended(serving).catch((error: unknown) => this.world.onFatal(serving, error)),
        );
      else this.undo();
    });
  }

  /** Puts back what nobody has made anew. */
  undo(): void {
    const { disk } = this.world;
    const { lost } = this;
    this.lost = [];
    for (const { path, was, nowInode } of lost) if (disk.inodeAt(path) === nowInode) disk.putBack(path, was);
  }

  isLost(path: string): boolean {
    return this.lost.some((one) => one.path === path);
  }

  private lose(name: string): Lost[] {
    const { disk, chance, directory } = this.world;
    const path = directory.at(name);
    const content = disk.peek(path);
    const was = disk.take(path);
    if (was === null) return [];
    const old = name.startsWith("journal")
      ? content?.subarray(0, content.length / 2)
      : disk.peek(directory.previousDatabase);
    const fates = [null, "", "words of somebody\n", ...(name === "epochs" || !old ? [] : [old])];
    const fate = fates[chance.between(0, fates.length)] ?? null;
    if (fate !== null) disk.put(path, fate);
    this.world.trace("lost", name, fate === null ? "removed" : `replaced by ${fate.length} bytes`);
    return [{ path, was, nowInode: disk.inodeAt(path) }];
  }

  /** Looked at between two steps, so that nothing moves meanwhile. */
  private async requireMended({ host, pid }: SimulatedScheduler): Promise<void> {
    const { world } = this;
    const { disk, checks, directory } = world;
    const words = this.lost.map(({ path }) => path).join(", ");
    const made = (what: string) => () => `${words} was lost for ${mendedWithinMs} ms, and ${what} is not made anew`;
    const endpoint = endpointOf(String(disk.peek(directory.endpoint)));
    checks.require(endpoint?.host === host.name && endpoint.pid === pid, made("the endpoint"));
    for (const folder of [directory.jobs, directory.outbox]) {
      checks.require(disk.isFolder(folder), made(folder));
    }
    checks.requireEpochs(made("the file of epochs"));
    const recovered = await recover(new RunDirectory(directory.path, undefined, disk.atOnce()), world.wasm).catch(
      (error: unknown) => String(error),
    );
    const seq = typeof recovered === "string" ? -1 : recovered.model.run.seq;
    if (typeof recovered !== "string") recovered.database.close();
    checks.requirePublished(seq, made(typeof recovered === "string" ? recovered : `what was answered (${seq})`));
    world.count("file made anew");
    this.lost = [];
  }
}

/** Of those that schedulers here have: their lock has faults of its own. */
const isKept = /^(database\.sqlite|database\.previous\.sqlite|journal-.*\.jsonl|epochs|endpoint\.json|jobs|outbox)$/;

import type { Clock } from "../scheduler/state/clock";
import { Emitter } from "./event";

const tickMs = 5000;
/** A busy computer may be late by seconds; one that slept is by more. */
const sleptMs = 10_000;
/** Meanwhile somebody may have gone elsewhere with the computer. */
const awayMs = 60_000;

/**
 * Whether the computer has slept, by how late a timer came.
 * @param elapsedMs by the clock on the wall: others may stand still meanwhile. When that is set, it is only thought so
 */
export function hasSlept(askedMs: number, elapsedMs: number): boolean {
  return elapsedMs - askedMs > sleptMs;
}

/** Notices when the computer wakes up, or a person comes back to it after a while. */
export class Awakenings {
  private readonly awoken = new Emitter<void>();
  readonly onDidAwake = this.awoken.event;
  private awaySince: number | null = null;
  private cancelTick: () => void = () => undefined;

  /** @param clock of the system */
  constructor(private readonly clock: Clock) {
    this.tick();
  }

  /** The editor's window has got the focus, or lost it. */
  focus(isFocused: boolean): void {
    const { awaySince } = this;
    const now = this.clock.now();
    if (!isFocused) this.awaySince ??= now;
    else this.awaySince = null;
    if (isFocused && awaySince !== null && now - awaySince > awayMs) this.awoken.fire();
  }

  dispose(): void {
    this.cancelTick();
    this.awoken.dispose();
  }

  private tick(): void {
    const since = this.clock.now();
    this.cancelTick = this.clock.after(tickMs, () => {
      if (hasSlept(tickMs, this.clock.now() - since)) this.awoken.fire();
      this.tick();
    });
  }
}

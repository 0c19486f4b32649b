import type { Clock } from "../scheduler/state/clock";

/** Calls `act` at once, and then at most once per interval however often it is asked; the last request is never lost. */
export class Coalescer {
  private lastMs = -Infinity;
  private cancel: (() => void) | null = null;

  constructor(
    private readonly clock: Clock,
    private readonly intervalMs: number,
    private readonly act: () => void,
  ) {}

  request(): void {
    if (this.cancel !== null) return;
    const waitMs = this.lastMs + this.intervalMs - this.clock.now();
    if (waitMs <= 0) this.run();
    else this.cancel = this.clock.after(waitMs, () => this.run());
  }

  dispose(): void {
    this.cancel?.();
    this.cancel = null;
  }

  private run(): void {
    this.cancel = null;
    this.lastMs = this.clock.now();
    this.act();
  }
}

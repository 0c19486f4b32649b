import type { Clock } from "../scheduler/state/clock";
import { Coalescer } from "../remote/coalescer";

/** An asynchronous refresh: one at a time, at most one per interval, and the last request is never lost. */
export class Refresher {
  private readonly coalescer: Coalescer;
  private isRunning = false;
  private isDue = false;

  constructor(
    clock: Clock,
    intervalMs: number,
    private readonly act: () => Promise<void>,
    private readonly onError: (error: unknown) => void,
  ) {
    this.coalescer = new Coalescer(clock, intervalMs, () => void this.run());
  }

  request(): void {
    this.coalescer.request();
  }

  dispose(): void {
    this.coalescer.dispose();
    this.isDue = false;
  }

  private async run(): Promise<void> {
    if (this.isRunning) {
      this.isDue = true;
      return;
    }
    this.isRunning = true;
    try {
      await this.act();
    } catch (error) {
      this.onError(error);
    } finally {
      this.isRunning = false;
      if (this.isDue) {
        this.isDue = false;
        this.request();
      }
    }
  }
}

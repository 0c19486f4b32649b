/** What can die or freeze: all that it has under way dies or waits with it. */
export class SimulatedProcess {
  isAlive = true;
  frozenUntil = 0;
  /** Dies when it has done so many more steps: behind the effect of the last one, before it hears of it. */
  stepsToLive = Infinity;
  /** Freezes when it has done so many more steps, in front of the next. */
  stepsToFreeze = Infinity;
  onFreeze: () => void = () => undefined;
  onDeath: () => void = () => undefined;

  constructor(readonly name: string) {}

  die(): void {
    if (!this.isAlive) return;
    this.isAlive = false;
    this.onDeath();
  }
}

interface Event {
  at: number;
  order: number;
  act: (() => void) | null;
  owner: SimulatedProcess | null;
}

/**
 * Time that passes only from one event to the next. Everything a simulation does is an event, one
 * after the other, so that a seed determines it all.
 */
export class Timeline {
  /** Milliseconds since the simulation began. */
  now = 0;
  steps = 0;
  private readonly events: Event[] = [];
  private order = 0;
  private isSettling = false;

  /** Calls back after a while, unless the owner has died by then; returns what cancels that. */
  after(delayMs: number, act: () => void, owner: SimulatedProcess | null = null): () => void {
    const event: Event = { at: this.now + delayMs, order: this.order++, act, owner };
    this.push(event);
    return () => {
      event.act = null;
    };
  }

  /** Does something after a while in the name of a process, and then tells it; a dead one hears nothing. */
  perform<T>(delayMs: number, owner: SimulatedProcess, action: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      const act = (): void => {
        let tell: () => void;
        try {
          const value = action();
          tell = () => resolve(value);
        } catch (error) {
          tell = () => reject(error instanceof Error ? error : new Error(String(error)));
        }
        if (--owner.stepsToFreeze === 0) owner.onFreeze();
        if (--owner.stepsToLive <= 0) owner.die();
        else this.settle(tell);
      };
      this.after(delayMs, act, owner);
    });
  }

  sleep(delayMs: number, owner: SimulatedProcess): Promise<void> {
    return this.perform(delayMs, owner, () => undefined);
  }

  /** Settles a promise; what awaits it goes on before the next event. */
  settle(resolve: () => void): void {
    this.isSettling = true;
    resolve();
  }

  /** Lets what an event has called in promises get as far as it can. */
  startTask(task: () => Promise<unknown>, onError: (error: unknown) => void): void {
    this.settle(() => void task().catch(onError));
  }

  /** Goes on to the next event; false when there is none. */
  async step(): Promise<boolean> {
    const event = this.pop();
    if (!event) return false;
    if (!event.act) return true;
    const { owner } = event;
    if (owner && !owner.isAlive) return true;
    if (owner && owner.frozenUntil > event.at) {
      event.at = owner.frozenUntil;
      this.push(event);
      return true;
    }
    this.now = event.at;
    this.steps++;
    event.act();
    if (this.isSettling) {
      this.isSettling = false;
      await new Promise((resolve) => setImmediate(resolve));
    }
    return true;
  }

  private push(event: Event): void {
    const { events } = this;
    let i = events.push(event) - 1;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      const above = events[parent];
      if (!above || !isBefore(event, above)) break;
      events[i] = above;
      i = parent;
    }
    events[i] = event;
  }

  private pop(): Event | null {
    const { events } = this;
    const first = events[0];
    const last = events.pop();
    if (!first || !last) return null;
    if (events.length === 0) return first;
    let i = 0;
    for (;;) {
      const [left, right] = [events[2 * i + 1], events[2 * i + 2]];
      if (!left) break;
      const isRight = right !== undefined && isBefore(right, left);
      const child = isRight ? right : left;
      if (!isBefore(child, last)) break;
      events[i] = child;
      i = 2 * i + (isRight ? 2 : 1);
    }
    events[i] = last;
    return first;
  }
}

function isBefore(a: Event, b: Event): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}

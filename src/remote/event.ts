import type { Disposable, Event } from "vscode";

/** An event as VS Code's, without VS Code: what is tested in plain Node must not load the editor. */
export class Emitter<T> {
  private readonly listeners = new Set<(value: T) => unknown>();

  readonly event: Event<T> = (listener, thisArgs?: unknown, disposables?: Disposable[]) => {
    const call = (value: T): unknown => listener.call(thisArgs, value);
    this.listeners.add(call);
    const registration = { dispose: () => this.listeners.delete(call) };
    disposables?.push(registration);
    return registration;
  };

  /** Calls every listener; one that throws does not keep the others from hearing. */
  fire(value: T): void {
    for (const listener of [...this.listeners]) {
      try {
        listener(value);
      } catch (error) {
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }

  dispose(): void {
    this.listeners.clear();
  }
}

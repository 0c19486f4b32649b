import type { Disposable } from "vscode";

/** Things that end together, the newest first; one that comes too late ends at once. */
export class DisposableScope {
  private readonly held: { dispose(): unknown }[] = [];
  private isDisposed = false;

  add<T extends { dispose(): unknown }>(disposable: T): T {
    if (this.isDisposed) disposable.dispose();
    else this.held.push(disposable);
    return disposable;
  }

  dispose(): void {
    this.isDisposed = true;
    for (const disposable of this.held.splice(0).reverse()) disposable.dispose();
  }
}

/** Several registrations as one. */
export function together(...disposables: readonly { dispose(): unknown }[]): Disposable {
  return {
    dispose: () => {
      for (const disposable of disposables) disposable.dispose();
    },
  };
}

import type { ToPage } from "./messages";

/**
 * What is said to a page: of each kind the newest, all in one message, and the next once that has arrived. An editor in a
 * browser takes in what extensions say one message after another, on a busy machine a few in a second: what is sent
 * without waiting makes a queue that grows, in which the trees of the sidebar stand too.
 */
export class PageMail {
  private readonly waiting = new Map<ToPage["type"], ToPage>();
  private onItsWay: PromiseLike<unknown> | null = null;

  /** @param deliver to the page; settles when it has them, or is gone */
  constructor(private readonly deliver: (messages: readonly ToPage[]) => PromiseLike<unknown>) {}

  post(message: ToPage): void {
    this.waiting.delete(message.type);
    this.waiting.set(message.type, message);
    void this.sendWaiting();
  }

  /** The page is gone, or another one in its place: what was on its way to it is not waited for. */
  reset(): void {
    this.waiting.clear();
    this.onItsWay = null;
  }

  private async sendWaiting(): Promise<void> {
    if (this.onItsWay !== null || this.waiting.size === 0) return;
    const sent = this.deliver([...this.waiting.values()]);
    this.waiting.clear();
    this.onItsWay = sent;
    await Promise.resolve(sent).catch(() => undefined);
    if (this.onItsWay !== sent) return;
    this.onItsWay = null;
    void this.sendWaiting();
  }
}

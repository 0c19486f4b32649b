import type { Notifications, Progress } from "../scheduler/control/protocol";
import { AdaptiveError, toAdaptiveError } from "../scheduler/state/errors";
import type { Replica } from "./replica/replica";

/**
 * Brings what one connection streams into the replica, in order. What comes while the snapshot is
 * still being read waits for it.
 */
export class Feed {
  /** Rejects when something cannot be applied, for instance after a gap; never resolves. */
  readonly failed: Promise<never>;
  private fail: (why: AdaptiveError) => void = () => undefined;
  private held: (() => void)[] | null = [];
  private incarnation: number | null = null;

  /** @param onApplied told the newest change after changes (null after progress) */
  constructor(
    private readonly replica: Replica,
    private readonly onApplied: (seq: number | null) => void,
  ) {
    this.failed = new Promise<never>((_, reject) => (this.fail = reject));
    this.failed.catch(() => undefined);
  }

  /** The snapshot, if any, is on its way into the replica: from here on everything passes. */
  open(incarnation: number): void {
    this.incarnation = incarnation;
    const held = this.held ?? [];
    this.held = null;
    for (const pass of held) pass();
  }

  changes({ incarnation, changes }: Notifications["changes"]): void {
    this.pass(async () => {
      if (incarnation !== this.incarnation) {
        throw new AdaptiveError("gap", `Changes of incarnation ${incarnation} came, not of ${this.incarnation}`);
      }
      this.onApplied(await this.replica.applyChanges(changes));
    });
  }

  progress(progress: Progress): void {
    this.pass(async () => {
      await this.replica.applyProgress(progress);
      this.onApplied(null);
    });
  }

  private pass(apply: () => Promise<void>): void {
    const act = (): void => void apply().catch((error: unknown) => this.fail(toAdaptiveError(error)));
    if (this.held === null) act();
    else this.held.push(act);
  }
}

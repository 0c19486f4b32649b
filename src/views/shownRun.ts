import type { Overview } from "../remote/replica/queries";
import type { RunSession } from "../remote/runSession";
import type { RunSessions } from "../remote/runSessions";
import { systemClock } from "../scheduler/state/clock";
import { Emitter } from "../remote/event";
import { DisposableScope, together } from "./disposableScope";
import { Refresher } from "./refresher";

const refreshIntervalMs = 500;

/** The run that the trees and the status bar show: the active session with its newest overview. */
export class ShownRun {
  session: RunSession | null = null;
  /** Null until the replica has been filled. */
  overview: Overview | null = null;
  /** Since when the link stands where it stands, in milliseconds since the epoch. */
  linkSinceMs = Date.now();
  private readonly changed = new Emitter<void>();
  /** The run, its overview, its rows or its link; at most twice a second. */
  readonly onDidChange = this.changed.event;
  private readonly scope = new DisposableScope();
  private readonly refresher: Refresher;
  private following: { dispose(): unknown } = { dispose: () => undefined };

  constructor(
    private readonly sessions: RunSessions,
    log: (line: string) => void,
  ) {
    this.refresher = this.scope.add(
      new Refresher(
        systemClock,
        refreshIntervalMs,
        () => this.refresh(),
        (error) => log(`overview: ${String(error)}`),
      ),
    );
    this.scope.add(sessions.onDidChangeActive(() => this.follow()));
    this.follow();
  }

  dispose(): void {
    this.following.dispose();
    this.scope.dispose();
    this.changed.dispose();
  }

  private follow(): void {
    this.following.dispose();
    const session = this.sessions.active;
    this.session = session;
    this.overview = null;
    this.linkSinceMs = Date.now();
    this.changed.fire();
    if (session === null) return;
    this.following = together(
      session.onDidChange(() => this.refresher.request()),
      session.onDidChangeLink(() => {
        this.linkSinceMs = Date.now();
        this.changed.fire();
      }),
    );
    this.refresher.request();
  }

  private async refresh(): Promise<void> {
    const { session } = this;
    if (session === null) return;
    const overview = await session.query("overview", null);
    if (session !== this.session) return;
    this.overview = overview;
    this.changed.fire();
  }
}

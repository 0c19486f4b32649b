import type { Commands } from "./control/clients";
import { statesFor } from "./control/learnerVerbs";
import type { Params } from "./control/protocol";
import type { JobLoop } from "./jobs/loop";
import { failedLearners, findLearners, listJobs, missedGoals } from "./questions";
import { reclassified } from "./state/classes";
import { asJobId, asLearnerId, type Activity, type LearnerId, type LearnerState, pausedByPerson } from "./state/rows";
import { hasRemark, withRemark } from "./state/runRemarks";
import { settingsOf, type Configuration } from "./state/settings";
import type { Store } from "./state/store";

export interface VerbsOptions {
  store: Store;
  loop: Pick<JobLoop, "poke" | "cancel">;
  /** Tells the worker of a learner what is wished of it now; of all learners without one. */
  wish: (learner?: LearnerId) => void;
  onDidChangeActivity: (activity: Activity, reason: string | null) => void;
  /** Rejects settings that the jobs' Python cannot do, saying why. */
  check: (configuration: Configuration) => Promise<void>;
  /** Other settings hold now. */
  onDidConfigure: () => void;
}

type Verb =
  | "startJobs"
  | "stopJobs"
  | "pauseJobs"
  | "configure"
  | "retryLearners"
  | "stopLearners"
  | "reopenLearners"
  | "listJobs"
  | "cancelJobs"
  | "findLearners"
  | "failedLearners"
  | "missedGoals";

/** What a person may do to a run: each a change, answered when it is on disk. */
export class Verbs implements Pick<Commands, Verb> {
  constructor(private readonly options: VerbsOptions) {}

  readonly startJobs = () => this.setActivity("active", null, false);
  readonly stopJobs = ({ gently }: { gently: boolean }) => this.setActivity("stopped", "stopped by a person", gently);
  readonly pauseJobs = () => this.setActivity("paused", pausedByPerson, false);
  readonly retryLearners = ({ learners }: Learners) =>
    this.move(this.inState(learners, statesFor.retry), "waiting", "to be tried again");
  readonly reopenLearners = ({ learners }: Learners) =>
    this.move(this.inState(learners, statesFor.reopen), "waiting", "to go on, because the goal has changed");

  /** Running learners are saved and taken off their jobs; those that wait are stopped at once. */
  readonly stopLearners = async ({ learners }: Learners) => {
    const { store, wish } = this.options;
    const running = this.inState(learners, ["running"]);
    if (running.length > 0) store.record({ kind: "learnersStopping", learners: running });
    const { moved } = await this.move(this.inState(learners, ["waiting"]), "stopped", "stopped by a person");
    running.forEach(wish);
    return { moved: moved + running.length };
  };

  readonly listJobs = () => listJobs(this.options.store.model);
  readonly findLearners = (wanted: Params<"findLearners">) => findLearners(this.options.store.model, wanted);
  readonly failedLearners = (wanted: Params<"failedLearners">) => failedLearners(this.options.store.model, wanted);
  readonly missedGoals = () => missedGoals(this.options.store.model);

  readonly cancelJobs = async ({ jobs }: { jobs: readonly string[] }) => {
    const { store, loop } = this.options;
    const live = jobs.map(asJobId).filter((job) => store.model.liveJobs.has(job));
    if (live.length > 0) await loop.cancel({ jobs: live, force: false });
    await store.syncedIfRoom();
    loop.poke();
    return null;
  };

  /** @throws when the settings are not complete, or cannot be done */
  readonly configure = async (configuration: Configuration) => {
    const { store, loop, check, onDidConfigure } = this.options;
    if (configuration.settings !== store.model.run.settings) await check(configuration);
    const wanted = settingsOf(configuration);
    const { settings, origins } = store.model.run;
    const isNew = configuration.settings !== settings || configuration.origins !== origins;
    if (isNew) store.record({ kind: "runConfigured", ...configuration });
    for (const change of reclassified(store.model.learners.values(), wanted)) store.record(change);
    await store.syncedIfRoom();
    if (isNew) onDidConfigure();
    // There may be room for more jobs now.
    if (isNew) loop.poke();
    return null;
  };

  async setActivity(activity: Activity, reason: string | null, gently: boolean): Promise<null> {
    const { store, loop, wish, onDidChangeActivity } = this.options;
    const { run } = store.model;
    const isNew = run.activity !== activity || run.stopsGently !== Number(gently);
    if (isNew) store.record({ kind: "activityChanged", activity, stopsGently: gently ? 1 : 0, reason });
    // Who starts the jobs has read what was lost before.
    if (activity === "active" && hasRemark(run.remark, "lost")) {
      store.record({ kind: "runRemarked", remark: withRemark(run.remark, "lost", null) });
    }
    // Also what somebody else has asked for just before may not be on disk yet.
    await store.syncedIfRoom();
    if (isNew) {
      onDidChangeActivity(activity, reason);
      wish();
    }
    loop.poke();
    return null;
  }

  private async move(learners: LearnerId[], state: "waiting" | "stopped", reason: string) {
    const { store, loop } = this.options;
    if (learners.length > 0) store.record({ kind: "learnersMoved", learners, state, reason });
    await store.syncedIfRoom();
    loop.poke();
    return { moved: learners.length };
  }

  private inState(learners: readonly number[], states: readonly LearnerState[]): LearnerId[] {
    const rows = learners.flatMap((id) => this.options.store.model.learners.get(asLearnerId(id)) ?? []);
    return rows.filter(({ state }) => states.includes(state)).map(({ id }) => id);
  }
}

interface Learners {
  learners: readonly number[];
}

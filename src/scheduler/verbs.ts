import type { Commands } from "./control/clients";
import { statesFor } from "./control/learnerVerbs";
import type { Params } from "./control/protocol";
import type { JobLoop } from "./jobs/loop";
import { reclassified } from "./state/classes";
import { AdaptiveError } from "./state/errors";
import { checkNames, parseFilter } from "./state/filter";
import { matches } from "./state/matches";
import { missesGoal } from "./state/missesGoal";
import { parameterNames } from "./state/parameters";
import {
  asJobId,
  asLearnerId,
  fnameOf,
  type Activity,
  type LearnerId,
  type LearnerRow,
  type LearnerState,
  pausedByPerson,
} from "./state/rows";
import { settingsOf, type Configuration } from "./state/settings";
import type { Store } from "./state/store";
import { wildcard } from "./state/wildcard";

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

  readonly listJobs = () => {
    const { model } = this.options.store;
    const jobs = [...model.liveJobs].map((id) => {
      const { jobId, name, state, host, submittedAt, startedAt, reason, restart, ...row } = model.job(id);
      const { cancelledAt, resourceClass, learnerId } = row;
      const fname = learnerId === null ? null : model.learner(learnerId).fname;
      const job = { jobId, name, state, host, submittedAt, startedAt, reason, restart, cancelledAt, resourceClass };
      return { ...job, fname };
    });
    return { jobs };
  };

  readonly cancelJobs = async ({ jobs }: { jobs: readonly string[] }) => {
    const { store, loop } = this.options;
    const live = jobs.map(asJobId).filter((job) => store.model.liveJobs.has(job));
    if (live.length > 0) await loop.cancel({ jobs: live, force: false });
    await store.synced();
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
    await store.synced();
    if (isNew) onDidConfigure();
    // There may be room for more jobs now.
    if (isNew) loop.poke();
    return null;
  };

  readonly findLearners = ({ names, states, where }: Params<"findLearners">) => {
    const isNamed = nameMatcher(names);
    const isWanted = this.filtered(where);
    const learners = [...this.options.store.model.learners.values()].filter(
      (row) =>
        (states.length === 0 || states.includes(row.state)) && (names.length === 0 || isNamed(row)) && isWanted(row),
    );
    return { learners: learners.map(({ id }) => id) };
  };

  readonly failedLearners = ({ where }: Params<"failedLearners">) => ({
    learners: [...this.options.store.model.learners.values()]
      .filter(({ failures, fruitlessJobs, state }) => failures + fruitlessJobs > 0 && state !== "done")
      .filter(this.filtered(where))
      .map(({ id, fname, state, failures, error }) => ({ id, fname, state, failures, error })),
  });

  readonly missedGoals = () => {
    const { goal } = settingsOf(this.options.store.model.run);
    const done = [...this.options.store.model.learners.values()].filter(({ state }) => state === "done");
    const judged = (verdict: boolean | null) =>
      done.filter((row) => missesGoal(row, goal) === verdict).map(({ id }) => id);
    return { done: done.length, missed: judged(true), unknown: judged(null) };
  };

  async setActivity(activity: Activity, reason: string | null, gently: boolean): Promise<null> {
    const { store, loop, wish, onDidChangeActivity } = this.options;
    const { run } = store.model;
    const isNew = run.activity !== activity || run.stopsGently !== Number(gently);
    if (isNew) store.record({ kind: "activityChanged", activity, stopsGently: gently ? 1 : 0, reason });
    // Also what somebody else has asked for just before may not be on disk yet.
    await store.synced();
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
    await store.synced();
    loop.poke();
    return { moved: learners.length };
  }

  /** @throws AdaptiveError `bad-filter` */
  private filtered(where: string): (row: LearnerRow) => boolean {
    const filter = parseFilter(where);
    const combos = [...this.options.store.model.learners.values()].map(({ combo }) => combo);
    if (filter.some(({ field }) => field.kind === "parameter")) checkNames(filter, parameterNames(combos));
    return matches(filter);
  }

  private inState(learners: readonly number[], states: readonly LearnerState[]): LearnerId[] {
    const rows = learners.flatMap((id) => this.options.store.model.learners.get(asLearnerId(id)) ?? []);
    return rows.filter(({ state }) => states.includes(state)).map(({ id }) => id);
  }
}

/** Each is compared with every learner. */
const maxPatterns = 100;

/**
 * Whether a learner is meant: by its id, by one of its file names, or by a pattern of them.
 * @throws AdaptiveError `too-many-patterns`
 */
function nameMatcher(names: readonly string[]): (row: LearnerRow) => boolean {
  const exact = new Set(names);
  const patterns = [...exact].filter((name) => /[*?]/.test(name)).map(wildcard);
  if (patterns.length > maxPatterns) {
    throw new AdaptiveError(
      "too-many-patterns",
      `${patterns.length} patterns of file names are more than ${maxPatterns} at a time.`,
      "Ask several times, or use a filter: --where 'offset>0.5'.",
    );
  }
  return (row) =>
    exact.has(String(row.id)) ||
    [fnameOf(row)].flat().some((fname) => exact.has(fname) || patterns.some((pattern) => pattern.test(fname)));
}

interface Learners {
  learners: readonly number[];
}

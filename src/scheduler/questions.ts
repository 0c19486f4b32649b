import type { Params, Results } from "./control/protocol";
import { AdaptiveError } from "./state/errors";
import { checkNames, parseFilter } from "./state/filter";
import { matches } from "./state/matches";
import { missesGoal } from "./state/missesGoal";
import type { Model } from "./state/model";
import { parameterNames } from "./state/parameters";
import { fnameOf, type LearnerRow } from "./state/rows";
import { settingsOf } from "./state/settings";
import { wildcard } from "./state/wildcard";

/*
 * What may be asked of a run and changes nothing: by its scheduler, or of what is on disk where
 * nobody serves it.
 */

/** The jobs that have not ended, with what they run. */
export function listJobs(model: Model): Results["listJobs"] {
  const jobs = [...model.liveJobs].map((id) => {
    const { jobId, name, state, host, submittedAt, startedAt, reason, restart, ...row } = model.job(id);
    const { cancelledAt, resourceClass, learnerId } = row;
    const fname = learnerId === null ? null : model.learner(learnerId).fname;
    const job = { jobId, name, state, host, submittedAt, startedAt, reason, restart, cancelledAt, resourceClass };
    return { ...job, fname };
  });
  return { jobs };
}

/** @throws AdaptiveError `bad-filter`, `too-many-patterns`, `no-learner` for a name that means none, in whatever state */
export function findLearners(model: Model, { names, states, where }: Params<"findLearners">): Results["findLearners"] {
  const isWanted = filtered(model, where);
  const rows = [...model.learners.values()];
  const learners = (names.length === 0 ? rows : namedBy(names, rows)).filter(
    (row) => (states.length === 0 || states.includes(row.state)) && isWanted(row),
  );
  return { learners: learners.map(({ id }) => id) };
}

/**
 * Those that failed at least once and are not done, and those that something is to be said of.
 * @throws AdaptiveError `bad-filter`
 */
export function failedLearners(model: Model, { where }: Params<"failedLearners">): Results["failedLearners"] {
  return {
    learners: [...model.learners.values()]
      .filter(isToTell)
      .filter(filtered(model, where))
      .map(({ id, fname, state, failures, error, reason, remark }) => ({
        ...{ id, fname, state, failures, error, reason, remark },
      })),
  };
}

function isToTell({ failures, fruitlessJobs, state, remark }: LearnerRow): boolean {
  return remark !== null || state === "failed" || (failures + fruitlessJobs > 0 && state !== "done");
}

/** Which done learners miss the goal of now. */
export function missedGoals(model: Model): Results["missedGoals"] {
  const { goal } = settingsOf(model.run);
  const done = [...model.learners.values()].filter(({ state }) => state === "done");
  const judged = (verdict: boolean | null) =>
    done.filter((row) => missesGoal(row, goal) === verdict).map(({ id }) => id);
  return { done: done.length, missed: judged(true), unknown: judged(null) };
}

function filtered(model: Model, where: string): (row: LearnerRow) => boolean {
  const filter = parseFilter(where);
  const combos = [...model.learners.values()].map(({ combo }) => combo);
  if (filter.some(({ field }) => field.kind === "parameter")) checkNames(filter, parameterNames(combos));
  return matches(filter);
}

/** Each is compared with every learner. */
const maxPatterns = 100;

/** The learners that are meant: by their ids, by one of their file names, or by patterns of them. */
function namedBy(names: readonly string[], rows: readonly LearnerRow[]): LearnerRow[] {
  const exact = new Set(names);
  const patterns = [...exact].filter((name) => /[*?]/.test(name)).map((name) => ({ name, pattern: wildcard(name) }));
  if (patterns.length > maxPatterns) {
    throw new AdaptiveError(
      "too-many-patterns",
      `${patterns.length} patterns of file names are more than ${maxPatterns} at a time.`,
      "Ask several times, or use a filter: --where 'offset>0.5'.",
    );
  }
  const unmet = new Set(exact);
  const named = rows.filter((row) => {
    const fnames = [fnameOf(row)].flat();
    const meaning = [
      ...[String(row.id), ...fnames].filter((name) => exact.has(name)),
      ...patterns.filter(({ pattern }) => fnames.some((fname) => pattern.test(fname))).map(({ name }) => name),
    ];
    for (const name of meaning) unmet.delete(name);
    return meaning.length > 0;
  });
  const [absent] = unmet;
  if (absent !== undefined) throw noLearner(absent, rows.at(-1)?.id ?? 0);
  return named;
}

function noLearner(name: string, last: number): AdaptiveError {
  const hint = "Name an id, or a file name of the learners file; in quotes, * and ? match.";
  if (/[*?]/.test(name)) return new AdaptiveError("no-learner", `No learner matches ${name}.`, hint);
  const range = last === 0 ? "learner 0 only" : `learners 0 to ${last}`;
  return new AdaptiveError("no-learner", `There is no learner ${name}: the run has ${range}.`, hint);
}

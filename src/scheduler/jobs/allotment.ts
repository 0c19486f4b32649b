import { resourcesOf } from "../state/classes";
import type { Model } from "../state/model";
import type { JobRow } from "../state/rows";
import { roomBeside, serves, type Limits, type Room } from "./capacity";

/** What a resource class has, and what it lacks. */
export interface Claim {
  resourceClass: string;
  /** Jobs that it could use besides those that it has. */
  short: number;
  has: number;
  /** Of a job of it. */
  cores: number;
}

/**
 * Shares out a room: the next job is always for the class that has the fewest, and of several such for
 * the first. For one that has none, room is kept until a job fits; others take what is left.
 *
 * @returns how many jobs each class gets
 */
export function allot(claims: readonly Claim[], room: Room): Map<string, number> {
  const left = { ...room };
  const given = new Map<string, number>();
  const open = claims.map((claim) => ({ ...claim }));
  for (;;) {
    const wanting = open.filter(({ short }) => short > 0);
    const [first, ...others] = wanting;
    if (!first || left.jobs <= 0) return given;
    const next = others.reduce((fewest, claim) => (claim.has < fewest.has ? claim : fewest), first);
    if (next.cores > left.cores) {
      if (next.has === 0) return given;
      next.short = 0;
      continue;
    }
    left.jobs--;
    left.cores -= next.cores;
    next.has++;
    next.short--;
    given.set(next.resourceClass, (given.get(next.resourceClass) ?? 0) + 1);
  }
}

/**
 * Whether a job should end instead of taking another learner: where no room is left for a first job of
 * a class in which learners wait. Jobs that have not had a learner yet stay, or two classes could
 * send each other's jobs away for ever.
 */
export function givesWay(job: JobRow, model: Model, limits: Limits): boolean {
  if (model.run.activity !== "active" || job.answer === null) return false;
  const waiting = [...model.waiting].filter(([name, { size }]) => size > 0 && name !== job.resourceClass);
  const starving = waiting.map(([name]) => name).filter((name) => !isServed(name, model));
  if (starving.length === 0) return false;
  const serving = [...model.liveJobs].map((id) => model.job(id)).filter(serves);
  const classes = serving.map(({ resourceClass }) => resourceClass);
  for (const { state, resourceClass, count } of model.submissions.values()) {
    if (state === "submitting") classes.push(...Array<string>(count).fill(resourceClass));
  }
  const room = roomBeside(classes, limits);
  return starving.some((name) => room.jobs < 1 || room.cores < resourcesOf(limits.settings, name).cores);
}

/** Whether a class has a job, or will have; as a rule one of the first jobs tells. */
function isServed(name: string, model: Model): boolean {
  for (const id of model.liveJobs) {
    const job = model.job(id);
    if (job.resourceClass === name && serves(job)) return true;
  }
  for (const { state, resourceClass } of model.submissions.values()) {
    if (state === "submitting" && resourceClass === name) return true;
  }
  return false;
}

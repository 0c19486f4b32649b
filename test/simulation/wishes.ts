import { settingsOf, type Settings } from "../../src/scheduler/state/settings";
import type { Verbs } from "../../src/scheduler/verbs";
import type { SimulatedScheduler } from "./scheduler";
import { classesOf, type World } from "./world";

const minute = 60_000;

const wishes: Record<string, (verbs: Verbs, world: World, scheduler: SimulatedScheduler) => unknown> = {
  "pause asked for": (verbs) => verbs.pauseJobs(),
  "resume asked for": (verbs) => verbs.startJobs(),
  "stop asked for": (verbs, { chance }) => verbs.stopJobs({ gently: chance.next() < 0.5 }),
  "learner stopped": (verbs, world) => verbs.stopLearners({ learners: someLearners(world) }),
  "learner retried": (verbs, world) => verbs.retryLearners({ learners: someLearners(world) }),
  "learner reopened": (verbs, world) => verbs.reopenLearners({ learners: someLearners(world) }),
  "job cancelled": (verbs, { cluster, chance }) => {
    const job = [...cluster.liveJobs][chance.between(0, cluster.liveJobs.size)]?.id;
    return verbs.cancelJobs({ jobs: job === undefined ? [] : [job] });
  },
  "max-jobs set": (verbs, { chance, size }, scheduler) =>
    set(verbs, scheduler, { maxJobs: chance.between(1, size.maxJobs + 3) }),
  "classes set": (verbs, { chance, size }, scheduler) =>
    set(verbs, scheduler, { classes: classesOf(size).filter(() => chance.next() < 0.7) }),
};

function set(verbs: Verbs, { store }: SimulatedScheduler, some: Partial<Settings>): unknown {
  const { settings, origins } = store.model.run;
  return verbs.configure({ settings: JSON.stringify({ ...settingsOf({ settings }), ...some }), origins });
}

/** A person does something, now or never, and may do it twice. */
export function wish(world: World): void {
  const { chance, timeline, count } = world;
  const scheduler = serving(world);
  if (!scheduler) return;
  const kinds = Object.entries(wishes);
  const chosen = kinds[chance.between(0, kinds.length + 1)];
  if (!chosen) return tryPoints(world, scheduler);
  const [name, act] = chosen;
  count(name);
  const times = chance.next() < 0.3 ? 2 : 1;
  for (let i = 0; i < times; i++)
    ask(world, scheduler, () => scheduler.command((verbs) => act(verbs, world, scheduler)));
  // Whoever stops a run starts it again before long.
  timeline.after(5 * minute * chance.next(), () => resume(world));
}

export function resume(world: World): void {
  if (world.isStopping) return;
  const scheduler = serving(world);
  if (scheduler) ask(world, scheduler, () => scheduler.command((verbs) => verbs.startJobs()));
}

function tryPoints(world: World, scheduler: SimulatedScheduler): void {
  world.count("points tried");
  ask(world, scheduler, () => scheduler.try(someLearners(world)));
}

/** In the scheduler's own time: a frozen one answers when it wakes up. */
function ask({ timeline, onCommandFailed }: World, { process }: SimulatedScheduler, task: () => Promise<void>): void {
  timeline.after(0, () => timeline.startTask(task, onCommandFailed), process);
}

function serving({ schedulers }: World): SimulatedScheduler | undefined {
  return schedulers.find(({ isServing }) => isServing);
}

function someLearners({ chance, size }: World): number[] {
  return Array.from({ length: chance.between(1, 4) }, () => chance.between(0, size.learners));
}

import { Chance } from "../crash/chance";
import { tryClass } from "../../src/scheduler/state/rows";
import { calm, plan } from "./faults";
import { resume } from "./wishes";
import { World, type Size } from "./world";

export interface Outcome {
  seed: number;
  steps: number;
  checks: number;
  /** Faults that happened, by kind. */
  faults: Record<string, number>;
  /** Virtual time until everything was done. */
  endedAfterMs: number;
  violation: string | null;
  lastEvents: string[];
}

export interface Scenario {
  size: Size;
  /** When nothing goes wrong any more. */
  calmAfterMs: number;
}

/** Of a seed: small, so that there can be many of them. */
export function scenarioOf(seed: number): Scenario {
  const chance = new Chance(seed ^ 0x5eed);
  const [learners, maxJobs, nodes] = [chance.between(6, 30), chance.between(2, 14), chance.between(2, 7)];
  const [goal, snapshotAfterChanges] = [chance.between(3, 10), chance.between(30, 400)];
  // Half of the seeds have several.
  const classes = Math.max(1, chance.between(0, 4));
  const size = { learners, maxJobs, nodes, classes, goal, pointMs: 20_000, snapshotAfterChanges };
  return { size, calmAfterMs: chance.between(1_800_000, 5_400_000) };
}

/** How long everything may take once it is calm. */
const boundMs = 24 * 3_600_000;
/** And a stop. */
const stopMs = 3_600_000;

/**
 * Runs one simulation, from an empty run until every learner has ended.
 * @param breakRule makes something in the world wrong, to see whether it is noticed
 */
export async function simulate(
  seed: number,
  wasm: Uint8Array,
  { size, calmAfterMs }: Scenario = scenarioOf(seed),
  breakRule: (world: World) => void = () => undefined,
): Promise<Outcome> {
  const world = new World(seed, size, wasm);
  const { timeline, checks } = world;
  breakRule(world);
  await world.create();
  plan(world, calmAfterMs);
  timeline.after(calmAfterMs, () => calm(world));
  keepServed(world, calmAfterMs);
  let isOver = false;
  while (!isOver && !world.violation && timeline.now < calmAfterMs + boundMs) {
    for (let i = 0; i < 50 && !world.violation; i++) await step(world);
    isOver = timeline.now > calmAfterMs && hasEnded(world);
  }
  const model = world.schedulers.find(({ isServing }) => isServing)?.store.model;
  try {
    if (!world.violation) checks.require(model !== undefined, () => "nobody serves the run");
    if (!world.violation && model) checks.onEnd(model);
    if (!world.violation) await stop(world);
  } catch {
    // It is in the world now.
  }
  return {
    seed,
    steps: timeline.steps,
    checks: checks.count,
    faults: Object.fromEntries(world.counts),
    endedAfterMs: timeline.now,
    violation: world.violation?.message ?? null,
    lastEvents: world.violation ? world.lastEvents : [],
  };
}

async function step({ timeline, due }: World): Promise<void> {
  await timeline.step();
  for (const look of due.splice(0)) await look();
}

/** A person stops the run: whatever it has in the queue ends. */
async function stop(world: World): Promise<void> {
  const { timeline, checks } = world;
  world.isStopping = true;
  const stopAt = timeline.now + stopMs;
  const serving = () => world.schedulers.find(({ isServing }) => isServing);
  const stopJobs = () => serving()?.command((verbs) => verbs.stopJobs({ gently: false })) ?? Promise.resolve();
  timeline.after(0, () => timeline.startTask(stopJobs, world.onCommandFailed));
  const isOver = () => serving()?.store.model.liveJobs.size === 0 && timeline.now > stopAt - stopMs + 1000;
  while (!world.violation && timeline.now < stopAt && !isOver()) await timeline.step();
  checks.require(world.violation !== null || isOver(), () => "a run that is stopped does not end");
  if (!world.violation) checks.onStopped();
}

/** Somebody attaches now and then, which starts a scheduler where none runs; and starts a run that pauses. */
function keepServed(world: World, calmAfterMs: number): void {
  const { timeline, chance, hosts } = world;
  const isAway = world.schedulers.every(({ process }) => !process.isAlive || process.frozenUntil > timeline.now);
  const host = hosts[chance.next() < 0.8 ? 0 : 1];
  if (isAway && host) world.startScheduler(host);
  if (timeline.now > calmAfterMs) resume(world);
  timeline.after(5000 + 60_000 * chance.next(), () => keepServed(world, calmAfterMs));
}

function hasEnded(world: World): boolean {
  const serving = world.schedulers.find(({ isServing }) => isServing);
  if (!serving) return false;
  const { learnerCounts, liveJobs, jobs } = serving.store.model;
  const areTried = [...liveJobs].every((id) => jobs.get(id)?.resourceClass !== tryClass);
  return learnerCounts.waiting + learnerCounts.running === 0 && areTried;
}

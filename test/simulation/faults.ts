import { listingModes, submissionModes } from "./cluster";
import { resume, wish } from "./wishes";
import type { World } from "./world";

/** What goes wrong: how often in an hour, and what it does. */
interface Fault {
  perHour: number;
  strike: (world: World) => void;
}

const minute = 60_000;

/** For a while; then as before. */
function forAWhile(world: World, mostMs: number, begin: () => void, end: () => void): void {
  begin();
  world.timeline.after(mostMs * (0.1 + 0.9 * world.chance.next()), end);
}

/** Somebody who finds no lock serves the run, while whoever had it still lives. */
function startRival(world: World): void {
  world.timeline.after(10_000 * world.chance.next() ** 3, () =>
    world.startScheduler(world.hosts[world.chance.between(0, 2)] ?? world.hosts[0]),
  );
}

const faults: Record<string, Fault> = {
  "scheduler killed": {
    perHour: 6,
    strike: ({ schedulers }) => schedulers.forEach(({ process }) => process.die()),
  },
  "scheduler killed between two steps": {
    perHour: 10,
    strike: ({ schedulers, chance }) => {
      for (const { process } of schedulers) process.stepsToLive = chance.between(1, 60);
    },
  },
  "power failure": {
    perHour: 3,
    strike: (world) => {
      world.schedulers.forEach(({ process, host }) => {
        process.die();
        host.boots++;
      });
      world.disk.crash();
    },
  },
  "scheduler frozen": {
    perHour: 2,
    strike: ({ schedulers, chance, timeline }) => {
      for (const { process } of schedulers) process.frozenUntil = timeline.now + 200_000 * chance.next();
    },
  },
  "scheduler frozen between two steps and replaced": {
    perHour: 4,
    strike: (world) => {
      for (const { process, host } of world.schedulers) {
        process.stepsToFreeze = world.chance.between(1, 60);
        process.onFreeze = () => {
          process.frozenUntil = world.timeline.now + 70_000 + 200_000 * world.chance.next();
          const other = world.hosts.find((one) => one !== host);
          if (other) world.startScheduler(other);
        };
      }
    },
  },
  "second scheduler started": {
    perHour: 4,
    strike: (world) => {
      world.startScheduler(world.hosts[world.chance.between(0, 2)] ?? world.hosts[0]);
      if (world.chance.next() < 0.5) world.startScheduler(world.hosts[0]);
    },
  },
  "lock removed": {
    perHour: 3,
    strike: (world) => {
      world.disk.take(world.directory.lock);
      startRival(world);
    },
  },
  "lock taken away and put back": {
    perHour: 3,
    strike: (world) => {
      const lock = world.disk.take(world.directory.lock);
      startRival(world);
      world.timeline.after(30_000 * world.chance.next(), () => lock && world.disk.putBack(world.directory.lock, lock));
    },
  },
  "file lost": { perHour: 12, strike: ({ losses }) => losses.strike() },
  "clock set": {
    perHour: 3,
    strike: ({ hosts, chance }) => {
      for (const host of hosts) host.clockOffsetMs = 7_200_000 * (chance.next() - 0.5);
    },
  },
  "disk full": {
    perHour: 2,
    strike: (world) =>
      forAWhile(
        world,
        5 * minute,
        () => {
          world.losses.undo();
          world.disk.isFull = true;
        },
        () => (world.disk.isFull = false),
      ),
  },
  "sync failed": { perHour: 2, strike: ({ disk }) => (disk.isFaulty = true) },
  "node lost": {
    perHour: 3,
    strike: ({ cluster, chance, timeline }) => {
      const node = cluster.nodes[chance.between(0, cluster.nodes.length)];
      if (!node) return;
      cluster.lose(node);
      timeline.after(10 * minute * chance.next(), () => cluster.restore(node));
    },
  },
  "node cut off": {
    perHour: 4,
    strike: ({ cluster, chance, timeline }) => {
      const node = cluster.nodes[chance.between(0, cluster.nodes.length)];
      if (!node) return;
      cluster.cut(node, chance.next() < 0.5);
      timeline.after(20 * minute * chance.next(), () => cluster.restore(node));
    },
  },
  "job died": {
    perHour: 6,
    strike: ({ cluster, chance }) => {
      const jobs = [...cluster.liveJobs].filter(({ state }) => state === "running");
      const job = jobs[chance.between(0, jobs.length)];
      if (job) cluster.crash(job);
    },
  },
  "worker process died": {
    perHour: 8,
    strike: ({ cluster, chance }) => {
      const jobs = [...cluster.liveJobs].filter(({ state }) => state === "running");
      jobs[chance.between(0, jobs.length)]?.worker?.crash();
    },
  },
  "job preempted": {
    perHour: 4,
    strike: ({ cluster, chance }) => {
      const jobs = [...cluster.liveJobs].filter(({ state }) => state === "running");
      const job = jobs[chance.between(0, jobs.length)];
      if (job) cluster.preempt(job);
    },
  },
  "queue in trouble": {
    perHour: 6,
    strike: ({ cluster, chance, timeline }) => {
      cluster.listing = listingModes[chance.between(0, listingModes.length)] ?? "well";
      timeline.after(6 * minute * chance.next(), () => (cluster.listing = "well"));
    },
  },
  "submissions in trouble": {
    perHour: 6,
    strike: (world) => {
      const { cluster, chance, timeline } = world;
      cluster.submission = submissionModes[chance.between(0, submissionModes.length)] ?? "well";
      timeline.after(6 * minute * chance.next(), () => (cluster.submission = "well"));
      // One that is refused pauses the run.
      timeline.after(10 * minute * chance.next(), () => resume(world));
    },
  },
  "partition for shorter jobs": {
    perHour: 2,
    strike: (world) => {
      const { cluster, chance, timeline } = world;
      forAWhile(
        world,
        10 * minute,
        () => (cluster.isHopeless = true),
        () => (cluster.isHopeless = false),
      );
      timeline.after(15 * minute * chance.next(), () => resume(world));
    },
  },
  "cancelling ignored": {
    perHour: 2,
    strike: (world) =>
      forAWhile(
        world,
        10 * minute,
        () => (world.cluster.ignoresCancels = true),
        () => (world.cluster.ignoresCancels = false),
      ),
  },
  "a person's wish": { perHour: 6, strike: wish },
};

/** Plans what goes wrong in the time until it gets calm: each seed has some kinds of faults, more or less of each. */
export function plan(world: World, untilMs: number): void {
  const { chance, timeline, network, cluster, count } = world;
  for (const [name, { perHour, strike }] of Object.entries(faults)) {
    if (chance.next() < 0.4) continue;
    const many = ((perHour * untilMs) / 3_600_000) * 2 * chance.next();
    for (let i = 0; i < many; i++) {
      timeline.after(untilMs * chance.next(), () => {
        count(name);
        world.trace("fault", name);
        strike(world);
      });
    }
  }
  network.lossRate = chance.next() < 0.5 ? 0.2 * chance.next() : 0;
  network.repeatRate = chance.next() < 0.5 ? 0.1 * chance.next() : 0;
  network.lateRate = chance.next() < 0.5 ? 0.1 * chance.next() : 0;
  cluster.requeues = chance.next() < 0.3;
  cluster.keepsAccounts = chance.next() < 0.7;
  cluster.listsEnds = chance.next() < 0.5;
  cluster.rewrites = (["nothing", "comments", "comments and names"] as const)[chance.between(0, 3)] ?? "nothing";
  for (const host of world.hosts) host.clockOffsetMs = 60_000 * (chance.next() - 0.5);
}

/** From now on nothing goes wrong any more. */
export function calm(world: World): void {
  const { network, cluster, disk, schedulers } = world;
  network.lossRate = network.repeatRate = network.lateRate = 0;
  cluster.listing = cluster.submission = "well";
  cluster.ignoresCancels = cluster.isHopeless = false;
  disk.isFull = disk.isFaulty = false;
  for (const node of cluster.nodes) cluster.restore(node);
  for (const { process } of schedulers) process.stepsToLive = process.stepsToFreeze = Infinity;
  world.trace("calm");
}

import { describe, expect, test } from "vitest";
import type { QueuedJob } from "../../../src/scheduler/clusters/cluster";
import { Attendance } from "../../../src/scheduler/jobs/attendance";
import { effects, type NewChange } from "../../../src/scheduler/state/changes";
import { Model } from "../../../src/scheduler/state/model";
import { asJobId } from "../../../src/scheduler/state/rows";
import { firstChanges } from "./runFixture";

const seconds = 1000;
const silenceMs = 90 * seconds;
const id = (i: number) => asJobId(`1_${i}`);

/** A run with as many jobs. */
function modelOf(jobs: number, ...more: NewChange[]): Model {
  const model = new Model();
  const submitted: NewChange[] = [
    ...firstChanges(jobs),
    { kind: "jobsSubmitting", submission: 1, resourceClass: "default", count: jobs, tries: null },
    {
      kind: "jobsSubmitted",
      submission: 1,
      resourceClass: "default",
      jobs: Array.from({ length: jobs }, (_, i) => ({ id: id(i), name: "s" })),
    },
    ...more,
  ];
  submitted.forEach((change, i) => model.apply(effects({ ...change, seq: i + 1, time: 0 })));
  return model;
}

const running = (...jobs: number[]): QueuedJob[] =>
  jobs.map((i) => {
    const place = { restart: 0, host: "n1", walltimeSeconds: null, waitsFor: null, isHopeless: false, end: null };
    return { id: id(i), name: "s", submission: 1, state: "running", ...place };
  });
const range = (end: number) => Array.from({ length: end }, (_, i) => i);

describe("of a queue that is not exact", () => {
  test.each<[what: string, listings: [at: number, jobs: number[]][], heardAt: number, isGone: boolean]>([
    ["missing once", [[0, []]], -1e6, false],
    [
      "missing twice, a minute apart, and silent",
      [
        [0, []],
        [60 * seconds, []],
      ],
      -1e6,
      true,
    ],
    [
      "missing twice within a minute",
      [
        [0, []],
        [59 * seconds, []],
      ],
      -1e6,
      false,
    ],
    [
      "seen again in between",
      [
        [0, []],
        [30 * seconds, [0]],
        [60 * seconds, []],
      ],
      -1e6,
      false,
    ],
    [
      "heard of since",
      [
        [0, []],
        [60 * seconds, []],
      ],
      10 * seconds,
      false,
    ],
    [
      "heard of, but too long ago",
      [
        [0, []],
        [100 * seconds, []],
      ],
      10 * seconds,
      true,
    ],
  ])("a job %s", (_, listings, heardAt, isGone) => {
    const model = modelOf(1);
    const attendance = new Attendance(false);
    for (const [at, jobs] of listings) expect(attendance.takeIn({ jobs: running(...jobs), at }, model)).toBe(true);
    expect(attendance.isGone(id(0), -Infinity, heardAt, silenceMs)).toBe(isGone);
  });

  test("a listing without most of what it had is believed the third time only", () => {
    const model = modelOf(20);
    const attendance = new Attendance(false);
    attendance.takeIn({ jobs: running(...range(20)), at: 0 }, model);
    const believed = [60, 120, 180, 240].map((at) => attendance.takeIn({ jobs: running(0), at: at * seconds }, model));
    expect(believed).toEqual([false, false, true, true]);
    expect(attendance.isGone(id(19), 0, 0, silenceMs)).toBe(true);
  });

  test("of ten jobs all may go at once", () => {
    const model = modelOf(10);
    const attendance = new Attendance(false);
    attendance.takeIn({ jobs: running(...range(10)), at: 0 }, model);
    expect(attendance.takeIn({ jobs: [], at: 60 * seconds }, model)).toBe(true);
  });

  test("a submission that nobody confirmed takes two listings to be given up", () => {
    const pending: NewChange = {
      kind: "jobsSubmitting",
      submission: 2,
      resourceClass: "default",
      count: 1,
      tries: null,
    };
    const model = modelOf(1, pending);
    const attendance = new Attendance(false);
    attendance.takeIn({ jobs: running(0), at: 100 * seconds }, model);
    expect(attendance.isGone(2, 0, 0, silenceMs)).toBe(false);
    attendance.takeIn({ jobs: running(0), at: 160 * seconds }, model);
    expect(attendance.isGone(2, 0, 0, silenceMs)).toBe(true);
    expect(attendance.isGone(1, 0, 0, silenceMs)).toBe(false);
  });
});

test("an exact queue is believed at once", () => {
  const attendance = new Attendance(true);
  const ended: QueuedJob[] = running(1).map((job) => ({ ...job, state: "ended" }));
  attendance.takeIn({ jobs: [...running(0), ...ended], at: 0 }, modelOf(20));
  expect(range(3).map((i) => attendance.isGone(id(i), 0, 0, silenceMs))).toEqual([false, true, true]);
});

test("a job that a scheduler whose clock was ahead has submitted is gone as soon as any other", () => {
  const attendance = new Attendance(false);
  const model = modelOf(1);
  const anHourAhead = 3_600_000;
  for (const at of [0, 60 * seconds]) attendance.takeIn({ jobs: [], at }, model);
  expect(attendance.isGone(id(0), anHourAhead, -Infinity, silenceMs)).toBe(false);
  attendance.takeIn({ jobs: [], at: 120 * seconds }, model);
  expect(attendance.isGone(id(0), anHourAhead, -Infinity, silenceMs)).toBe(true);
});

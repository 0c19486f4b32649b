import { expect, test } from "vitest";
import { jobShell } from "../../../src/scheduler/jobShell";
import { Model } from "../../../src/scheduler/state/model";
import { effects, type NewChange } from "../../../src/scheduler/state/changes";
import { asJobId, type JobRow } from "../../../src/scheduler/state/rows";
import { firstChanges } from "./runFixture";

const cluster = { shell: (job: string) => ["enter", job] };

function modelWith(job: Partial<JobRow>): Model {
  const jobs = [{ id: asJobId("7_1"), name: "study-7_1" }];
  const submitted = { kind: "jobsSubmitted", submission: 7, resourceClass: "default", jobs } as const;
  const changes: NewChange[] = [...firstChanges(1), submitted];
  const model = new Model();
  model.apply(changes.flatMap((change, seq) => effects({ ...change, seq, time: 0 })));
  Object.assign(model.job(asJobId("7_1")), job);
  return model;
}

test.each<Partial<JobRow>>([{ state: "running" }, { state: "queued", hasAsked: 1 }])(
  "in a job that runs (%j) it is what its cluster says, in the run directory",
  (job) => {
    expect(jobShell("7_1", modelWith(job), cluster)).toEqual({ argv: ["enter", "7_1"], directory: "/study" });
  },
);

test.each([
  ["7_1", { state: "submitted" }, "job-waits", "Job 7_1 waits in the queue."],
  [
    "7_1",
    { state: "queued", reason: "because it is held" },
    "job-waits",
    "Job 7_1 waits in the queue (because it is held).",
  ],
  ["7_1", { state: "ended", hasAsked: 1 }, "job-ended", "Job 7_1 has ended."],
  ["7_1", { state: "ended", reason: "over its walltime" }, "job-ended", "Job 7_1 has ended (over its walltime)."],
  ["7_2", { state: "running" }, "no-job", "The run has no job 7_2."],
] as const)("of job %s when 7_1 is %j there is none: %s", (id, job, code, message) => {
  expect(() => jobShell(id, modelWith(job), cluster)).toThrow(expect.objectContaining({ code, message }) as Error);
});

import { clusterOfQueue } from "../clusters/ofQueue";
import { runCommand } from "../clusters/runCommand";
import { ask } from "../control/dealer";
import { compareDeadlineMs, type Params, type Results } from "../control/protocol";
import { readFailure } from "../jobs/failures";
import { jobShell } from "../jobShell";
import { failedLearners, findLearners, listJobs } from "../questions";
import { readModel } from "../state/recovery";
import type { JobId } from "../state/rows";
import type { RunDirectory } from "../state/runDirectory";
import { settingsOf } from "../state/settings";
import { copyClient } from "../study/code";
import { copied, placementIn } from "../study/place";
import { StudyReader } from "../study/reader";
import { findScheduler } from "./launch";
import type { Program } from "./program";

type Question = "listJobs" | "jobShell" | "findLearners" | "failedLearners" | "failure" | "compareStudy";
/** What may be asked of a run and changes nothing. */
export type Questions = { [M in Question]: (params: Params<M>) => Results[M] | Promise<Results[M]> };

/**
 * Who answers questions about a run: its scheduler or, where none lives, what is on disk and in the
 * queue. Whoever only asks starts no scheduler, which would set jobs going and stand in the way of others.
 */
export async function questionsTo(directory: RunDirectory, program: Pick<Program, "assets">): Promise<Questions> {
  await directory.readRunFile();
  const address = await findScheduler(directory);
  if (!address) return onDisk(directory, program);
  return {
    listJobs: () => ask(address, "listJobs", {}),
    jobShell: (job) => ask(address, "jobShell", job),
    findLearners: (wanted) => ask(address, "findLearners", wanted),
    failedLearners: (wanted) => ask(address, "failedLearners", wanted),
    failure: (learner) => ask(address, "failure", learner),
    compareStudy: () => ask(address, "compareStudy", {}, compareDeadlineMs),
  };
}

async function onDisk(directory: RunDirectory, { assets }: Pick<Program, "assets">): Promise<Questions> {
  const wasm = await assets.wasm();
  const model = await readModel(directory, wasm);
  const { queue } = settingsOf(model.run);
  const cluster = clusterOfQueue(queue, { folder: directory.jobs, runId: model.run.runId, name: model.run.name });
  const lookAtQueue = async () => {
    // The jobs of a copy are the original's.
    if ((await placementIn(directory, model.run)) === "copied") throw copied(directory, model.run);
    const listed = model.liveJobs.size > 0 ? await runCommand(cluster.list(model.liveJobs)) : [];
    const states = new Map(listed.map((job) => [job.id as JobId, job]));
    for (const id of [...model.liveJobs]) {
      const { state, host = null, waitsFor = null } = states.get(id) ?? { state: "ended" as const };
      model.apply([{ table: "jobs", key: id, set: { state, host, reason: waitsFor } }]);
    }
  };
  return {
    listJobs: async () => {
      await lookAtQueue();
      return listJobs(model);
    },
    jobShell: async ({ job }) => {
      await lookAtQueue();
      return jobShell(job, model, cluster);
    },
    findLearners: (wanted) => findLearners(model, wanted),
    failedLearners: (wanted) => failedLearners(model, wanted),
    failure: ({ learner }) => readFailure(directory.at("failures"), learner),
    compareStudy: async () => {
      const client = await copyClient(assets.folder, directory);
      return new StudyReader({ directory, model }, { client, wasm }).compare();
    },
  };
}

import { commands, type Disposable } from "vscode";
import * as v from "valibot";
import type { LearnerVerb } from "../scheduler/control/learnerVerbs";
import { asJobId, asLearnerId, type JobId, type LearnerId, learnerStates } from "../scheduler/state/rows";
import type { RunSession } from "../remote/runSession";
import type { Actions } from "./actions";
import type { ClusterActions } from "./clusterActions";
import { askFilter } from "./askFilter";
import type { Dashboards } from "./dashboards";
import { together } from "./disposableScope";
import { jobOfNode } from "./jobsTreeModel";
import type { JobsView } from "./jobsView";
import type { LearnerFilter } from "./learnerFilter";
import { learnerOfNode, stateOfGroup } from "./learnersTreeModel";
import type { LearnersView } from "./learnersView";
import { learnerVerbWords } from "./learnerVerbs";
import { pickLearners } from "./pickLearners";
import type { RunChoice } from "./runChoice";
import { jobOfLearner, pickRunningJob, type Terminals } from "./terminals";

interface CommandsWorld {
  createExample: () => Promise<void>;
  actions: Actions;
  runs: RunChoice;
  clusters: ClusterActions;
  dashboards: Dashboards;
  learners: LearnersView;
  jobs: JobsView;
  terminals: Terminals;
  filter: LearnerFilter;
}

/** The manifest's commands. What a tree passes is the node's id, and the ids of all selected ones. */
export function registerCommands({
  createExample,
  actions,
  runs,
  clusters,
  dashboards,
  learners,
  jobs,
  terminals,
  filter,
}: CommandsWorld): Disposable {
  const handlers = {
    createExample,
    startJobs: async () => {
      const session = await actions.startJobs();
      if (session !== null) dashboards.show(session, null);
    },
    choosePython: () => actions.choosePython("choose"),
    makeEnvironment: () => actions.choosePython("make"),
    stopJobs: () => actions.stopJobs(),
    connect: () => actions.connect(),
    switchRun: async () => {
      const session = await runs.switchRun();
      if (session !== null && dashboards.areVisible) dashboards.show(session, null);
    },
    deleteRun: () => runs.deleteRun(),
    forkRun: () => runs.settleCopy("fork"),
    adoptRun: () => runs.settleCopy("adopt"),
    downloadData: () => clusters.downloadData(),
    removeScheduler: () => clusters.removeScheduler(),
    collectDiagnostics: () => clusters.collectDiagnostics(),
    showLog: () => actions.showLog(),
    showProgress: () => showLearner(null),
    showLearner: (node: unknown) => showLearner(learnerAt(node)),
    showMoreLearners: (state: unknown) => learners.showMore(v.parse(v.picklist(learnerStates), state)),
    filterLearners: () =>
      actions.withRun("Filter Learners", async (session) => {
        const text = await askFilter(session, filter.text);
        if (text !== undefined) await filter.set(session, text);
      }),
    clearFilter: () =>
      actions.withRun("Clear Filter", async (session) => {
        await filter.set(session, "");
      }),
    saveLearners: () => actions.saveLearners({ filter: filter.text, orderBy: "position", descending: false }),
    updateRun: () => actions.updateRun(),
    retryLearners: (node: unknown, selected: unknown) => changeLearners("retry", nodesOf(node, selected)),
    stopLearners: (node: unknown, selected: unknown) => changeLearners("stop", nodesOf(node, selected)),
    reopenLearners: (node: unknown, selected: unknown) => changeLearners("reopen", nodesOf(node, selected)),
    tryPoint: async (node: unknown, selected: unknown) => {
      const learners = nodesOf(node, selected).map(learnerOfNode);
      await actions.tryPoint(learners.filter((id) => id !== null).map(asLearnerId));
    },
    openJobTerminal: (node: unknown) =>
      actions.withRun("Open Terminal in Job", async (session) => {
        const job = await jobAt(session, nodesOf(node, undefined)[0] ?? "");
        if (job !== undefined) await terminals.openInJob(session, job);
      }),
    openRunTerminal: () => actions.withRun("Open Terminal in Run Folder", (session) => terminals.openInRun(session)),
    cancelJobs: (node: unknown) => actions.cancelJobs(jobs.cancellableAt(nodesOf(node, undefined)[0] ?? "")),
    cancelTrial: () => actions.cancelTrial(),
    showOutput: (node: unknown) => showOutput(nodesOf(node, undefined)[0] ?? ""),
  };
  const registrations = Object.entries(handlers).map(([name, handler]) =>
    commands.registerCommand(`adaptive.${name}`, handler),
  );
  return together(...registrations);

  function showLearner(learner: LearnerId | null): Promise<void> {
    return actions.withRun("Show Progress", async (session) => {
      await Promise.resolve();
      dashboards.show(session, learner);
    });
  }

  /** From the palette, which passes no nodes, the learners are asked for. */
  function changeLearners(verb: LearnerVerb, nodes: readonly string[]): Promise<void> {
    return actions.withRun(learnerVerbWords[verb].label, async (session) => {
      const chosen = await (nodes.length > 0
        ? learnersAt(session, nodes, filter.text)
        : pickLearners(session, verb, filter.text));
      if (chosen.length > 0) await actions.changeLearners(verb, chosen);
    });
  }

  function learnerAt(node: unknown): LearnerId | null {
    const id = nodesOf(node, undefined)[0] ?? "";
    const job = jobOfNode(id);
    const learner = job === null ? learnerOfNode(id) : jobs.learnerOf(job);
    return learner === null ? null : asLearnerId(learner);
  }

  function showOutput(id: string): Promise<void> {
    const job = jobOfNode(id);
    if (job !== null) return actions.showOutput(asJobId(job), null);
    return actions.withRun("Show Output", async (session) => {
      const learner = learnerOfNode(id);
      const row = learner === null ? null : await session.query("learner", { id: asLearnerId(learner) });
      const newest = row?.jobId ?? row?.lastJobId ?? null;
      if (newest !== null) await actions.showOutput(newest, row?.id ?? null);
    });
  }
}

/** The running job that a node stands for; from the palette it is asked for. */
async function jobAt(session: RunSession, node: string): Promise<JobId | undefined> {
  const job = jobOfNode(node);
  if (job !== null) return asJobId(job);
  const learner = learnerOfNode(node);
  return learner === null ? pickRunningJob(session) : jobOfLearner(session, asLearnerId(learner));
}

function nodesOf(node: unknown, selected: unknown): string[] {
  const several = v.safeParse(v.array(v.string()), selected);
  if (several.success && several.output.length > 0) return several.output;
  const one = v.safeParse(v.string(), node);
  return one.success ? [one.output] : [];
}

/** The learners that nodes stand for: themselves, or all of a group that match the filter. */
async function learnersAt(session: RunSession, nodes: readonly string[], filter: string): Promise<LearnerId[]> {
  const found = await Promise.all(
    nodes.map(async (node) => {
      const state = stateOfGroup(node);
      if (state !== null) return session.query("learnerIds", { states: [state], filter });
      const learner = learnerOfNode(node);
      return learner === null ? [] : [asLearnerId(learner)];
    }),
  );
  return [...new Set(found.flat())];
}

import { expect, test, vi } from "vitest";
import type { AdaptiveError } from "../../../src/scheduler/state/errors";
import { ClusterActions } from "../../../src/views/clusterActions";
import { PointTrials } from "../../../src/views/pointTrials";

/** What of the editor stands between a person and these acts. */
vi.mock("vscode", () => ({
  ProgressLocation: {},
  window: { withProgress: (_: unknown, act: (...args: object[]) => unknown) => act({}, {}) },
}));

const directory = "hpc:/home/ada/peaks/.adaptive";
const learnersFile = "/home/ada/peaks/_learners.py";

/** Errors as a person is shown them. */
function shownErrors() {
  const codes: string[] = [];
  const attempt = (_: string, act: () => Promise<void>) =>
    act().catch(({ code }: AdaptiveError) => void codes.push(code));
  return { codes, errors: { attempt } };
}

test("data of a run on a cluster whose study is not open here is not said to be on this computer", async () => {
  const { codes, errors } = shownErrors();
  const sessions = {
    active: { directory },
    activeStudy: () => Promise.resolve(null),
    folderOf: () => Promise.resolve(null),
  };
  await new ClusterActions({ sessions, errors } as never).downloadData();
  expect(codes).toEqual(["study-not-open"]);
});

test("what a point tried on a cluster proposes is held against that cluster's configuration", async () => {
  const { errors } = shownErrors();
  const asked: string[] = [];
  const proposal = { cores: 4, walltime: "1:00:00" };
  const outcome = { words: "", hasFailed: false, at: 1, steps: [{ kind: "useProposal", learnersFile, proposal }] };
  const sessions = {
    knownStudies: () => Promise.resolve([{ name: "peaks", learnersFile }]),
    config: (_: object, cluster: string) => {
      asked.push(cluster);
      return Promise.reject(new Error("this is all that is asked"));
    },
  };
  const trials = new PointTrials({ sessions, errors, memory: { get: () => outcome } } as never);
  await trials.take(directory, "Use Proposal");
  expect(asked).toEqual(["hpc"]);
});

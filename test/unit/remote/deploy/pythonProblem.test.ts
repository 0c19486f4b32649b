import { expect, test } from "vitest";
import { isOutdated } from "../../../../src/remote/deploy/pythonProblem";
import { probeWith } from "./probes";

const good = { path: "/opt/python", version: "3.11.2", missing: [] };
const wish = { place: "~/x", node: null, python: "/opt/python", prelude: ["module load mpi"] };
const { python, prelude } = wish;

test.each([
  ["what was found to be good, as it is set", good, { python, prelude }, false],
  ["another Python that is set by now", good, { python: "/opt/other", prelude }, true],
  ["none that is set any more", good, { prelude }, true],
  ["another prelude", good, { python }, true],
  ["one that lacked packages", { ...good, missing: ["adaptive"] }, { python, prelude }, true],
  ["one that was not there", { problem: "there is no such program" }, { python, prelude }, true],
] as const)("at the next start a head node is looked at again for %s: %#", (_, found, profile, isAgain) => {
  const probe = probeWith({ python: found });
  expect(
    isOutdated({ probe, wish }, { ...profile, ...("prelude" in profile && { prelude: [...profile.prelude] }) }),
  ).toBe(isAgain);
});

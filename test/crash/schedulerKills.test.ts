import { expect, test } from "vitest";
import { ask } from "../../src/scheduler/control/dealer";
import { settingsOf } from "../../src/scheduler/state/settings";
import { defaultSettings, temporaryFolder } from "../unit/scheduler/runFixture";
import { Chance } from "./chance";
import { ServedRun, sleep } from "./servedRun";
import { printTotals, seed } from "./totals";

const kills = 80;
const jobs = 16;

test("a scheduler that is killed at any moment takes back nothing that it said", { timeout: 600_000 }, async () => {
  const chance = new Chance(seed);
  const served = await ServedRun.create(await temporaryFolder(), { learners: 20_000, jobs }, chance);
  const settings = { ...defaultSettings, maxJobs: jobs, budget: jobs, maxFailures: 1_000_000 };
  let configured = 0;
  let unreadable = 0;
  for (let kill = 1; kill <= kills; kill++) {
    if ((await served.serve()) !== null) unreadable++;
    const { endpoint } = served;
    const asked = endpoint
      ? ask(endpoint, "configure", { settings: JSON.stringify({ ...settings, retries: kill }), origins: "{}" }).then(
          () => (configured = kill),
          () => undefined, // Killed before it could answer.
        )
      : null;
    await sleep(chance.between(20, 300));
    if (chance.next() < 0.25) await served.killWhileEnding(chance.between(0, 60));
    else await served.kill();
    await asked;
  }
  const { run, findings } = await served.finish();
  const totals = { kills, ...findings, unreadable };
  printTotals("schedulers killed", totals);
  expect(totals).toMatchObject({ lost: 0, "run twice": 0, contradictions: 0, unreadable: 0 });
  expect(settingsOf(run).retries).toBeGreaterThanOrEqual(configured);
  expect(findings.acknowledged).toBeGreaterThan(kills);
});

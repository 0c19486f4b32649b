import { expect, test } from "vitest";
import { ask } from "../../src/scheduler/control/dealer";
import { settingsOf } from "../../src/scheduler/state/settings";
import { defaultSettings, temporaryFolder } from "../unit/scheduler/runFixture";
import { Chance, printTotals, seed } from "./chance";
import { audit } from "./ledger";
import { ServedRun, sleep } from "./servedRun";
import { Worker } from "./workers";

const kills = 80;
const jobs = 16;

test("a scheduler that is killed at any moment takes back nothing that it said", { timeout: 600_000 }, async () => {
  const chance = new Chance(seed);
  const run = await ServedRun.create(await temporaryFolder(), { learners: 20_000, jobs });
  const workers = run.jobs.map((job) => new Worker(job, run, new Chance(chance.between(0, 1 << 30))));
  const working = workers.map((worker) => worker.work());
  const settings = { ...defaultSettings, maxJobs: jobs, budget: jobs, maxFailures: 1_000_000 };
  let configured = 0;
  let unreadable = 0;
  for (let kill = 1; kill <= kills; kill++) {
    if ((await run.serve()) !== null) unreadable++;
    const { endpoint } = run;
    const asked = endpoint
      ? ask(endpoint, "configure", { settings: JSON.stringify({ ...settings, retries: kill }), origins: "{}" }).then(
          () => (configured = kill),
          () => undefined, // Killed before it could answer.
        )
      : null;
    await sleep(chance.between(20, 300));
    if (chance.next() < 0.25) await run.killWhileEnding(chance.between(0, 60));
    else await run.kill();
    await asked;
  }
  expect(await run.serve()).toBeNull();
  await sleep(200);
  for (const worker of workers) worker.end();
  await Promise.all(working);
  await run.kill();

  const { model, epochs } = await run.read();
  const exchanges = workers.flatMap((worker) => worker.exchanges);
  const findings = audit(exchanges, model.learners, epochs);
  const contradictions = workers.reduce((sum, worker) => sum + worker.contradictions, 0);
  const isConfigured = settingsOf(model.run).retries >= configured;
  for (const worker of workers) worker.close();
  const totals = { kills, ...findings, contradictions, unreadable };
  printTotals("schedulers killed", totals);
  expect(totals).toMatchObject({ lost: 0, "run twice": 0, contradictions: 0, unreadable: 0 });
  expect(isConfigured).toBe(true);
  expect(findings.acknowledged).toBeGreaterThan(kills);
});

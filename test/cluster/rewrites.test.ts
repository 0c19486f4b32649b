import { rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { eventually } from "../integration/program";
import { aloneMs, farGoal, SlurmStudy, slowPeaks } from "./slurmStudy";
import { slurm, testCluster } from "./testCluster";

/** Has the site's submit plugin change each job of root's, as these lines of Lua say. */
async function rewriting(...lines: string[]): Promise<void> {
  const script = join(dirname(process.env["SLURM_CONF"] ?? ""), "job_submit.lua");
  const submit = ["function slurm_job_submit(job, parts, uid)", ...lines, "return slurm.SUCCESS", "end"];
  const modify = ["function slurm_job_modify(job, rec, parts, uid)", "return slurm.SUCCESS", "end"];
  await writeFile(script, [...submit, ...modify, ""].join("\n"));
  onTestFinished(async () => {
    await testCluster.configure();
    await rm(script);
  });
  await testCluster.configure("JobSubmitPlugins=lua");
}

/** Jobs that wait or run in a folder: this the site leaves as it is, and other tests have jobs too. */
const queuedIn = async (folder: string) =>
  (await slurm("squeue", "--noheader", "--array", "--format=%i %Z"))
    .split("\n")
    .map((line) => line.split(" "))
    .flatMap(([id = "", where]) => (where === folder ? [id] : []));

test(
  "jobs of a site that rewrites them are known while they wait, are no more than allowed, and end with a stop",
  { timeout: aloneMs },
  async () => {
    const on = await SlurmStudy.create(slowPeaks(5), farGoal, "exclusive");
    const partition = 'job.partition = "pair"';
    await rewriting('job.comment = "project=demo"', 'job.name = "site"', partition, "job.requeue = 1");
    const waiting = JSON.stringify({ resources: { extraLines: ["#SBATCH --begin=now+1hour"] } });
    const run = await on.run("--max-jobs", "2", "--set", "pollSeconds=5", "--profile", waiting);
    const ours = () => queuedIn(on.study.at(".adaptive", "jobs"));
    onTestFinished(async () => {
      const left = await ours();
      if (left.length > 0) await slurm("scancel", ...left);
    });
    const isObserved = async () => new Set((await on.changes("jobObserved")).map(({ job }) => job)).size === 2;
    await eventually(isObserved);
    expect((await ours()).length).toBe(2);
    const listed = await on.study.start(["jobs", on.study.folder, "--json"]).ended;
    expect((JSON.parse(listed.stdout) as { jobs: object[] }).jobs).toMatchObject([
      { state: "queued" },
      { state: "queued" },
    ]);
    expect(await on.changes("jobEnded")).toEqual([]);
    expect(await on.study.start(["stop", on.study.folder]).ended).toMatchObject({ exitCode: 0 });
    await eventually(async () => (await ours()).length === 0);
    await on.until("jobEnded", ({ ending }) => ending === "cancelled by us");
    run.child.kill("SIGTERM");
    await run.ended;
  },
);

test("a walltime that the site has shortened is said, and is the job's own", { timeout: aloneMs }, async () => {
  const on = await SlurmStudy.create(slowPeaks(1), { goal: { npoints: 10 } }, "exclusive");
  await rewriting("job.time_limit = 10");
  const prelude = JSON.stringify({ prelude: ['echo "allowed: $ADAPTIVE_WALLTIME_SECONDS"'] });
  const run = await on.run("--walltime", "2:00:00", "--profile", prelude);
  const [learner] = await on.finish(run);
  expect(learner).toMatchObject({ state: "done" });
  const [{ job } = { job: "" }] = await on.changes("learnerAssigned");
  const [, seconds] = /allowed: (\d+)/.exec(await on.output(job)) ?? [];
  expect(Number(seconds)).toBeGreaterThan(0);
  expect(Number(seconds)).toBeLessThanOrEqual(600);
  expect(run.printed()).toContain("The queue gives jobs 600 s where 7200 s were asked for");
});

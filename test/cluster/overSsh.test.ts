import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import { nodeRelease } from "../../src/remote/deploy/nodeRelease";
import { Session } from "../../src/remote/session";
import { downloadResults } from "../../src/remote/studySync/downloadResults";
import { systemClock } from "../../src/scheduler/state/clock";
import { asJobId } from "../../src/scheduler/state/rows";
import { createStudy, eventually, loadPoints } from "../integration/program";
import { shownBy } from "../integration/remote/shown";
import type { RealSshd } from "../integration/remote/ssh/realSshd";
import { workerReplica } from "../integration/remote/workerReplica";
import { type Site, visit } from "./site";
import { claim, slowPeaks } from "./slurmStudy";
import { slurm, testCluster } from "./testCluster";

interface Journey extends Site {
  /** Where its jobs run: by what the login says, or the queue's default. */
  partition?: { name: string; nodes: RegExp };
  /** Which variables of the login count for nothing. */
  ignored?: string;
  /** What happens to the way there while jobs run. */
  lose?: (sshd: RealSshd) => Promise<void>;
  find?: (sshd: RealSshd) => Promise<void>;
}

const journeys: Readonly<Record<string, Journey>> = {
  "a plain site, whose sshd is killed and started again": {
    user: "adaptive-ada",
    shell: "/bin/bash",
    sshd: ["Subsystem sftp internal-sftp"],
    home: {
      ".bash_profile":
        "export SBATCH_PARTITION=pair SBATCH_TIMELIMIT=5 SLURM_CLUSTERS=nowhere SQUEUE_FORMAT=%i SACCT_FORMAT=State\n",
    },
    partition: { name: "pair", nodes: /^n[23]$/ },
    ignored: "SBATCH_TIMELIMIT, SLURM_CLUSTERS",
    hasNode: true,
    profile: { python: testCluster.python },
    lose: (sshd) => sshd.signal("SIGKILL"),
    find: (sshd) => sshd.restart(),
  },
  "a noisy tcsh, no SFTP, nothing forwarded, one session at a time; sshd freezes and thaws": {
    user: "adaptive-grace",
    shell: "/usr/bin/tcsh",
    sshd: ["AllowTcpForwarding no", "DisableForwarding yes", "MaxSessions 1"],
    home: {
      ".tcshrc": "echo Welcome to login1\necho Quota: 93 % > /dev/stderr\nset noclobber\nset path = (~/bin $path)\n",
    },
    hasNode: true,
    profile: { prelude: [`. ${dirname(testCluster.python)}/activate`] },
    lose: (sshd) => sshd.signal("SIGSTOP"),
    find: (sshd) => sshd.signal("SIGCONT"),
  },
  "a head node without Node": {
    user: "adaptive-alan",
    shell: "/bin/bash",
    sshd: ["AllowTcpForwarding no"],
    home: {},
    hasNode: false,
    profile: { python: testCluster.python },
  },
};

test.each(Object.entries(journeys))("the main job as any user: %s", async (_, site) => {
  await claim("shared");
  const study = await createStudy(slowPeaks(3), { goal: { npoints: 1000 } });
  const { home, sshd, clusters, asked } = await visit(site);
  const steps: string[] = [];
  const need = { isAsked: true, onStep: (step: string) => steps.push(step), signal: new AbortController().signal };

  const { learnersFile } = study;
  const { run } = await clusters.runs.prepare("hpc", { learnersFile, name: "peaks" }, { set: {}, unset: [] }, need);
  const there = join(home, "adaptive-runs", "peaks");
  expect(run).toBe(`hpc:${there}/.adaptive`);
  const progress = /: \d+ MB$/;
  expect(steps.filter((step) => !progress.test(step))).toEqual([
    "Connecting",
    "Checking",
    ...(site.hasNode ? [] : [`Installing Node (${nodeRelease.megabytes} MB, once)`]),
    expect.stringMatching(/^Installing \(\d MB\)$/),
    "Sending study",
    "Starting",
  ]);

  const replica = await workerReplica();
  const snapshots = vi.spyOn(replica, "load");
  const session = new Session(run, {
    reach: (asks) => clusters.runs.reach(run, asks),
    replica,
    clock: systemClock,
    random: Math.random,
    log: () => undefined,
  });
  onTestFinished(() => session.dispose());
  await session.startJobs();
  const evaluations = (learner: number) => readFile(join(there, `evaluations-${learner}`), "utf8").catch(() => "");
  await eventually(async () => (await Promise.all([0, 1, 2].map(evaluations))).every((text) => text !== ""));
  const overview = () => session.query("overview", null);
  await eventually(async () => (await overview()).learners.running === 3);
  // The user's own jobs, on nodes that are not the head.
  const { name, nodes } = site.partition ?? { name: "main", nodes: /^n[45]$/ };
  const jobs = () => slurm("squeue", "--noheader", `--user=${site.user}`, "--format=%u %P %T");
  expect(await jobs()).toContain(`${site.user} ${name} RUNNING`);
  const { remark } = (await overview()).run;
  if (site.ignored === undefined) expect(remark ?? "").not.toContain("of the environment");
  else expect(remark).toContain(`Jobs are submitted without ${site.ignored} of the environment: say it in resources.`);
  const [job = "", node = ""] = (await evaluations(0)).split(/\s/);
  expect(node).toMatch(nodes);

  const { argv, directory: cwd } = await session.jobShell(asJobId(job));
  const { transport } = await clusters.runs.reach(run, need);
  const shell = await transport.terminal(argv, { ...need, cwd, size: { rows: 24, columns: 80 } });
  const shown = shownBy(shell.output);
  shell.input.write("echo in $SLURM_JOB_ID on `hostname`; exit 7\r");
  await shown.match(new RegExp(`in \\d+ on ${node}\\s`));
  expect(await shell.exit).toEqual({ code: 7, signal: null });

  await site.lose?.(sshd);
  if (site.lose !== undefined) await eventually(async () => session.link.at !== "online");
  await writeFile(join(there, "fast"), "");
  await eventually(async () => (await jobs()) === "");
  if (site.lose !== undefined) expect(session.link.at).not.toBe("online");
  await site.find?.(sshd);
  await eventually(async () => session.link.at === "online");
  await eventually(async () => {
    const { learners, jobs } = await overview();
    return learners.done === 3 && jobs.running + jobs.queued + jobs.submitted === 0;
  });
  // What happened meanwhile came as changes, to somebody who was known.
  expect(snapshots).toHaveBeenCalledTimes(1);
  expect(asked).toEqual(["passphrase of user_key"]);

  const { path, ...reach } = await clusters.runs.reach(run, need);
  const ledger = { load: () => ({}), save: () => undefined };
  const willing = { own: new Set(["_learners.py"]), agreed: new Set<string>(), agree: () => Promise.resolve(true) };
  const down = { run: path, folder: study.folder, ledger, ...willing, onProgress: () => undefined };
  const downloaded = await downloadResults({ ...reach, clock: systemClock, signal: need.signal }, down);
  expect(downloaded).toEqual({ fetched: 3, unchanged: 0, keptAside: [], refused: [] });
  for (const points of await loadPoints(study)) expect(points).toBeGreaterThanOrEqual(1000);

  session.dispose();
  expect(await clusters.removeScheduler("hpc", need)).toEqual(["peaks"]);
  expect(await readdir(join(home, ".adaptive-scheduler"))).toEqual(["runs"]);
  expect((await stat(join(there, "data/0.pickle"))).uid).toBe((await stat(home)).uid);
});

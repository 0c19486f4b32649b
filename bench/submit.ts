/**
 * What 10 000 jobs cost a Slurm: calls and seconds to submit them, each on record before the queue
 * hears of it; bytes and milliseconds of a poll while they wait; and to cancel them.
 *
 *   npm run bench:submit
 *
 * On the Slurm that SLURM_CONF names, or else on the tests' own (test/cluster/cluster.sh). The jobs are
 * held: they never run.
 */
import { execFileSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { readFile, rm } from "node:fs/promises";
import { tmpdir, userInfo } from "node:os";
import { resolve } from "node:path";
import type { ClusterCommand } from "../src/scheduler/clusters/cluster";
import { runCommand } from "../src/scheduler/clusters/runCommand";
import { slurmCluster } from "../src/scheduler/clusters/slurm";
import { Submitter } from "../src/scheduler/jobs/submitter";
import { systemClock } from "../src/scheduler/state/clock";
import { createRun, openStore } from "./benchRun";

const jobs = 10_000;
const polls = 9;
const script = "#!/bin/bash\n#SBATCH --hold\n#SBATCH --time=1\ntrue\n";

interface Figures {
  calls: number;
  submitSeconds: number;
  pollBytes: number;
  pollMs: number;
  cancelSeconds: number;
}

async function measure(largestArray: number, wasm: Uint8Array): Promise<Figures> {
  const directory = await createRun(1, 0, wasm);
  const store = await openStore(directory, wasm);
  const slurm = slurmCluster({ folder: tmpdir(), runId: randomUUID(), name: "bench", user: userInfo().username });
  const asked = slurm.largestArray();
  const submitter = new Submitter({
    store,
    cluster: { ...slurm, largestArray: () => asked && { ...asked, parse: () => largestArray } },
    run: runCommand,
    prepare: () => Promise.resolve(),
    script: () => script,
    onNotice: (notice) => {
      if (notice) throw notice;
    },
    clock: systemClock,
  });
  const submit = () => submitter.fill([{ resourceClass: "default", count: jobs, tries: null }]);
  const submitSeconds = await secondsOf(submit);
  const { parse, ...squeue } = slurm.list(new Set());
  const times: number[] = [];
  let pollBytes = 0;
  const poll: ClusterCommand<number> = {
    ...squeue,
    parse: (output) => {
      pollBytes = Buffer.byteLength(output.stdout);
      return parse(output).length;
    },
  };
  for (let i = 0; i < polls; i++) {
    times.push(
      1000 *
        (await secondsOf(async () => {
          const found = await runCommand(poll);
          if (found !== jobs) throw new Error(`Slurm lists ${found} jobs.`);
        })),
    );
  }
  const cancelSeconds = await secondsOf(() => runCommand(slurm.cancel([...store.model.jobs.keys()], false)));
  const calls = submitter.submissions;
  await store.close();
  await rm(directory.path, { recursive: true });
  return { calls, submitSeconds, pollBytes, pollMs: median(times), cancelSeconds };
}

async function secondsOf(work: () => Promise<unknown>): Promise<number> {
  const startedMs = performance.now();
  await work();
  return (performance.now() - startedMs) / 1000;
}

const median = (values: number[]) => values.sort((a, b) => a - b)[values.length >> 1] ?? 0;

async function main(): Promise<void> {
  if (!process.env["SLURM_CONF"]) {
    execFileSync(resolve(__dirname, "../../test/cluster/cluster.sh"), ["up"], { stdio: "inherit" });
    process.env["SLURM_CONF"] = "/var/lib/adaptive-test-cluster/slurm.conf";
  }
  const wasm = await readFile(require.resolve("sql.js/dist/sql-wasm.wasm"));
  console.log(`${jobs} jobs; a poll is the median of ${polls}\n`);
  console.log("largest array  calls of sbatch  seconds   bytes of a poll  ms of a poll   seconds to cancel");
  for (const largestArray of [1001, 10_001]) {
    const { calls, submitSeconds, pollBytes, pollMs, cancelSeconds } = await measure(largestArray, wasm);
    console.log(
      [
        String(largestArray).padStart(13),
        String(calls).padStart(16),
        submitSeconds.toFixed(2).padStart(8),
        String(pollBytes).padStart(17),
        pollMs.toFixed(0).padStart(13),
        cancelSeconds.toFixed(2).padStart(19),
      ].join(" "),
    );
  }
}

void main();

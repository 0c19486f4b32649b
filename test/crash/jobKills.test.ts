import { appendFile, readdir, readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { createStudy, eventually, loadPoints, type Study } from "../integration/program";
import { Chance } from "./chance";
import { sleep } from "./servedRun";
import { printTotals, seed } from "./totals";

const learners = 6;
const kills = 25;

/** Each evaluation says which job it is for. Half of the paths of data are made of where the file lies. */
const learnersFile = `
import os, time
from functools import partial
from pathlib import Path
import adaptive

HERE = Path(__file__).resolve().parent

def wave(x, k):
    with open(f"evaluations-{k}", "a") as file:
        file.write(os.environ["ADAPTIVE_JOB_ID"] + "\\n")
    time.sleep(0.02)
    return x**k

learners = [adaptive.Learner1D(partial(wave, k=k), bounds=(-1, 1)) for k in range(${learners})]
fnames = [f"data/{k}.pickle" if k % 2 else str(HERE / "data" / f"{k}.pickle") for k in range(${learners})]
`;

const settings = { goal: { npoints: 250 }, saveEverySeconds: 0.2, maxFailures: 1000 };

test("jobs that are killed at any moment leave whole files beside the study, whatever is edited; each learner ends done, and is never run twice at once", async () => {
  const chance = new Chance(seed);
  const study = await createStudy(learnersFile, settings);
  const run = study.run("--json", "--set", "executor=loky");
  let killed = 0;
  let wasUnheard = false;
  let isOver = false;
  void run.ended.then(() => (isOver = true));
  const written = new Set<string>();
  const edits: { exitCode: number | null; stderr: string }[] = [];
  while (!isOver && killed < kills) {
    await sleep(chance.between(100, 1200));
    const [job] = await liveJobs(study);
    // Five jobs in a row that die before they ask for a learner would pause the run, as they should.
    if (job === undefined || (!job.isHeard && wasUnheard)) continue;
    for (const name of await dataFiles(study)) written.add(name);
    if (!(await kill(job.pid, chance.of<Victim>("shell", "program", "group")))) continue;
    wasUnheard = !job.isHeard;
    killed++;
    // Another revision of the code, and jobs that have it.
    if (killed % 10 === 5) {
      await appendFile(study.learnersFile, `# Edited after ${killed} kills.\n`);
      edits.push(await study.start(["update", study.folder]).ended);
    }
  }
  const { exitCode, stdout, stderr } = await run.ended;
  expect({ exitCode, stderr, end: exitCode === 0 ? "" : stdout.slice(-2000) }).toEqual({
    exitCode: 0,
    stderr: "",
    end: "",
  });

  const changes = await study.changes();
  const done = changes.flatMap((change) => (change.kind === "learnerDone" ? [change.learner] : []));
  let twice = 0;
  for (let k = 0; k < learners; k++) {
    const jobs = (await readFile(study.at(`evaluations-${k}`), "utf8")).trim().split("\n");
    const turns = jobs.filter((job, i) => job !== jobs[i - 1]);
    // A job whose learner was given to another does not come back to it.
    if (new Set(turns).size < turns.length) twice++;
  }
  const points = await loadPoints(study);
  const lost = points.filter((npoints) => npoints > 0 && npoints < settings.goal.npoints).length;
  const empty = points.filter((npoints) => npoints === 0).length;
  const data = await dataFiles(study);
  const aside = data.filter((name) => name.includes("unreadable")).length;
  const deleted = [...written].filter((name) => !data.includes(name));
  const misplaced = data.filter((name) => name.startsWith(".adaptive"));
  const totals = {
    ...{ kills: killed, acknowledged: done.length, lost, "run twice": twice, unreadable: empty + aside },
    ...{ deleted: deleted.length, misplaced: misplaced.length },
  };
  printTotals("jobs killed", totals);
  expect([...done].sort()).toEqual(Array.from({ length: learners }, (_, k) => k));
  expect(edits.filter(({ exitCode }) => exitCode !== 0)).toEqual([]);
  expect({ deleted, misplaced }).toEqual({ deleted: [], misplaced: [] });
  expect(totals).toMatchObject({ lost: 0, "run twice": 0, unreadable: 0 });
});

/** What learners have saved, wherever in the study's folder that is; what is being written has a longer name. */
async function dataFiles(study: Study): Promise<string[]> {
  // Folders of code may vanish meanwhile.
  const names = await eventually(() => readdir(study.folder, { recursive: true }).catch(() => null));
  return names.filter((name) => /\.pickle(\.unreadable.*)?$/.test(name)).sort();
}

/** The jobs that live, and whether they have got a learner. */
async function liveJobs(study: Study): Promise<{ pid: number; isHeard: boolean }[]> {
  const file = (name: string) => readFile(study.at(".adaptive", "jobs", name), "utf8").catch(() => "");
  const names = (await readdir(study.at(".adaptive", "jobs")).catch(() => [])).filter((name) => name.endsWith(".pid"));
  const jobs = await Promise.all(
    names.map(async (name) => ({
      pid: Number.parseInt(await file(name)),
      isHeard: (await file(name.replace(/pid$/, "out"))).includes(": started"),
    })),
  );
  return jobs.filter(({ pid }) => Number.isInteger(pid) && isAlive(pid));
}

/** Whether any of a job's processes is. */
function isAlive(pid: number): boolean {
  try {
    return process.kill(-pid, 0);
  } catch {
    return false;
  }
}

type Victim = "shell" | "program" | "group";

/** Kills a job's first process alone, or the program it runs, which leaves its others to themselves, or all of it. */
async function kill(pid: number, victim: Victim): Promise<boolean> {
  const target = { shell: pid, program: await onlyChild(pid), group: -pid }[victim];
  try {
    return target !== null && process.kill(target, "SIGKILL");
  } catch {
    return false;
  }
}

async function onlyChild(pid: number): Promise<number | null> {
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, "utf8").catch(() => "");
  return children === "" ? null : Number.parseInt(children);
}

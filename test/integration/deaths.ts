import { readFile, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { createMessageConnection, StreamMessageReader, StreamMessageWriter } from "vscode-jsonrpc/node";
import { expect } from "vitest";
import { controlProtocol, type Notifications } from "../../src/scheduler/control/protocol";
import { createStudy, eventually, peaks, python, type Study } from "./program";

/** A way to have every job of a study die at once. */
export interface Death {
  learnersFile?: string;
  /** Makes the jobs die; returns what to add to `run`. */
  break: (study: Study) => Promise<string[]>;
  mend: (study: Study) => Promise<string[]>;
  /** The cause in plain words, what a job printed, and the next step. */
  words: { cause: RegExp; printed: string; next: RegExp };
}

const profile = (settings: object) => Promise.resolve(["--profile", JSON.stringify(settings)]);
/** Its prelude takes as long as modules do: the scheduler looks at the run before what was mended holds. */
const withMpi = () => profile({ prelude: ["sleep 3", `export PATH=${dirname(python)}:$PATH`] });
const isJob = `[ -n "$ADAPTIVE_JOB_ID" ]`;

/** A Python that in jobs does something else than run learners. */
async function insteadOfRunning(study: Study, command: string): Promise<string[]> {
  const wrapper = `#!/bin/sh\ncase "$*" in\n*adaptive_scheduler.run) ${command} ;;\n*) exec ${python} "$@" ;;\nesac\n`;
  await writeFile(study.at("python"), wrapper, { mode: 0o755 });
  return ["--python", study.at("python")];
}

export const deaths = {
  "the Python of the profile is missing": {
    // It is there where the study is read, and gone where jobs run.
    break: async (study) => {
      const args = await insteadOfRunning(study, "exit 0");
      return [...args, ...(await profile({ prelude: [`if ${isJob}; then rm -f '${study.at("python")}'; fi`] }))];
    },
    mend: () => Promise.resolve(["--python", python]),
    words: { cause: /there is no Python at \S+\/python on /, printed: "no-python", next: /--python PATH/ },
  },
  "the learners file raises in jobs": {
    learnersFile: `import os\nif "ADAPTIVE_JOB_ID" in os.environ and not os.path.exists("licence"):\n    raise OSError("no licence")\n`,
    break: () => Promise.resolve([]),
    mend: async (study) => {
      await writeFile(study.at("licence"), "");
      return [];
    },
    words: {
      cause: /: \S+\/peaks\/_learners\.py:3: OSError: no licence/,
      printed: "learners-file",
      next: /as it is read outside of one/,
    },
  },
  "the learners file needs what only the prelude set": {
    learnersFile: `import os\nif "ADAPTIVE_JOB_ID" in os.environ:\n    os.environ["LICENCE"]\n`,
    break: () => Promise.resolve(["--set", "executor=loky"]),
    mend: () => profile({ prelude: ["export LICENCE=mine"] }),
    words: { cause: /_learners\.py:3: KeyError: 'LICENCE'/, printed: "KeyError", next: /prelude may lack something/ },
  },
  "there is no MPI launcher": {
    break: (study) => profile({ launcher: "mpiexec", prelude: [`PATH=${study.folder}`] }),
    mend: withMpi,
    words: { cause: /there is no MPI launcher mpiexec on /, printed: "no-launcher", next: /load MPI/ },
  },
  "a line of the prelude exits": {
    break: () => profile({ prelude: ["echo 'loading the modules'", `if ${isJob}; then exit 3; fi`] }),
    mend: withMpi,
    words: {
      cause: /a line of the prelude ended the job with exit code 3/,
      printed: "loading the modules",
      next: /setting prelude/,
    },
  },
  "a line of the prelude fails where none may": {
    break: () => profile({ prelude: [`${isJob} && set -e`, "module load mpi-of-yesterday"] }),
    mend: withMpi,
    words: {
      cause: /a line of the prelude ended the job with exit code 127/,
      printed: "module: command not found",
      next: /setting prelude/,
    },
  },
  "the script ends without an error and never asks": {
    break: async (study) => [...(await insteadOfRunning(study, "echo all is well")), ...(await withMpi())],
    mend: () => Promise.resolve(["--python", python]),
    words: { cause: /ends without an error and without asking/, printed: "all is well", next: /get_learner/ },
  },
} satisfies Record<string, Death>;

/** Has all jobs of a study die so, and sees that few do, that one message stays, and that it goes on once mended. */
export async function testDeath(death: Death): Promise<void> {
  const study = await createStudy((death.learnersFile ?? "") + peaks(12, 0.001), { goal: { npoints: 3 } });
  await study.start(["init", "--learners", study.learnersFile, "--python", python]).ended;
  const dead = await study.run(...(await death.break(study))).ended;
  expect(dead.exitCode).toBe(2);
  const jobs = (await study.changes()).flatMap((change) => (change.kind === "jobsSubmitted" ? change.jobs : []));
  expect(jobs).toHaveLength(5);
  const { cause, printed, next } = death.words;
  const says = (text: string) => {
    expect(text).toMatch(cause);
    expect(text).toContain(printed);
    expect(text).toMatch(next);
  };
  says(dead.stdout);
  expect(dead.stdout.match(/jobs ended before they asked/g)).toHaveLength(1);

  // While no scheduler serves the run, and from the next one.
  says((await study.start(["status", study.folder]).ended).stdout);
  await study.start(["serve", study.folder, "--detach"]).ended;
  const notice = await noticeOnAttaching(study);
  says(`${notice.message}\n${notice.hint}`);
  says((await study.start(["status", study.folder]).ended).stdout);
  const log = await readFile(study.at(".adaptive", "scheduler.log"), "utf8");
  expect(log.match(/^.*jobs-(die-at-once|without-python)/gm)).toHaveLength(2);
  await endScheduler(study);

  expect(await study.run(...(await death.mend(study))).ended).toMatchObject({ exitCode: 0, stderr: "" });
  expect((await study.start(["status", study.folder]).ended).stdout).not.toMatch(cause);
}

/** What a client that attaches is shown. */
async function noticeOnAttaching(study: Study): Promise<NonNullable<Notifications["notice"]>> {
  const { child } = study.start(["attach", study.folder]);
  if (!child.stdout || !child.stdin) throw new Error("It has no pipes.");
  const connection = createMessageConnection(
    new StreamMessageReader(child.stdout),
    new StreamMessageWriter(child.stdin),
  );
  const noticed = new Promise<NonNullable<Notifications["notice"]>>((resolve) => {
    connection.onNotification("notice", (notice: Notifications["notice"]) => {
      if (notice) resolve(notice);
    });
  });
  connection.listen();
  await connection.sendRequest("attach", { protocol: controlProtocol, position: null });
  const notice = await noticed;
  connection.dispose();
  child.kill();
  return notice;
}

async function endScheduler(study: Study): Promise<void> {
  const report = async () =>
    JSON.parse((await study.start(["status", study.folder, "--json"]).ended).stdout) as {
      scheduler: { pid: number } | null;
    };
  const { scheduler } = await report();
  if (scheduler) process.kill(scheduler.pid, "SIGTERM");
  await eventually(async () => (await report()).scheduler === null);
}

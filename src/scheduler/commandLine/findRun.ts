import { basename, resolve } from "node:path";
import { AdaptiveError } from "../state/errors";
import { ownerOf } from "../state/lock";
import { registeredRuns } from "../state/registry";
import { RunDirectory } from "../state/runDirectory";

/** A run that may be meant, with what it is called. */
interface Candidate {
  directory: RunDirectory;
  name: string;
  runId: string;
}

/**
 * The run that a person means: its folder, its state folder, the beginning of its id or its name.
 *
 * @throws AdaptiveError `no-run`, or `ambiguous-run` naming those that may be meant
 */
export async function findRun(words: string): Promise<RunDirectory> {
  const path = resolve(words);
  const itself = RunDirectory.ofStateFolder(path);
  await Promise.all([itself, ...(await RunDirectory.allIn(path, "database.sqlite"))].map(untilPutBack));
  if (basename(path).startsWith(".adaptive") && (await itself.hasRun())) return itself;
  const here = await RunDirectory.allIn(path);
  const [only] = here;
  if (only && here.length === 1) return only;
  if (only) throw ambiguous(`${path} holds ${here.length} runs`, await Promise.all(here.map(described)));
  const known = await registeredRuns();
  const called = known.filter(({ runId, name }) => name === words || runId.startsWith(words));
  const [one] = called;
  const wasHere = known.find(({ directory }) => directory.path === path || directory.own === path);
  if (wasHere && !one) throw isGone(wasHere);
  if (one && called.length === 1) {
    await untilPutBack(one.directory);
    if (!(await one.directory.hasRun())) throw isGone(one);
    return one.directory;
  }
  if (one) throw ambiguous(`"${words}" is said of ${called.length} runs`, called);
  throw new AdaptiveError(
    "no-run",
    `There is no run in ${path}${words.includes("/") ? "" : `, and none is called ${words}`}.`,
    "See those there are (adaptive-scheduler list), or start one: adaptive-scheduler run --learners FILE --cluster local",
  );
}

function isGone({ name, directory }: Candidate): AdaptiveError {
  return new AdaptiveError(
    "no-run",
    `The run ${name} was in ${directory.path}, and is there no more.`,
    "Where its folder was moved, name that: it goes on there. What was deleted adaptive-scheduler list --prune forgets.",
  );
}

/** A scheduler that lives soon puts back what somebody deleted. */
async function untilPutBack(directory: RunDirectory): Promise<void> {
  for (let waitedMs = 0; waitedMs < patienceMs && !(await directory.hasRun()); waitedMs += checkMs) {
    if (!(await ownerOf(directory.lock))) return;
    await new Promise((resolve) => setTimeout(resolve, checkMs));
  }
}
const patienceMs = 10_000;
const checkMs = 100;

async function described(directory: RunDirectory): Promise<Candidate> {
  const { name, runId } = await directory.readRunFile();
  return { directory, name, runId };
}

function ambiguous(how: string, candidates: readonly Candidate[]): AdaptiveError {
  const lines = candidates.map(({ name, runId, directory }) => `\n  ${shortId(runId)}  ${name}  ${directory.own}`);
  return new AdaptiveError("ambiguous-run", `${how}:${lines.join("")}`, "Name one by its id or its state folder.");
}

/** Enough of a run's id to tell it from others. */
export function shortId(runId: string): string {
  return runId.slice(0, 8);
}

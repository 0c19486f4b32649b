import { lstat, mkdir, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type EnvironmentWish, type Making, mpiPackages, packages } from "../control/environmentWish";
import { shellQuote } from "../jobs/quote";
import { askInLogin } from "../python";
import { AdaptiveError, toAdaptiveError } from "../state/errors";
import { environmentLines, stepOf } from "./environmentScript";
import { describePython } from "./findPythons";

/** Wheels of a hundred megabytes, unpacked on a slow shared file system. */
const deadlineMs = 3_600_000;

interface MakingHere extends EnvironmentWish, Making {
  /** Holds the package `adaptive_scheduler`. */
  client: string;
  /** What the programs print that do it. */
  onOutput(text: string): void;
}

/**
 * Makes a Python environment with all that a job needs; when that fails nothing is left of it.
 *
 * @returns its Python
 * @throws AdaptiveError `environment-exists`, `no-index` where pip reaches no packages, and whatever else is in the way
 */
export async function makeEnvironment(wish: MakingHere): Promise<string> {
  const { folder, prelude, client, signal, onStep } = wish;
  const unfinished = `${folder}.unfinished`;
  // Nobody has made use of one that was never finished.
  if (await exists(unfinished)) await rm(folder, { recursive: true, force: true });
  const isNew = !(await exists(folder));
  if (!isNew) await checkMayAdd(wish);
  if (isNew) {
    await mkdir(dirname(folder), { recursive: true })
      .then(() => writeFile(unfinished, ""))
      .catch((cause: unknown) => notWritable(folder, cause));
  }
  try {
    await install(wish);
    onStep("Checking");
    const python = join(folder, "bin", "python");
    const { missing, hasMpi } = await describePython(python, prelude, client, signal);
    if (missing.length > 0) throw failed(wish, `${python} still has no ${missing.join(", ")}`);
    if (wish.withMpi && !hasMpi) throw failed(wish, `mpi4py of ${python} finds no MPI library`);
    return python;
  } catch (error) {
    if (isNew) await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
    throw error;
  } finally {
    await rm(unfinished, { force: true });
  }
}

async function install(wish: MakingHere): Promise<void> {
  const { folder, python, prelude, withMpi, wheels, signal, onStep, onVersion, onOutput } = wish;
  let line = "";
  const said = await askInLogin({
    prelude,
    lines: environmentLines,
    args: [folder, python, wheels ?? "", ...packages, ...(withMpi ? mpiPackages : [])],
    ...{ deadlineMs, signal },
    onAnswer: (answer) => {
      if (answer.startsWith("step ")) onStep(answer.slice("step ".length));
      if (answer.startsWith("version ")) onVersion(answer.slice("version ".length));
    },
    onNoise: (text) => {
      onOutput(text);
      const lines = (line + text).split("\n");
      line = lines.pop() ?? "";
      const steps = lines.map((one) => stepOf(one.trim())).filter((step) => step !== null);
      const last = steps.at(-1);
      if (last !== undefined) onStep(last);
    },
  });
  const last = said.answers.at(-1) ?? "";
  if (last !== "done") throw whyNot(wish, last.replace(/^cannot /, ""), said.noise);
}

async function exists(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  );
}

async function checkMayAdd({ folder, mayAdd }: MakingHere): Promise<void> {
  const isEnvironment = (
    await Promise.all(["pyvenv.cfg", "conda-meta"].map((name) => stat(join(folder, name)).catch(() => null)))
  ).some((found) => found !== null);
  if (isEnvironment && mayAdd) return;
  throw new AdaptiveError(
    "environment-exists",
    isEnvironment ? `There is an environment in ${folder} already.` : `${folder} is there and is no environment.`,
    isEnvironment
      ? "With --into the packages are installed into it; or name another folder."
      : "Name another folder for the environment.",
  );
}

function notWritable(folder: string, cause: unknown): never {
  throw new AdaptiveError(
    "not-writable",
    `No environment can be made in ${folder}: ${toAdaptiveError(cause).message}`,
    "Name another folder.",
    { cause },
  );
}

function whyNot(wish: MakingHere, code: string, noise: string): AdaptiveError {
  const { python, folder } = wish;
  const cause = noise;
  switch (code) {
    case "python-missing":
      return new AdaptiveError(code, `There is no Python at ${python}.`, "Name another one.", { cause });
    case "python-old":
      return new AdaptiveError(code, `${python} is older than Python 3.9, which jobs need.`, "Name a newer one.", {
        cause,
      });
    case "no-venv": {
      const command = "sudo apt install python3-venv";
      const hint = `On Debian or Ubuntu ${command} brings venv; elsewhere install virtualenv, uv or conda, or name a Python that has venv.`;
      return new AdaptiveError(code, `${python} can make no environment: it has no venv and no pip.`, hint, {
        ...{ cause, command },
      });
    }
    case "no-index":
      return new AdaptiveError(
        code,
        `pip reaches no packages from this machine: ${lastError(noise)}`,
        "Set PIP_INDEX_URL or a proxy in your login files, or have the packages sent from a computer that reaches them.",
        { cause },
      );
    case "no-environment":
      return new AdaptiveError(code, `${folder} has no bin/python that runs.`, "Name another folder.", { cause });
    default:
      return failed(wish, lastError(noise));
  }
}

function failed({ folder, python, withMpi }: MakingHere, why: string): AdaptiveError {
  const command = commandLine(python, folder, withMpi);
  return new AdaptiveError("environment-failed", `The environment could not be made: ${why}`, `By hand: ${command}`, {
    command,
  });
}

/** The same as a line for a shell. */
function commandLine(python: string, folder: string, withMpi: boolean): string {
  const names = [...packages, ...(withMpi ? mpiPackages : [])].join(" ");
  return `${shellQuote(python)} -m venv ${shellQuote(folder)} && ${shellQuote(`${folder}/bin/python`)} -m pip install ${names}`;
}

/** What pip or venv says of why, which other lines may follow. */
function lastError(noise: string): string {
  const lines = noise
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
  return (
    lines.filter((line) => /^(ERROR|Error|error|fatal|.*Error:)/.test(line)).at(-1) ?? lines.at(-1) ?? "nobody says why"
  );
}

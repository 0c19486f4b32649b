import { loaded } from "./canRunHere";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline/promises";
import { parseArgs } from "node:util";
import { assetsIn } from "./assets";
import { attach } from "./commandLine/attach";
import { config } from "./commandLine/config";
import { deleteRun } from "./commandLine/delete";
import { environment } from "./commandLine/environment";
import { findRun } from "./commandLine/findRun";
import { helpOn, helpOnAll, unknownCommand } from "./commandLine/help";
import { init } from "./commandLine/init";
import { printFailure } from "./commandLine/printFailure";
import { exitCodes, type Program } from "./commandLine/program";
import { changeLearners, failures } from "./commandLine/learners";
import { cancel, jobs, pause, set, shell } from "./commandLine/jobs";
import { list } from "./commandLine/list";
import { commandNames, options, unknownOption } from "./commandLine/options";
import { pythons } from "./commandLine/pythons";
import { guardOutputs } from "./commandLine/outputs";
import { run } from "./commandLine/run";
import { nextStart } from "./commandLine/runRow";
import { script } from "./commandLine/script";
import { serve, serveInBackground } from "./commandLine/serve";
import { status } from "./commandLine/status";
import { start } from "./commandLine/start";
import { stop } from "./commandLine/stop";
import { receive, results } from "./commandLine/transfer";
import { tryPoints } from "./commandLine/try";
import { parseTypedOptions } from "./commandLine/typedOptions";
import { update } from "./commandLine/update";
import { endsWithInput } from "./control/endsWithInput";
import { AdaptiveError, toAdaptiveError } from "./state/errors";
import { RunDirectory } from "./state/runDirectory";
import { type Layer, queues } from "./state/settings";
import type { CopyWish } from "./study/place";
import { parseProfile, type StartOptions } from "./study/settings";
import { version } from "./version";

const program: Program = {
  assets: assetsIn(join(__dirname, "..")),
  self: [process.execPath, __filename],
  printJson: (value) => process.stdout.write(`${JSON.stringify(value)}\n`),
  print: (text) => process.stdout.write(`${text}\n`),
  warn: (text) => process.stderr.write(`${text}\n`),
  confirm,
};

async function main(args: readonly string[]): Promise<number> {
  const { values, positionals } = parse(args);
  const [command, path = process.cwd(), ...rest] = positionals;
  if (values.version || command === "version") return say(version);
  if (command === undefined || (command === "help" && positionals.length === 1)) return say(helpOnAll(__filename));
  if (command === "help") return say(helpOn(path));
  if (values.help) return say(helpOn(command));
  if (!commandNames.includes(command)) throw unknownCommand(command);
  const foreign = unknownOption(args, command);
  if (foreign !== null) throw usageError(foreign, command);
  const tooMany = takesNames.has(command) ? undefined : positionals[takesNoRun.has(command) ? 1 : 2];
  if (tooMany !== undefined && startsStudy.has(command) && !values.learners) throw noLearners(tooMany);
  if (tooMany !== undefined) throw usageError(`"${tooMany}" is one argument too many.`, command);
  switch (command) {
    case "run":
      return run(
        {
          ...startOptions(values),
          port: portOf(values),
          ifCopied: ifCopied(values),
          json: values.json === true,
          stay: values.stay === true,
          accept: values.accept === true,
          reopen: values.reopen === true,
        },
        program,
      );
    case "init":
      return init(startOptions(values), ifCopied(values), values.json === true, program);
    case "config":
      return config(await nextStart(...(await startOrRun(values, path)), program), values.json === true, program);
    case "script":
      return script(
        await nextStart(...(await startOrRun(values, path)), program),
        values.class ?? null,
        values.json === true,
        program,
      );
    case "serve":
      return serveAsWished(values, path);
    case "list":
      return list({ json: values.json === true, prune: values.prune === true }, program);
    case "pythons":
      return pythons(
        {
          folders: [path, ...rest],
          known: values.known ?? [],
          profile: machineProfile(values),
          json: values.json === true,
        },
        program,
      );
    case "environment":
      return environment(
        {
          folder: positionals[1] ?? ".venv",
          profile: machineProfile(values),
          mpi: values.mpi === true,
          into: values.into === true,
          wheels: values.wheels ?? null,
          json: values.json === true,
        },
        program,
      );
    case "status":
      return status(await findRun(path), values.json === true, program);
    case "stop":
      return stop(
        await findRun(path),
        { gently: values.gently === true, shutDown: values["shut-down"] === true },
        program,
      );
    case "try":
      return tryPoints(
        {
          ...startOptions(values),
          chosen: { names: values.learner ?? [], where: values.where ?? "" },
          accept: values.accept === true,
          json: values.json === true,
        },
        program,
      );
    case "start":
      return start(await findRun(path), values.accept === true, program);
    case "pause":
      return pause(await findRun(path), program);
    case "set": {
      const [options, directory] = await startOrRun(values, path);
      return set(directory, options, program);
    }
    case "jobs":
      return jobs(await findRun(path), values.json === true, program);
    case "cancel":
      return cancel(await findRun(path), rest, program);
    case "shell":
      return shell(await findRun(path), rest, program);
    case "delete":
      return deleteRun(
        await findRun(path),
        {
          data: values.data === true,
          yes: values.yes === true,
          dryRun: values["dry-run"] === true,
          json: values.json === true,
        },
        program,
      );
    case "update":
      return update(
        await findRun(path),
        { accept: values.accept === true, dryRun: values["dry-run"] === true, json: values.json === true },
        program,
      );
    case "retry":
    case "stop-learner":
    case "reopen":
      return changeLearners(
        command,
        await findRun(path),
        { names: rest, where: values.where ?? "" },
        { accept: values.accept === true, json: values.json === true },
        program,
      );
    case "failures":
      return failures(await findRun(path), { names: rest, where: values.where ?? "" }, values.json === true, program);
    case "results":
      return results(await findRun(path), { json: values.json === true, packed: values.pack === true }, program);
    case "receive":
      return receive(resolve(path), values.from ?? "somebody", values.json === true, program);
    case "attach":
      return attach(await findRun(path), values["no-start"] !== true, program);
    default:
      throw unknownCommand(command);
  }
}

function noLearners(given: string | null): AdaptiveError {
  const hint = given === null ? undefined : `Did you mean --learners ${given}?`;
  return new AdaptiveError(
    "usage",
    "--learners FILE is missing: the file that defines the learners, such as _learners.py.",
    hint ?? "See adaptive-scheduler --help.",
  );
}

async function serveAsWished(values: Values, path: string): Promise<number> {
  const [port, copyWish, isInJob] = [portOf(values), ifCopied(values), values["in-job"] === true];
  if (isInJob && !values.detach) throw usageError("--in-job goes with --detach only.", "serve");
  if (isInJob && port !== null) throw usageError("--in-job and --port exclude each other.", "serve");
  const directory = await findRun(path);
  return values.detach
    ? serveInBackground(directory, { isInJob, port, ifCopied: copyWish }, program)
    : serve(directory, port, copyWish, program);
}

/** Commands that are about no run that there is. */
const takesNoRun = new Set(["run", "init", "try", "list"]);
/** Those of them that are told the study. */
const startsStudy = new Set(["run", "init", "try"]);

/** Commands that take names, of learners or jobs, behind RUN. */
const takesNames = new Set(["pythons", "retry", "stop-learner", "reopen", "failures", "cancel", "shell"]);

type Values = ReturnType<typeof parse>["values"];

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true });
  } catch (error) {
    throw usageError(unknownOption(args) ?? toAdaptiveError(error).message);
  }
}

function startOptions({ learners, cluster, profile, ...values }: Values): StartOptions {
  if (!learners) throw noLearners(null);
  const queue = queues.find((name) => name === cluster) ?? null;
  if (cluster !== undefined && queue === null) {
    throw usageError(`There is no cluster "${cluster}"; there are ${queues.join(" and ")}.`);
  }
  return { learnersFile: learners, cluster: queue, typed: parseTypedOptions(values), profile: profile ?? null };
}

/** The study that `--learners` names or, without it, that of the run in this folder; and where its run is. */
async function startOrRun(values: Values, path: string): Promise<[StartOptions, RunDirectory]> {
  if (values.learners) return [startOptions(values), RunDirectory.ofStudy(values.learners)];
  const directory = await findRun(path);
  return [startOptions({ ...values, learners: (await directory.readRunFile()).study }), directory];
}

/** What is set for a machine, of which `--python` is what was typed. */
function machineProfile({ profile, python }: Values): Layer {
  const set = profile === undefined ? {} : parseProfile(profile, "the profile");
  return python === undefined ? set : { ...set, python };
}

function ifCopied({ fork, adopt }: Values): CopyWish {
  if (fork && adopt) throw usageError("--fork and --adopt exclude each other.");
  return fork ? "fork" : adopt ? "adopt" : "refuse";
}

/** Null for any free one. */
function portOf({ port }: Values): number | null {
  if (port === undefined) return null;
  if (/^[1-9]\d*$/.test(port) && Number(port) < 2 ** 16) return Number(port);
  throw usageError(`--port must be a whole number from 1 to 65535, not "${port}".`);
}

async function confirm(question: string): Promise<boolean> {
  if (!process.stdin.isTTY || !process.stdout.isTTY) return false;
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  // Else Ctrl-C, and a terminal that is closed, leave the question without an answer for ever.
  terminal.on("SIGINT", () => process.kill(process.pid, "SIGINT"));
  const closed = new Promise<string>((resolve) => {
    for (const event of ["close", "error"]) terminal.on(event, () => resolve(""));
  });
  try {
    const answer = await Promise.race([terminal.question(`${question} [y/N] `), closed]);
    return /^y(es)?$/i.test(answer.trim());
  } finally {
    terminal.close();
  }
}

function say(text: string): number {
  program.print(text);
  return exitCodes.success;
}

function usageError(message: string, command = ""): AdaptiveError {
  return new AdaptiveError("usage", message, `See adaptive-scheduler ${command && `${command} `}--help.`);
}

async function endWith(args: readonly string[]): Promise<number> {
  try {
    return await main(args);
  } catch (error) {
    printFailure(args, error);
    return exitCodes.error;
  }
}

loaded();
const outputs = guardOutputs(process.stdout, process.stderr);
if (process.env[endsWithInput] !== undefined) {
  // Not for what this command starts.
  delete process.env[endsWithInput];
  // A command that has something to undo listens for the signal.
  process.stdin.on("close", () => process.emit("SIGTERM") || process.exit(exitCodes.interrupted)).resume();
  process.stdin.unref();
}

// Sockets and timers that are still open must not keep a command that is finished.
void endWith(process.argv.slice(2)).then((exitCode) => {
  process.exitCode = exitCode;
  const end = () => process.exit(exitCode || (outputs.areWhole ? exitCodes.success : exitCodes.error));
  // An output tells what went wrong a moment after it has told that it is through.
  process.stdout.write("", () => setImmediate(end));
});

import { loaded } from "./canRunHere";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline/promises";
import { parseArgs, type ParseArgsConfig } from "node:util";
import { assetsIn } from "./assets";
import { attach } from "./commandLine/attach";
import { config } from "./commandLine/config";
import { deleteRun } from "./commandLine/delete";
import { environment } from "./commandLine/environment";
import { findRun } from "./commandLine/findRun";
import { commandNames, helpOn, helpOnAll, unknownCommand, unknownOption } from "./commandLine/help";
import { init } from "./commandLine/init";
import { printFailure } from "./commandLine/printFailure";
import { exitCodes, type Program } from "./commandLine/program";
import { changeLearners, failures } from "./commandLine/learners";
import { cancel, jobs, pause, set, shell } from "./commandLine/jobs";
import { list } from "./commandLine/list";
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

const typedOptions = {
  goal: { type: "string" },
  "max-jobs": { type: "string" },
  walltime: { type: "string" },
  cores: { type: "string" },
  python: { type: "string" },
  set: { type: "string", multiple: true },
  unset: { type: "string", multiple: true },
} as const;

const options = {
  learners: { type: "string" },
  cluster: { type: "string" },
  ...typedOptions,
  port: { type: "string" },
  profile: { type: "string" },
  json: { type: "boolean" },
  stay: { type: "boolean" },
  detach: { type: "boolean" },
  "in-job": { type: "boolean" },
  gently: { type: "boolean" },
  "shut-down": { type: "boolean" },
  "no-start": { type: "boolean" },
  accept: { type: "boolean" },
  learner: { type: "string", multiple: true },
  known: { type: "string", multiple: true },
  mpi: { type: "boolean" },
  into: { type: "boolean" },
  wheels: { type: "string" },
  class: { type: "string" },
  where: { type: "string" },
  reopen: { type: "boolean" },
  "dry-run": { type: "boolean" },
  prune: { type: "boolean" },
  fork: { type: "boolean" },
  data: { type: "boolean" },
  yes: { type: "boolean" },
  pack: { type: "boolean" },
  from: { type: "string" },
  adopt: { type: "boolean" },
  help: { type: "boolean", short: "h" },
  version: { type: "boolean", short: "V" },
} as const satisfies ParseArgsConfig["options"];

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
  if (rest.length > 0 && !takesNames.has(command)) throw usageError(`"${rest[0] ?? ""}" is one argument too many.`);
  switch (command) {
    case "run":
      return run(
        {
          ...startOptions(values),
          port: wholeNumber("port", values.port) ?? null,
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
      if (!values.detach)
        return serve(await findRun(path), wholeNumber("port", values.port) ?? null, ifCopied(values), program);
      return serveInBackground(await findRun(path), values["in-job"] === true, ifCopied(values), program);
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

/** Commands that take names, of learners or jobs, behind RUN. */
const takesNames = new Set(["pythons", "retry", "stop-learner", "reopen", "failures", "cancel", "shell"]);

type Values = ReturnType<typeof parse>["values"];

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true });
  } catch (error) {
    throw usageError(unknownOption(args, options) ?? toAdaptiveError(error).message);
  }
}

function startOptions({ learners, cluster, profile, ...values }: Values): StartOptions {
  if (!learners)
    throw usageError("--learners FILE is missing: the file that defines the learners, such as _learners.py.");
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

function wholeNumber(name: string, text: string | undefined): number | undefined {
  if (text === undefined || /^[1-9]\d*$/.test(text)) return text === undefined ? undefined : Number(text);
  throw usageError(`--${name} must be a whole number above 0, not "${text}".`);
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

function usageError(message: string): AdaptiveError {
  return new AdaptiveError("usage", message, "See adaptive-scheduler --help.");
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

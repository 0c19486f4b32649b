/**
 * `npm test`: all parts but long ones, or with their names as arguments those parts. The last line says
 * how many passed and failed; what is skipped or did not run counts as failed.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { mkdir, readFile, rm } from "node:fs/promises";
import { spawn } from "node:child_process";
import { join } from "node:path";
import { check } from "./check.mjs";
import { setUpCodeServer } from "./codeServer.mjs";
import {
  endCluster,
  python,
  setUpBuild,
  setUpChromium,
  setUpCluster,
  setUpNode,
  setUpNodeArchive,
  setUpPython,
  setUpShells,
  setUpSlurms,
  setUpSshd,
} from "./setup.mjs";
import { printError, root, seconds, together } from "./steps.mjs";

/**
 * With what failed, and what passed only when run again, and why.
 * @typedef {{ passed: number, failed: number, failures?: string[], again?: string[] }} Counts
 */
/** What takes long and rarely fails; `npm run test:long` runs it, and what is marked so in Python. */
const long = ".long.test.ts";
/** @type {Record<string, () => Promise<Counts>>} */
const parts = {
  check,
  unit: () => vitest("unit"),
  simulation: async () => sum([await simulate(300), await vitest("simulation")]),
  crash: () => vitest("crash"),
  // Half of it is waiting: for processes to start, for a poll, for patience to end.
  integration: async () => sum([await vitest("integration", "--minWorkers=1", "--maxWorkers=3"), await pytest()]),
  // Most of it is waiting for Slurm, and for the patience of the scheduler.
  cluster: () => endingCluster(vitest("cluster", "--minWorkers=1", "--maxWorkers=6")),
  // One of its tests is on the cluster.
  e2e: () => endingCluster(vitest("e2e")),
  slurms: () => vitest("slurms", "--minWorkers=1", "--maxWorkers=2"),
  long: async () =>
    sum([
      await vitest("integration", "--minWorkers=1", "--maxWorkers=2", long),
      await pytest("long"),
      await endingCluster(vitest("cluster", "--minWorkers=1", "--maxWorkers=6", long)),
      await vitest("slurms", "--minWorkers=1", "--maxWorkers=2"),
      await vitest("e2e", long),
      await vitest("simulation", long),
      await simulate(2000, 301),
    ]),
};
/** Parts that run when they are named. */
const onlyNamed = ["slurms", "long"];
/**
 * What runs beside the others and says at the end what came out: the simulation knows no clock, and takes what these
 * leave of the cores; of the cluster most is waiting.
 * @type {Record<string, string[]>} with what they run by
 */
const inBackground = { simulation: ["nice", "-n", "19"], cluster: [] };
/** There is one test cluster. */
const oneAfterTheOther = { first: "cluster", then: "e2e" };
const results = join(root, "test/results");
/** @type {AsyncLocalStorage<{ output: Buffer[], by: string[] }>} of a part that runs in the background */
const background = new AsyncLocalStorage();

async function setUp(/** @type {readonly string[]} */ names) {
  const areNamed = (/** @type {string[]} */ ...parts) => parts.some((part) => names.includes(part));
  // The package manager of the system does one thing at a time.
  const setUpSystem = async () => {
    if (areNamed("integration", "cluster", "long")) await setUpShells();
    if (areNamed("integration", "cluster", "e2e", "long")) await setUpSshd();
    if (areNamed("cluster", "e2e", "long")) await setUpCluster();
    if (areNamed("cluster", "slurms", "long")) await setUpSlurms(["trixie"]);
    if (areNamed("slurms", "long")) await setUpSlurms(["bullseye", "bookworm", "sid"]);
    if (areNamed("e2e", "long")) await setUpChromium();
  };
  await together([
    setUpSystem(),
    setUpPython(["requirements.txt", "requirements-dev.txt"]),
    setUpNode().then(setUpBuild),
    areNamed("integration", "cluster", "long") && setUpNodeArchive(),
    areNamed("e2e", "long") && setUpCodeServer(),
  ]);
  return { passed: 0, failed: 0 };
}

/**
 * @param {string} project of vitest.config.ts
 * @param {string[]} options
 * @returns {Promise<Counts>}
 */
async function vitest(project, ...options) {
  const report = join(results, `${project}.json`);
  const files = options.includes(long) ? [] : [`--exclude=**/*${long}`];
  const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${report}`];
  const exitCode = await show("node_modules/.bin/vitest", [
    "run",
    "--project",
    project,
    ...options,
    ...files,
    ...reporters,
  ]);
  const text = await readFile(report, "utf8").catch(() => "{}");
  const {
    numPassedTests = 0,
    numFailedTests = 0,
    numPendingTests = 0,
    numTodoTests = 0,
    testResults = [],
  } = JSON.parse(text);
  const tests = testResults.flatMap((/** @type {any} */ { name, status, message, assertionResults }) =>
    message ? [{ fullName: name, status, failureMessages: [message] }, ...assertionResults] : assertionResults,
  );
  const told = (/** @type {string} */ status) =>
    tests
      .filter((/** @type {any} */ test) => test.status === status && test.failureMessages.length > 0)
      .map(
        (/** @type {any} */ { fullName, failureMessages: [why] }) =>
          `${project}: ${fullName}\n  ${why.split("\n    at ")[0]}`,
      );
  return {
    ...counted(exitCode, numPassedTests, numFailedTests + numPendingTests + numTodoTests),
    failures: told("failed"),
    again: told("passed"),
  };
}

/**
 * @param {Promise<Counts>} part
 * @returns {Promise<Counts>}
 */
async function endingCluster(part) {
  try {
    return await part;
  } finally {
    await endCluster();
  }
}

/**
 * @param {number} seeds
 * @param {number} first
 * @returns {Promise<Counts>}
 */
async function simulate(seeds, first = 1) {
  const report = join(results, "seeds.json");
  const exitCode = await show("npm", [
    "run",
    "--silent",
    "test:simulation",
    "--",
    "--seeds",
    String(seeds),
    "--first",
    String(first),
    "--report",
    report,
  ]);
  const text = await readFile(report, "utf8").catch(() => "{}");
  const { seeds: simulated = 0, violations = 0 } = JSON.parse(text);
  return counted(exitCode, simulated - violations, violations);
}

/** @returns {Promise<Counts>} */
async function pytest(marked = "not long") {
  const report = join(results, "python.xml");
  const options = ["-q", "-n", "3", "-m", marked, `--junitxml=${report}`];
  const exitCode = await show(python, ["-m", "pytest", ...options, "test/python"]);
  const text = await readFile(report, "utf8").catch(() => "");
  const number = (/** @type {string} */ name) => Number(new RegExp(` ${name}="(\\d+)"`).exec(text)?.[1] ?? 0);
  const failed = number("failures") + number("errors") + number("skipped");
  const failures = [
    ...text.matchAll(/<testcase [^>]* name="([^"]*)"[^>]*><(?:failure|error) message="(.*?)(?:&#10;|")/g),
  ].map(([, name, why]) => `python: ${name}\n  ${why}`);
  return { ...counted(exitCode, number("tests") - failed, failed), failures };
}

/**
 * A tool that fails without a failed test (a file does not load, there are no tests) counts as one.
 * @param {number | null} exitCode
 * @param {number} passed
 * @param {number} failed
 */
function counted(exitCode, passed, failed) {
  return { passed, failed: exitCode === 0 ? failed : Math.max(failed, 1) };
}

/**
 * Runs a command whose output is for the reader: at once, or that of a part in the background when it is over.
 * @param {string} command
 * @param {readonly string[]} args
 * @returns {Promise<number | null>} its exit code
 */
function show(command, args) {
  return new Promise((resolve) => {
    const { output, by } = background.getStore() ?? { by: [] };
    const [program = command, ...all] = [...by, command, ...args];
    const child = spawn(program, all, { cwd: root, stdio: output ? ["ignore", "pipe", "pipe"] : "inherit" });
    for (const stream of [child.stdout, child.stderr]) stream?.on("data", (data) => output?.push(data));
    child.on("error", () => resolve(null));
    child.on("close", resolve);
  });
}

/** The budgets in minutes, from the table that people read. */
async function readBudgets() {
  const text = await readFile(join(root, "test/README.md"), "utf8");
  return Object.fromEntries(
    [...text.matchAll(/^\| ([\w-]+) +\| (\d+) min +\|/gm)].map(([, name, minutes]) => [name, minutes]),
  );
}

/**
 * @param {readonly Counts[]} counts
 * @returns {Required<Counts>}
 */
function sum(counts) {
  return {
    passed: counts.reduce((all, { passed }) => all + passed, 0),
    failed: counts.reduce((all, { failed }) => all + failed, 0),
    failures: counts.flatMap(({ failures = [] }) => failures),
    again: counts.flatMap(({ again = [] }) => again),
  };
}

/** @param {readonly string[]} names */
async function test(names) {
  const budgets = await readBudgets();
  await rm(results, { recursive: true, force: true });
  await mkdir(results, { recursive: true });
  /** @type {Counts[]} */
  const counts = [];
  /** @type {string[]} */
  const times = [];
  const part = async (/** @type {string} */ name, /** @type {() => Promise<Counts>} */ work) => {
    const output = background.getStore()?.output;
    if (!output) console.log(`\n── ${name} ──`);
    const startedMs = Date.now();
    const came = await work().catch((error) => {
      printError(error);
      return { passed: 0, failed: 1 };
    });
    counts.push(came);
    const { passed, failed } = came;
    times.push(
      `${name.padEnd(12)} ${seconds(startedMs).padStart(8)} of ${budgets[name]} min, ${passed} passed, ${failed} failed`,
    );
    if (output) console.log(`\n── ${name}, in the background ──\n${Buffer.concat(output).toString()}`);
    return failed === 0;
  };
  const run = (/** @type {string} */ name) => part(name, parts[name] ?? check);
  if (await part("set-up", () => setUp(names))) {
    const others = names.filter((name) => !(name in inBackground));
    const beside = others.length === 0 ? [] : names.filter((name) => name in inBackground);
    const running = new Map(
      beside.map((name) => [name, background.run({ output: [], by: inBackground[name] ?? [] }, () => run(name))]),
    );
    for (const name of beside.length > 0 ? others : names) {
      if (name === oneAfterTheOther.then) await running.get(oneAfterTheOther.first);
      await run(name);
    }
    await Promise.all(running.values());
  }
  const { passed, failed, failures, again } = sum(counts);
  if (failures.length > 0) console.log(`\nFailed:\n${failures.join("\n")}`);
  if (again.length > 0) console.log(`\nPassed only when run again, which is a fault to repair:\n${again.join("\n")}`);
  console.log(`\n${times.join("\n")}\n\n${passed} passed, ${failed} failed`);
  process.exitCode = failed === 0 ? 0 : 1;
}

const asked = process.argv.slice(2);
const unknown = asked.find((name) => !(name in parts));
const usual = Object.keys(parts).filter((name) => !onlyNamed.includes(name));
if (unknown === undefined) await test(asked.length > 0 ? asked : usual);
else {
  console.error(`There is no part "${unknown}"; there are ${Object.keys(parts).join(", ")}.`);
  process.exitCode = 2;
}

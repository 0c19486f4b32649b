/** How the scripts do and print their work: one line a step, and help when one fails. */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { readFile, readdir, stat, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("..", import.meta.url));

/** Removes what a terminal's line had before. */
const clear = process.stdout.isTTY ? "\x1b[K" : "";

/** A step that failed, with what to do about it. */
export class StepError extends Error {
  /**
   * @param {string} message
   * @param {string} hint what to do
   */
  constructor(message, hint) {
    super(message);
    this.hint = hint;
  }
}

/**
 * Does a piece of work and prints what it was and how long it took. Several may go on at once.
 * @param {string} name
 * @param {() => Promise<string | void>} work may give a remark to print
 */
export async function step(name, work) {
  const startedMs = Date.now();
  if (process.stdout.isTTY) process.stdout.write(`${clear}… ${name}\r`);
  try {
    const remark = await work();
    console.log(`${clear}✓ ${name} (${seconds(startedMs)})${remark ? `: ${remark}` : ""}`);
  } catch (error) {
    console.log(`${clear}✗ ${name} (${seconds(startedMs)})`);
    throw error;
  }
}

/**
 * Waits for all steps, and then fails when one did: what to do about it is the last that is read.
 * @param {readonly unknown[]} steps
 */
export async function together(steps) {
  const failed = (await Promise.allSettled(steps)).find(({ status }) => status === "rejected");
  if (failed?.status === "rejected") throw failed.reason;
}

/**
 * Does the work of a step unless it was done for the same inputs before.
 * @param {string} stampFile remembers the inputs once the work is done
 * @param {string} inputs
 * @param {() => Promise<unknown>} work
 */
export async function once(stampFile, inputs, work) {
  const stamp = join(root, stampFile);
  if ((await readFile(stamp, "utf8").catch(() => null)) === inputs) return;
  await work();
  await writeFile(stamp, inputs);
}

/**
 * The same text for the same content of files and folders.
 * @param {readonly string[]} paths relative to the project
 * @returns {Promise<string>}
 */
export async function fingerprint(paths) {
  const hash = createHash("sha256");
  for (const path of paths) await add(path);
  return hash.digest("hex");

  /** @param {string} path */
  async function add(path) {
    const full = join(root, path);
    const found = await stat(full).catch(() => null);
    hash.update(`${path}\0${found ? "" : "absent"}\0`);
    if (found?.isFile()) hash.update(await readFile(full));
    if (!found?.isDirectory()) return;
    for (const name of (await readdir(full)).sort()) if (name !== "__pycache__") await add(join(path, name));
  }
}

/**
 * Runs a command to its end.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv }} [options]
 * @returns {Promise<{ exitCode: number | null, output: string }>} standard output and error together
 */
export function tryRun(command, args, { cwd = root, env = process.env } = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd, env, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    child.stdout.on("data", (data) => (output += data));
    child.stderr.on("data", (data) => (output += data));
    child.on("error", (error) => resolve({ exitCode: null, output: error.message }));
    child.on("close", (exitCode) => resolve({ exitCode, output }));
  });
}

/**
 * Runs a command that must succeed.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv, hint?: string }} [options]
 */
export async function run(command, args, { hint = "Correct what it says and run the same again.", ...options } = {}) {
  const { exitCode, output } = await tryRun(command, args, options);
  if (exitCode === 0) return output;
  const tail = output.trimEnd().split("\n").slice(-20).join("\n");
  throw new StepError(
    `${basename(command)} ${args.join(" ")} failed (exit code ${exitCode ?? "none"}):\n${tail}`,
    hint,
  );
}

/**
 * Prints an error for a person.
 * @param {unknown} error
 */
export function printError(error) {
  console.error(error instanceof StepError ? `\n${error.message}\n\n→ ${error.hint}` : error);
}

/**
 * @param {number} startedMs
 * @returns {string}
 */
export function seconds(startedMs) {
  return `${((Date.now() - startedMs) / 1000).toFixed(1)} s`;
}

/**
 * `npm run fuzz -- [--seconds N] [--seed S] [--door NAME]`: puts inputs through every door for N seconds in all and
 * prints how many, by door, with what failed. Each door is opened in a process of its own, so that one that ends, hangs
 * or takes too much memory is a failure like others. `--input FILE` puts one file through the door that its folder names.
 */
import { fork } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { basename, dirname, join } from "node:path";
import { parseArgs } from "node:util";
import type { FuzzedDoor, OpenDoor } from "./door";
import { doors } from "./doors";
import { failureOf, keptInputs, withOpen, wordsOf, type Failure } from "./fuzz";

const [corpus, found] = ["test/fuzz/corpus", "test/results/fuzz"];
const inputsOfOneSeed = 100;
/** Nothing that comes through a door may take so long. */
const hangMs = 30_000;
/** More than any input may cost a process of ours. */
const maxHeapMegabytes = 512;
/** Different ones of a door; more of them say little more. */
const maxFailures = 5;

/** What a process that fuzzes says of each input, before it and behind it. */
type Said = { about: Uint8Array } | { done: number } | { failed: Uint8Array; words: string };

interface Tally {
  door: string;
  inputs: number;
  failures: string[];
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      seconds: { type: "string", default: "60" },
      seed: { type: "string", default: String(Date.now() % 1_000_000) },
      door: { type: "string" },
      input: { type: "string" },
    },
  });
  const [seconds, seed] = [Number(values.seconds), Number(values.seed)];
  const chosen = values.input === undefined ? values.door : basename(dirname(values.input));
  const wanted = doors.filter(({ name }) => chosen === undefined || name === chosen);
  if (!Number.isSafeInteger(seed) || !(seconds > 0) || wanted.length === 0) {
    const names = doors.map(({ name }) => name).join(", ");
    throw new Error(`Say --seconds 60, --seed 1, --door NAME (${names}) or --input ${corpus}/NAME/FILE.`);
  }
  const [door] = wanted;
  if (values.input !== undefined && door) await putThrough(door, values.input);
  else if (process.send && door) await fuzzHere(door, seed, seconds);
  else await fuzzAll(wanted, seed, seconds);
}

async function putThrough(door: FuzzedDoor, file: string): Promise<void> {
  const input = await readFile(file);
  await withOpen(door, ({ feed }) => feed(input));
  console.log(`${file} is taken in by ${door.name} as it should be.`);
}

async function fuzzAll(wanted: readonly FuzzedDoor[], seed: number, seconds: number): Promise<void> {
  const left = [...wanted];
  const tallies: Tally[] = [];
  const each = (seconds * Math.min(availableParallelism(), wanted.length)) / wanted.length;
  const work = async (): Promise<void> => {
    for (let door = left.shift(); door; door = left.shift()) tallies.push(await fuzzApart(door, seed, each));
  };
  await Promise.all(Array.from({ length: availableParallelism() }, work));
  const width = Math.max(...tallies.map(({ door }) => door.length));
  const line = (door: string, inputs: string, failures: string) =>
    console.log(`${door.padEnd(width)}  ${inputs.padStart(9)}  ${failures.padStart(8)}`);
  line("door", "inputs", "failures");
  for (const { door, inputs, failures } of tallies.sort((a, b) => a.door.localeCompare(b.door))) {
    line(door, String(inputs), String(failures.length));
  }
  const total = (count: (tally: Tally) => number) => tallies.reduce((sum, tally) => sum + count(tally), 0);
  const failed = total(({ failures }) => failures.length);
  line("all", String(total(({ inputs }) => inputs)), String(failed));
  console.log(`\nThe same again: npm run fuzz -- --seconds ${seconds} --seed ${seed}`);
  if (failed === 0) return;
  process.exitCode = 1;
  for (const { failures } of tallies) for (const words of failures) console.log(`\n${words}`);
}

/** Fuzzes one door in processes of its own: another one after each that an input has ended. */
async function fuzzApart(door: FuzzedDoor, seed: number, seconds: number): Promise<Tally> {
  const tally: Tally = { door: door.name, inputs: 0, failures: [] };
  const until = Date.now() + seconds * 1000;
  for (let next = seed; Date.now() < until && tally.failures.length < maxFailures; next += 1_000_003) {
    const left = (until - Date.now()) / 1000;
    const failures = await fuzzInProcess(door, next, left, (inputs) => (tally.inputs += inputs));
    for (const failure of failures) {
      if (tally.failures.length < maxFailures) tally.failures.push(await kept(door, failure));
    }
  }
  return tally;
}

/** @returns what failed; the process itself may have, and its last input is why */
function fuzzInProcess(
  { name }: FuzzedDoor,
  seed: number,
  seconds: number,
  onInputs: (inputs: number) => void,
): Promise<{ input: Uint8Array; words: string }[]> {
  const args = ["--door", name, "--seed", String(seed), "--seconds", String(seconds)];
  const execArgv = [`--max-old-space-size=${maxHeapMegabytes}`, "--enable-source-maps"];
  const child = fork(process.argv[1] ?? "", args, {
    execArgv,
    serialization: "advanced",
    stdio: ["ignore", "inherit", "pipe", "ipc"],
  });
  let printed = "";
  child.stderr?.on("data", (text) => (printed = `${printed}${String(text)}`.slice(-4000)));
  return new Promise((resolve) => {
    const failures: { input: Uint8Array; words: string }[] = [];
    let last: Uint8Array | null = null;
    let hasHung = false;
    const hang = () =>
      setTimeout(() => {
        hasHung = true;
        child.kill("SIGKILL");
      }, hangMs);
    let watch = hang();
    child.on("message", (said: Said) => {
      clearTimeout(watch);
      watch = hang();
      if ("about" in said) last = said.about;
      else if ("done" in said) onInputs(said.done);
      else failures.push({ input: said.failed, words: said.words });
    });
    child.on("close", (code) => {
      clearTimeout(watch);
      const input = last ?? Buffer.alloc(0);
      const what = last === null ? "opened" : "done with it";
      if (hasHung) failures.push({ input, words: `${name}: it was not ${what} after ${hangMs / 1000} s` });
      else if (code !== 0) failures.push({ input, words: `${name}: its process ended (${code}):\n${printed.trim()}` });
      resolve(failures);
    });
  });
}

async function kept(door: FuzzedDoor, { input, words }: { input: Uint8Array; words: string }): Promise<string> {
  const folder = join(found, door.name);
  await mkdir(folder, { recursive: true });
  const file = join(folder, createHash("sha256").update(input).digest("hex").slice(0, 12));
  await writeFile(file, input);
  return `${words}\n  Again: npm run fuzz -- --input ${file}\n  To be kept once it is mended: ${join(corpus, door.name)}/`;
}

async function fuzzHere(door: FuzzedDoor, seed: number, seconds: number): Promise<void> {
  const say = (said: Said) => process.send?.(said);
  const until = Date.now() + seconds * 1000;
  await withOpen(door, async (open) => {
    const told: OpenDoor = {
      ...open,
      feed: async (input) => {
        say({ about: input });
        await open.feed(input);
        say({ done: 1 });
      },
    };
    const fail = (failure: Failure) => say({ failed: failure.input, words: wordsOf(door, failure) });
    for (const { input } of await keptInputs(door, corpus)) {
      await told.feed(input).catch((error: unknown) => fail({ input, error }));
    }
    for (let next = seed; Date.now() < until; next++) {
      const failure = await failureOf(door, told, { seed: next, numRuns: inputsOfOneSeed });
      if (failure === null) continue;
      fail(failure);
      break;
    }
  });
  process.disconnect();
}

await main();

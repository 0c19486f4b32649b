import { AdaptiveError } from "../state/errors";
import type { CommandOutput } from "./cluster";

/**
 * Why `sbatch` did not take jobs, in its own words and with what may be done.
 *
 * @param command that was run, for people
 * @returns null when nobody can say whether it took them
 */
export function refusalOf({ exitCode, stderr }: CommandOutput, command: string): AdaptiveError | null {
  const words = stderr
    .split("\n")
    .map((line) => line.replace(/^sbatch: (error: |fatal: )?/, "").trim())
    .filter((line) => line !== "")
    .join("; ");
  if (exitCode === null || words === "" || unclear.test(words)) return null;
  const message = `${words} (${command})`;
  if (full.test(words)) return new AdaptiveError("queue-full", message);
  const hint = hints.find(([pattern]) => pattern.test(words))?.[1] ?? "";
  return new AdaptiveError("submission-refused", message, hint);
}

/** The request may have been taken although no answer came. */
const unclear = /unable to contact|timed out|zero bytes|unexpected message|transport|connection|communication/i;

/** Limits that jobs leave again; `sbatch` names the limit in a line of its own. */
const full =
  /(QOS|Assoc)\w*Max\w*Submit|temporarily unable to accept|job count limit|queue is full|would exceed.*limit/i;

const hints: readonly (readonly [RegExp, string])[] = [
  // Before partitions: "Invalid account or account/partition combination specified".
  [/account(?!ing)/i, "Set resources.account; sacctmgr show associations user=$USER shows yours."],
  [/partition/i, "Set resources.partition; sinfo shows which there are."],
  [/invalid qos/i, "Name another one in resources.extraLines; sacctmgr show associations user=$USER shows yours."],
  [/time ?limit|wall/i, "Ask for less in resources.walltime; sinfo shows the limits."],
  [/memory|--mem/i, "Ask for less in resources.memory."],
  [/node (count|configuration|name)|more processors/i, "Ask for fewer resources.cores or resources.nodes."],
];

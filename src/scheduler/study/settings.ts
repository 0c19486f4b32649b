import { readFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { dirname, join } from "node:path";
import type * as v from "valibot";
import { AdaptiveError, errnoOf } from "../state/errors";
import {
  mergeSettings,
  parseSettings,
  profileSchema,
  studySchema,
  type Configuration,
  type Origins,
  type Settings,
} from "../state/settings";

/** What was typed at the start, and the profile of the cluster as the editor or a file gave it. */
export interface StartOptions {
  learnersFile: string;
  cluster: "local";
  typed: { budget?: number | undefined; python?: string | undefined };
  /** JSON. */
  profile: string | null;
}

/**
 * Merges everything that says something about a run.
 *
 * @throws AdaptiveError `bad-setting` naming the file and the setting
 */
export async function gatherSettings(options: StartOptions): Promise<{ settings: Settings; origins: Origins }> {
  const studyFile = join(dirname(options.learnersFile), "adaptive.json");
  const { $schema: _, ...study } = await readStudyFile(studyFile);
  const profileName = `the profile of ${options.cluster}`;
  const profile = parseSettings(profileSchema, parseJson(options.profile ?? "{}", profileName), profileName);
  return mergeSettings({ typed: options.typed, study, profile }, availableParallelism());
}

/** The same as a run's row holds it. */
export async function configurationOf(options: StartOptions): Promise<Configuration> {
  const { settings, origins } = await gatherSettings(options);
  return { settings: JSON.stringify(settings), origins: JSON.stringify(origins) };
}

async function readStudyFile(path: string): Promise<v.InferOutput<typeof studySchema>> {
  try {
    return parseSettings(studySchema, parseJson(await readFile(path, "utf8"), path), path);
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return {};
    throw error;
  }
}

function parseJson(text: string, where: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    const words = cause instanceof Error ? cause.message : String(cause);
    throw new AdaptiveError("bad-setting", `${where} is not JSON: ${words}.`, "Correct it and start again.", { cause });
  }
}

import * as v from "valibot";
import { origins } from "../state/layers";
import { settingNames } from "../state/settings";

const held = { value: v.unknown(), origin: v.picklist(origins) };

const configEntrySchema = v.object({
  name: v.picklist(settingNames),
  /** What holds in the run; null without one. */
  now: v.nullable(v.object(held)),
  /** What would hold at the next start, and what is behind it, the strongest first; `where` names the file and line. */
  next: v.array(v.object({ ...held, where: v.string() })),
});
export type ConfigEntry = v.InferOutput<typeof configEntrySchema>;

/** What `config --json` prints. */
export const configReportSchema = v.object({
  /** The run's directory; null when the study has none yet. */
  run: v.nullable(v.string()),
  /** Path of the study file, which need not exist. */
  studyFile: v.string(),
  /** Why a start would refuse these settings; null when it would not. */
  problem: v.nullable(v.string()),
  settings: v.array(configEntrySchema),
});
export type ConfigReport = v.InferOutput<typeof configReportSchema>;

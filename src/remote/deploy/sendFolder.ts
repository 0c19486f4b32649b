import { AdaptiveError } from "../../scheduler/state/errors";
import type { Program } from "../program";
import type { StudyPlan } from "../studySync/plan";
import { sendStudy } from "../studySync/sendStudy";
import { type FolderPlan, planFolder, type SentFiles } from "../studySync/sentFiles";
import type { Host } from "./install";

export interface SendWorld extends Omit<Host, "place"> {
  /** Who sends, and from where, in words for whoever finds it on the cluster. */
  sender: string;
  /** Files of the study's folder that a run's data was downloaded into. */
  downloaded?: ReadonlySet<string>;
  /** Says in two words what is being done. */
  onStep(step: string): void;
  /** Shows a person once what will be sent, and where to; false when they would rather not. */
  agree(plan: StudyPlan, there: string): Promise<boolean>;
}

export interface SentFolder {
  plan: FolderPlan;
  sent: SentFiles;
  /** What somebody had edited there, under its new name. */
  keptAside: readonly string[];
}

/**
 * Sends what is new or different of a study's folder to a cluster.
 * @param there absolute
 * @throws AdaptiveError `cancelled`, or those of `sendStudy`
 */
export async function sendFolder(
  { transport, clock, signal, sender, downloaded, onStep, agree }: SendWorld,
  program: Program,
  folder: string,
  there: string,
): Promise<SentFolder> {
  const plan = await planFolder(folder, downloaded);
  if (!(await agree(plan, there))) throw new AdaptiveError("cancelled", "Cancelled");
  onStep("Sending study");
  const paths = plan.send.map(({ path }) => path);
  const { sent, keptAside } = await sendStudy({ transport, program, clock, signal }, folder, paths, there, sender);
  return { plan, sent, keptAside };
}

import { window } from "vscode";
import { AdaptiveError } from "../scheduler/state/errors";
import type { Question } from "./studyWords";
import { plain } from "./plain";

/**
 * Asks in a dialog.
 * @returns the words on the button
 * @throws AdaptiveError `cancelled`
 */
export async function choose({ message, detail, choices }: Question): Promise<string> {
  const choice = await window.showInformationMessage(
    plain(message),
    { modal: true, detail: plain(detail) },
    ...choices,
  );
  if (choice === undefined) throw new AdaptiveError("cancelled", "Cancelled");
  return choice;
}

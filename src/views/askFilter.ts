import { type InputBoxValidationMessage, InputBoxValidationSeverity, window } from "vscode";
import type { RunSession } from "../remote/runSession";
import { nameWord } from "../scheduler/state/filter";
import { filterProblem } from "./learnerFilter";
import { formatCount, plural } from "../scheduler/state/counts";

const maxNamed = 8;

/**
 * Asks for a filter, and says while it is typed what is wrong with it or how many learners match.
 * @returns undefined when it was cancelled
 */
export async function askFilter(session: RunSession, value: string): Promise<string | undefined> {
  const names = (await session.query("parameters", null)).map(nameWord);
  const example = names[0] === undefined ? "" : `${names[0]}>0.5 `;
  const shown = [
    ...names.slice(0, maxNamed),
    ...(names.length > maxNamed ? ["…"] : []),
    "npoints",
    "loss",
    "state",
    "error",
  ];
  return window.showInputBox({
    title: "Filter Learners",
    value,
    placeHolder: `${example}state=failed, loss > 1e-2, or a word`,
    prompt: `By ${shown.join(", ")} with = != < <= > >= or ~ (contains); empty for all`,
    validateInput: (text) => judge(session, text),
  });
}

async function judge(session: RunSession, text: string): Promise<InputBoxValidationMessage | null> {
  const problem = await filterProblem(session, text);
  if (problem !== null) return { message: problem, severity: InputBoxValidationSeverity.Error };
  const filter = text.trim();
  if (filter === "") return null;
  const matching = await session.query("matches", { filter });
  const { learners } = await session.query("overview", null);
  const message = `${formatCount(sum(matching))} of ${plural(sum(learners), "learner")}`;
  return { message, severity: InputBoxValidationSeverity.Info };
}

const sum = (counts: Readonly<Record<string, number>>): number =>
  Object.values(counts).reduce((all, one) => all + one, 0);

import { commands, env, type LogOutputChannel, Range, Uri, window } from "vscode";
import { type Place, placeIn } from "./messagePlace";
import { plain } from "./plain";
import { mendSteps, mendStepsOf } from "./pythonWords";
import { needsPython } from "../scheduler/control/foundPythons";
import { type AdaptiveError, toAdaptiveError } from "../scheduler/state/errors";

/** The one place that shows an error to a person; only for what the person has just asked for. */
export class ErrorDisplay {
  /** Errors that are on screen: the same one is not shown twice. */
  private readonly shown = new Set<string>();

  constructor(private readonly log: LogOutputChannel) {}

  /** Does what a person asked for, and shows why it could not be done. */
  async attempt(what: string, act: () => Promise<void>): Promise<void> {
    try {
      await act();
    } catch (error) {
      await this.show(what, error);
    }
  }

  /** What a person may want to do about an error, by the words on its button. */
  private stepsAfter(error: AdaptiveError): Record<string, () => unknown> {
    const place = placeIn(error.message);
    return {
      ...(error.code === "bad-user-setting" ? { "Open Settings": openClusters } : {}),
      ...(error.code === "copied-run" ? copySteps : {}),
      ...(needsPython(error.code) ? pythonSteps(error) : {}),
      ...(error.command === null ? {} : { [mendSteps.copy]: () => env.clipboard.writeText(error.command ?? "") }),
      ...(place ? { "Open File": () => openAt(place) } : {}),
      "Show Log": () => this.log.show(),
    };
  }

  private async show(what: string, cause: unknown): Promise<void> {
    const error = toAdaptiveError(cause);
    if (error.code === "cancelled") return;
    this.log.error(`${what}: ${error.message} (${error.code})`, error.cause ?? "", error.stack ?? "");
    const text = error.hint === "" ? error.message : `${error.message.replace(/\w$/, "$&.")} ${error.hint}`;
    if (this.shown.has(text)) return;
    this.shown.add(text);
    const steps = this.stepsAfter(error);
    const choice = await window.showErrorMessage(plain(text), ...Object.keys(steps));
    this.shown.delete(text);
    if (choice !== undefined) await steps[choice]?.();
  }
}

function pythonSteps(error: AdaptiveError): Record<string, () => unknown> {
  const all = {
    [mendSteps.choose]: () => commands.executeCommand("adaptive.choosePython"),
    [mendSteps.make]: () => commands.executeCommand("adaptive.makeEnvironment"),
  };
  return Object.fromEntries(Object.entries(all).filter(([words]) => mendStepsOf(error).includes(words)));
}

const copySteps = {
  "Use as New Run": () => commands.executeCommand("adaptive.forkRun"),
  "It Is a Restored Backup": () => commands.executeCommand("adaptive.adoptRun"),
};

function openClusters(): unknown {
  const revealSetting = { key: "adaptive.clusters", edit: false };
  return commands.executeCommand("workbench.action.openSettingsJson", { revealSetting });
}

/** Shows a line of a file. */
export function openAt({ file, line }: Place): Thenable<unknown> {
  const selection = new Range(line - 1, 0, line - 1, 0);
  return window.showTextDocument(Uri.file(file), { selection });
}

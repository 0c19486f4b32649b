import { type LogOutputChannel, window } from "vscode";
import { toAdaptiveError } from "../scheduler/state/errors";

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

  private async show(what: string, cause: unknown): Promise<void> {
    const error = toAdaptiveError(cause);
    if (error.code === "cancelled") return;
    this.log.error(`${what}: ${error.message} (${error.code})`, error.cause ?? "", error.stack ?? "");
    const text = [error.message, error.hint].filter((part) => part !== "").join(" ");
    if (this.shown.has(text)) return;
    this.shown.add(text);
    const choice = await window.showErrorMessage(text, "Show Log");
    this.shown.delete(text);
    if (choice === "Show Log") this.log.show();
  }
}

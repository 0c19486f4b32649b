import { type CancellationToken, type LogOutputChannel, ProgressLocation, window } from "vscode";
import { plain } from "./plain";

export const learnersViewId = "adaptive.learners";

/** Shows in the view and the status bar, and in the log, how far something is that a person asked for. */
export function withViewProgress<T>(
  name: string,
  log: LogOutputChannel,
  act: (progress: (step: string) => void, token: CancellationToken) => Promise<T>,
): Promise<T> {
  return Promise.resolve(
    window.withProgress({ location: { viewId: learnersViewId } }, (_, token) =>
      window.withProgress({ location: ProgressLocation.Window, title: plain(name) }, (progress) =>
        act((step) => {
          log.info(`${name}: ${step}`);
          progress.report({ message: plain(step) });
        }, token),
      ),
    ),
  );
}

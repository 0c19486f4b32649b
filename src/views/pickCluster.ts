import { availableParallelism } from "node:os";
import { type QuickPickItem, QuickPickItemKind, window } from "vscode";
import type { Clusters } from "../remote/connectClusters";
import { toAdaptiveError } from "../scheduler/state/errors";
import { clusterChoices } from "./clusterChoices";

/** The hosts to choose from, and the files of the SSH configuration that could not be read for more. */
export async function knownHosts(clusters: Pick<Clusters, "names">) {
  const problems: string[] = [];
  const hosts = await clusters
    .names((problem) => problems.push(problem))
    .catch((error: unknown) => {
      problems.push(toAdaptiveError(error).message);
      return [];
    });
  return { hosts, problems };
}

/** Asks where a study's jobs run: what is typed is a host too. */
export async function pickCluster(
  name: string,
  { hosts, problems }: { hosts: readonly string[]; problems: readonly string[] },
): Promise<string | undefined> {
  const pick = window.createQuickPick<QuickPickItem & { cluster: string | null }>();
  const cores = availableParallelism();
  const show = (typed: string): void => {
    pick.items = clusterChoices(typed, { cores, hosts, problems }).map((choice) => ({
      ...choice,
      ...(choice.cluster === null ? { kind: QuickPickItemKind.Separator } : {}),
      alwaysShow: choice.isTyped,
    }));
  };
  pick.title = "Start Jobs";
  pick.placeholder = `Where do the jobs of ${name} run? Choose, or type user@host`;
  show("");
  try {
    return await new Promise<string | undefined>((resolve) => {
      pick.onDidChangeValue(show);
      pick.onDidAccept(() => resolve(pick.selectedItems[0]?.cluster ?? undefined));
      pick.onDidHide(() => resolve(undefined));
      pick.show();
    });
  } finally {
    pick.dispose();
  }
}

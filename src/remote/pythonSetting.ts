import { relative, sep } from "node:path";
import { ConfigurationTarget, type Uri, workspace } from "vscode";

/** A Python as settings have it. */
export interface ChosenPython {
  python: string;
  prelude: readonly string[];
}

/**
 * Writes which Python runs a study's learners where that belongs, as if a person had typed it: for this computer into
 * the workspace's settings, for a host into its entry of `adaptive.clusters`.
 * @param now the lines that are set before it
 */
export async function setPython(
  folder: Uri,
  cluster: string,
  { python, prelude }: ChosenPython,
  now: readonly string[],
): Promise<void> {
  const ofFolder = workspace.getConfiguration("adaptive", folder);
  const needsPrelude = JSON.stringify(prelude) !== JSON.stringify(now);
  if (cluster === "local" && !needsPrelude) {
    const around = workspace.getWorkspaceFolder(folder)?.uri.fsPath ?? folder.fsPath;
    return ofFolder.update("python", withinFolder(python, around), ConfigurationTarget.WorkspaceFolder);
  }
  const set = ofFolder.inspect<Record<string, object>>("clusters")?.globalValue ?? {};
  const one = { ...set[cluster], python, ...(needsPrelude ? { prelude } : {}) };
  await ofFolder.update("clusters", { ...set, [cluster]: one }, ConfigurationTarget.Global);
  if (ofFolder.inspect("python")?.workspaceFolderValue !== undefined && cluster === "local") {
    await ofFolder.update("python", undefined, ConfigurationTarget.WorkspaceFolder);
  }
}

/** So that it holds for whoever has the folder, wherever it lies. */
function withinFolder(python: string, folder: string): string {
  const path = relative(folder, python);
  return path === "" || path.startsWith("..") || path.startsWith(sep) ? python : path;
}

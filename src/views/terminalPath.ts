import { join } from "node:path";
import type { ExtensionContext } from "vscode";
import { launcherName, writeLauncher } from "../remote/launcher";
import type { Program } from "../remote/program";

/**
 * Has the editor's terminals find the program by its name.
 * @returns its path, for other terminals
 */
export function terminalPath(
  { environmentVariableCollection, globalStorageUri }: ExtensionContext,
  program: Program,
  log: (line: string) => void,
): string {
  const folder = join(globalStorageUri.fsPath, "bin");
  writeLauncher(folder, program).catch((error: unknown) => log(`the command for terminals: ${String(error)}`));
  environmentVariableCollection.description = `The program ${launcherName}`;
  // Last, so that it hides nothing; once more after the shell's own files, which may set PATH anew.
  const when = { applyAtProcessCreation: true, applyAtShellIntegration: true };
  environmentVariableCollection.append("PATH", `:${folder}`, when);
  return join(folder, launcherName);
}

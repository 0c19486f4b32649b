import { commands, Uri, window, workspace, WorkspaceEdit } from "vscode";
import { AdaptiveError } from "../scheduler/state/errors";
import type { ErrorDisplay } from "./errorDisplay";
import { freeFolder } from "./exampleStudyModel";

const files = ["_learners.py", "adaptive.json"];

/**
 * Create Example Study: a small commented one in the open folder, or in one that is asked for. What is there stays.
 * @param examples holds the files
 */
export function createExampleStudy(examples: Uri, errors: ErrorDisplay): Promise<void> {
  return errors.attempt("Create Example Study", async () => {
    const isOpen = (workspace.workspaceFolders ?? []).length > 0;
    const chosen = isOpen ? await openFolder() : await askFolder();
    if (chosen === undefined) return;
    const taken = (await workspace.fs.readDirectory(chosen)).map(([name]) => name);
    const folder = Uri.joinPath(chosen, freeFolder(taken, files));
    const edit = new WorkspaceEdit();
    for (const file of files) {
      const contents = await workspace.fs.readFile(Uri.joinPath(examples, file));
      edit.createFile(Uri.joinPath(folder, file), { contents, overwrite: false });
    }
    if (!(await workspace.applyEdit(edit))) {
      throw new AdaptiveError(
        "not-written",
        `The example could not be written into ${folder.fsPath}.`,
        "Choose another folder.",
      );
    }
    if (isOpen) await window.showTextDocument(Uri.joinPath(folder, "_learners.py"));
    else await commands.executeCommand("vscode.openFolder", folder);
  });
}

async function openFolder(): Promise<Uri | undefined> {
  const [first, ...others] = workspace.workspaceFolders ?? [];
  if (others.length === 0) return first?.uri;
  return (await window.showWorkspaceFolderPick({ placeHolder: "Where does the example study go?" }))?.uri;
}

async function askFolder(): Promise<Uri | undefined> {
  const [chosen] =
    (await window.showOpenDialog({
      title: "A folder for the example study",
      openLabel: "Create Study Here",
      canSelectFolders: true,
      canSelectFiles: false,
    })) ?? [];
  return chosen;
}

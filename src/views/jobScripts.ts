import { EventEmitter, type TextDocumentContentProvider, Uri, window, workspace } from "vscode";
import { DisposableScope } from "./disposableScope";

const scheme = "adaptive-script";

/** Job scripts to look at before they are submitted, as read-only documents. */
export class JobScripts implements TextDocumentContentProvider {
  private readonly scope = new DisposableScope();
  private readonly changed = this.scope.add(new EventEmitter<Uri>());
  readonly onDidChange = this.changed.event;
  private readonly texts = new Map<string, string>();

  constructor() {
    this.scope.add(workspace.registerTextDocumentContentProvider(scheme, this));
  }

  /** Shows the script of a study's jobs. */
  async show(study: string, text: string): Promise<void> {
    // By its ending the editor knows that it is a shell script.
    const uri = Uri.from({ scheme, path: `/${study} job.sh` });
    this.texts.set(uri.path, text);
    this.changed.fire(uri);
    await window.showTextDocument(uri, { preview: true });
  }

  provideTextDocumentContent(uri: Uri): string {
    return this.texts.get(uri.path) ?? "";
  }

  dispose(): void {
    this.scope.dispose();
  }
}

import { EventEmitter, type TextDocumentContentProvider, Uri, window, workspace } from "vscode";
import { DisposableScope } from "./disposableScope";

/** Texts that nobody saves, such as job scripts and tracebacks, as read-only documents. */
export class ShownTexts implements TextDocumentContentProvider {
  private readonly scope = new DisposableScope();
  private readonly changed = this.scope.add(new EventEmitter<Uri>());
  readonly onDidChange = this.changed.event;
  private readonly texts = new Map<string, string>();

  /** @param scheme by which the manifest's menus know these documents */
  constructor(private readonly scheme: "adaptive-script" | "adaptive-traceback") {
    this.scope.add(workspace.registerTextDocumentContentProvider(scheme, this));
  }

  /**
   * @param name by whose ending the editor knows the language
   * @param preserveFocus whether it is shown behind what has the focus
   */
  async show(name: string, text: string, { preserveFocus = false } = {}): Promise<void> {
    const uri = Uri.from({ scheme: this.scheme, path: `/${name}` });
    this.texts.set(uri.path, text);
    this.changed.fire(uri);
    await window.showTextDocument(uri, { preview: true, preserveFocus });
  }

  provideTextDocumentContent(uri: Uri): string {
    return this.texts.get(uri.path) ?? "";
  }

  dispose(): void {
    this.scope.dispose();
  }
}

import { EventEmitter, type TextDocumentContentProvider, Uri, window, workspace } from "vscode";
import type { RunSession } from "../remote/runSession";
import type { JobId } from "../scheduler/state/rows";
import type { RunSessions } from "../remote/runSessions";
import { DisposableScope } from "./disposableScope";

const scheme = "adaptive-output";

/** What jobs have printed, as read-only documents. */
export class JobOutputs implements TextDocumentContentProvider {
  private readonly scope = new DisposableScope();
  private readonly changed = this.scope.add(new EventEmitter<Uri>());
  readonly onDidChange = this.changed.event;

  constructor(private readonly sessions: RunSessions) {
    this.scope.add(workspace.registerTextDocumentContentProvider(scheme, this));
  }

  async show(session: RunSession, job: JobId): Promise<void> {
    const uri = Uri.from({ scheme, path: `/${job}.log`, query: session.directory });
    // A document that is open already shows what was printed until then.
    this.changed.fire(uri);
    await window.showTextDocument(uri, { preview: true });
  }

  async provideTextDocumentContent(uri: Uri): Promise<string> {
    const session = this.sessions.active;
    if (session?.directory !== uri.query) return "The run of this job is not connected.";
    const { text, truncated } = await session.jobOutput(uri.path.replace(/^\/|\.log$/g, "") as JobId);
    if (text === "") return "This job has printed nothing yet.";
    return truncated ? `… (only the end is shown)\n${text}` : text;
  }

  dispose(): void {
    this.scope.dispose();
  }
}

import { EventEmitter, Range, type TextDocumentContentProvider, type TextEditor, Uri, window, workspace } from "vscode";
import * as v from "valibot";
import { clusterOf } from "../remote/clusterRuns";
import type { RunSession } from "../remote/runSession";
import { asJobId, asLearnerId, type JobId, type LearnerId } from "../scheduler/state/rows";
import type { RunSessions } from "../remote/runSessions";
import { DisposableScope } from "./disposableScope";
import { outputText } from "./outputText";
import { runTitle } from "./statusText";

const scheme = "adaptive-output";
/** How often a job is asked for what it has printed meanwhile, while somebody looks. */
const followIntervalMs = 2000;

/** Whose output a document shows; the URI's query. */
const shownSchema = v.object({
  directory: v.string(),
  job: v.pipe(v.string(), v.transform(asJobId)),
  learner: v.nullable(v.pipe(v.number(), v.transform(asLearnerId))),
});

/**
 * What jobs have printed, as read-only documents that follow it. Of however much that is only the end is read and
 * kept.
 */
export class JobOutputs implements TextDocumentContentProvider {
  private readonly scope = new DisposableScope();
  private readonly changed = this.scope.add(new EventEmitter<Uri>());
  readonly onDidChange = this.changed.event;
  /** What each document was given last. */
  private readonly texts = new Map<string, string>();
  /** Documents whose end was in sight before they changed. */
  private readonly following = new Set<string>();
  private isReading = false;

  constructor(
    private readonly sessions: RunSessions,
    private readonly log: (line: string) => void,
  ) {
    this.scope.add(workspace.registerTextDocumentContentProvider(scheme, this));
    this.scope.add(workspace.onDidCloseTextDocument(({ uri }) => void this.texts.delete(uri.toString())));
    this.scope.add(workspace.onDidChangeTextDocument(({ document }) => this.keepEndInSight(document.uri)));
    const timer = setInterval(() => void this.readOn(), followIntervalMs);
    this.scope.add({ dispose: () => clearInterval(timer) });
  }

  /** @param learner whose part is shown; null for all that the job printed */
  async show({ directory }: RunSession, job: JobId, learner: LearnerId | null): Promise<void> {
    const cluster = clusterOf(directory, "local");
    const name = runTitle(learner === null ? job : `${job}, learner ${learner}`, cluster);
    const query = JSON.stringify({ directory, job, learner } satisfies v.InferInput<typeof shownSchema>);
    const uri = Uri.from({ scheme, path: `/${name}.log`, query });
    // A document that is open already shows what was printed until then.
    this.changed.fire(uri);
    showEnd(await window.showTextDocument(uri, { preview: true }));
  }

  async provideTextDocumentContent(uri: Uri): Promise<string> {
    const text = await this.read(uri);
    this.texts.set(uri.toString(), text);
    return text;
  }

  dispose(): void {
    this.scope.dispose();
  }

  private async read({ query }: Uri): Promise<string> {
    const { directory, job, learner } = v.parse(shownSchema, JSON.parse(query));
    const session = this.sessions.active;
    if (session?.directory !== directory) return "The run of this job is not connected.";
    return outputText(await session.jobOutput(job), learner);
  }

  /** Shows what was printed since, of the documents that are in sight. */
  private async readOn(): Promise<void> {
    if (this.isReading || this.sessions.active?.link.at !== "online") return;
    this.isReading = true;
    try {
      for (const editor of editorsOf(null)) {
        const { uri, lineCount } = editor.document;
        if ((await this.read(uri)) === this.texts.get(uri.toString())) continue;
        const lastSeen = Math.max(...editor.visibleRanges.map(({ end }) => end.line));
        if (lastSeen >= lineCount - 2) this.following.add(uri.toString());
        this.changed.fire(uri);
      }
    } catch (error) {
      this.log(`output: ${String(error)}`);
    } finally {
      this.isReading = false;
    }
  }

  private keepEndInSight(uri: Uri): void {
    if (uri.scheme === scheme && this.following.delete(uri.toString())) editorsOf(uri).forEach(showEnd);
  }
}

function editorsOf(uri: Uri | null): TextEditor[] {
  return window.visibleTextEditors.filter(
    ({ document }) => document.uri.scheme === scheme && (uri === null || document.uri.toString() === uri.toString()),
  );
}

function showEnd(editor: TextEditor): void {
  const { lineCount } = editor.document;
  editor.revealRange(new Range(lineCount - 1, 0, lineCount - 1, 0));
}

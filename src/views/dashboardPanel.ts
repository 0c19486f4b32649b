import type { Uri, WebviewPanel } from "vscode";
import { commands, workspace } from "vscode";
import { systemClock } from "../scheduler/state/clock";
import type { RunSession } from "../remote/runSession";
import type { RunSessions } from "../remote/runSessions";
import type { JobId, LearnerId, LearnerRow } from "../scheduler/state/rows";
import type { Actions } from "./actions";
import { dashboardHtml } from "./dashboardPage";
import { shownFailure, shownLearner, shownNumbers, shownTrial } from "./dashboardRows";
import { DisposableScope, together } from "./disposableScope";
import type { LearnerFilter } from "./learnerFilter";
import { isFinished } from "./finished";
import { changeListed, chosenRows, listMessage, newestEnd, saveListed } from "./listedLearners";
import { type FromPage, hearPage, type ListLook, type ToPage } from "./messages";
import type { Place } from "./messagePlace";
import { placeInStudy } from "./ownFiles";
import type { PointTrials } from "./pointTrials";
import { Coalescer } from "../remote/coalescer";
import { PageMail } from "./pageMail";
import { Refresher } from "./refresher";
import { awayLines } from "./runWords";
import { clusterOf, isOnCluster } from "../remote/clusterRuns";
import { canAsk, hasEnded } from "../remote/link";
import { linkText, runTitle } from "./statusText";
import type { StudyEdits } from "./studyEdits";
import { freshTrial } from "./trialModel";
import { stepLabel } from "./trialOutcome";

const refreshIntervalMs = 250;
const seriesIntervalMs = 1000;

/** What the page looks at. */
type Look = Extract<FromPage, { type: "look" }>;

export interface DashboardWorld {
  extensionUri: Uri;
  sessions: RunSessions;
  edits: StudyEdits;
  filter: LearnerFilter;
  actions: Actions;
  trials: PointTrials;
  log: (line: string) => void;
}

/**
 * One run's page. The page is stateless: hidden, it is gone, and shown again it says anew what it
 * looks at. So nothing is sent before it has spoken, nor while it is hidden.
 */
export class DashboardPanel {
  private readonly scope = new DisposableScope();
  private readonly refresher: Refresher;
  private following: { dispose(): unknown } = { dispose: () => undefined };
  private session: RunSession | null = null;
  private linkSinceMs = Date.now();
  private look: Look | null = null;
  /** A learner to select as soon as the page listens. */
  private wanted: LearnerId | null = null;
  private readonly series: Coalescer;
  private readonly mail: PageMail;
  private failureSent: string | null = null;
  /** Where in the study the learner that is looked at failed. */
  private readonly places: Record<"failure" | "trial", Place | null> = { failure: null, trial: null };

  constructor(
    private readonly panel: WebviewPanel,
    private readonly directory: string,
    private readonly world: DashboardWorld,
  ) {
    // One that is hidden is gone, and would take nothing in until it is shown again.
    this.mail = new PageMail((messages) =>
      panel.visible ? panel.webview.postMessage(messages) : Promise.resolve(false),
    );
    this.refresher = this.scope.add(
      new Refresher(
        systemClock,
        refreshIntervalMs,
        () => this.send(),
        (error) => world.log(`dashboard: ${String(error)}`),
      ),
    );
    // The last sample is how the run ended.
    this.series = this.scope.add(
      new Coalescer(systemClock, seriesIntervalMs, () => this.reportErrors(this.sendSeries())),
    );
    this.scope.add(panel.webview.onDidReceiveMessage((message: unknown) => this.hear(message)));
    this.scope.add(panel.onDidChangeViewState(() => this.changeViewState()));
    this.scope.add(world.sessions.onDidChangeActive(() => this.follow()));
    this.scope.add(world.trials.onDidChangeOutcome(() => this.refresher.request()));
    this.scope.add(world.edits.onDidChange(() => this.refresher.request()));
    this.scope.add(world.filter.onDidChange(() => this.changeFilter()));
    const clock = setInterval(() => this.session?.link.at === "retrying" && this.refresher.request(), 1000);
    this.scope.add({ dispose: () => clearInterval(clock) });
    panel.webview.html = dashboardHtml(panel.webview, world.extensionUri, directory);
    this.follow();
  }

  get isVisible(): boolean {
    return this.panel.visible;
  }

  reveal(learner: LearnerId | null): void {
    this.wanted = learner;
    this.panel.reveal();
    if (this.look !== null) this.selectWanted();
  }

  dispose(): void {
    this.session?.watch([]);
    this.following.dispose();
    this.scope.dispose();
    this.panel.dispose();
  }

  private follow(): void {
    this.following.dispose();
    const { active } = this.world.sessions;
    this.session = active?.directory === this.directory ? active : null;
    this.linkSinceMs = Date.now();
    this.refresher.request();
    const { session } = this;
    if (session === null) return;
    this.following = together(
      session.onDidChange(() => this.refresher.request()),
      session.onDidChangeLink(() => {
        this.linkSinceMs = Date.now();
        this.refresher.request();
      }),
      session.onDidPreview(({ learner, preview }) => {
        if (learner === this.look?.selected) this.post({ type: "preview", learner, preview });
      }),
      session.onDidFindNothing(({ learner, why }) => {
        if (learner === this.look?.selected) this.post({ type: "noPreview", learner, why });
      }),
    );
    this.watchSelected();
  }

  /** The sidebar goes with the dashboard that a person turns to. */
  private showRun(): void {
    const { sessions } = this.world;
    if (sessions.standing(this.directory) === "notShown") sessions.show(this.directory);
    else this.refresher.request();
  }

  private changeViewState(): void {
    if (this.panel.active) this.showRun();
    if (!this.panel.visible) {
      this.begin();
      this.session?.watch([]);
    }
  }

  /** What the page is told from here on it is told anew. */
  private begin(): void {
    this.look = null;
    this.mail.reset();
  }

  private hear(message: unknown): void {
    const heard = hearPage(message);
    if ("problem" in heard) {
      this.world.log(`dashboard: ${heard.problem}`);
      return;
    }
    const { said } = heard;
    const { actions, filter } = this.world;
    switch (said.type) {
      case "opened":
        this.begin();
        return;
      case "look":
        this.listen(said);
        return;
      case "changeLearners":
        void actions.changeLearners(said.verb, said.learners);
        return;
      case "choose":
        void this.sendChosen(said.list, said.end);
        return;
      case "changeListed":
        if (this.look !== null) void changeListed(actions, said.verb, this.look.list, filter.text);
        return;
      case "retryFailed":
        void changeListed(actions, "retry", { state: "failed" }, "");
        return;
      case "saveListed":
        if (this.look !== null) void saveListed(actions, this.look.list, filter.text);
        return;
      case "filter":
        void this.filterBy(said.text).catch((error: unknown) => this.world.log(`dashboard: ${String(error)}`));
        return;
      case "savePlot":
        void actions.savePlot(said.name, Buffer.from(said.pngBase64, "base64"));
        break;
      case "showOutput":
        void actions.showOutput(said.job as JobId, this.look?.selected ?? null);
        return;
      case "goToLine": {
        const place = this.places[said.of];
        if (place !== null) void actions.goTo(place);
        return;
      }
      case "takeTried":
        void this.world.trials.take(this.directory, said.step);
        return;
      case "showRun":
        this.showRun();
        return;
      case "runCommand":
        void commands.executeCommand(`adaptive.${said.command}`);
        return;
    }
  }

  private listen(look: Look): void {
    const isNew = this.look === null;
    const hasOtherSelected = look.selected !== this.look?.selected;
    this.look = look;
    if (isNew) {
      this.selectWanted();
      this.sendFilter(null);
    }
    if (isNew || hasOtherSelected) {
      this.failureSent = null;
      this.places.failure = null;
      this.watchSelected();
    }
    // Somebody scrolls: the rows come at once, not with the next refresh.
    if (!isNew) this.sendListNow();
    this.refresher.request();
  }

  private sendListNow(): void {
    this.reportErrors(this.sendList());
  }

  private reportErrors(sending: Promise<void>): void {
    void sending.catch((error: unknown) => this.world.log(`dashboard: ${String(error)}`));
  }

  private async filterBy(text: string): Promise<void> {
    const { session } = this;
    if (session !== null) this.sendFilter(await this.world.filter.set(session, text));
  }

  private changeFilter(): void {
    this.sendFilter(null);
    this.sendListNow();
  }

  private sendFilter(problem: string | null): void {
    this.post({ type: "filter", text: this.world.filter.text, problem });
  }

  private selectWanted(): void {
    if (this.wanted === null) return;
    this.post({ type: "select", learner: this.wanted });
    this.wanted = null;
  }

  private watchSelected(): void {
    if (this.look === null) return;
    const { selected } = this.look;
    this.session?.watch(selected === null ? [] : [selected]);
  }

  private async send(): Promise<void> {
    if (this.look === null) return;
    await this.sendRun();
    await this.suggestLearner();
    this.series.request();
    await Promise.all([this.sendList(), this.sendSelected()]);
  }

  private async sendRun(): Promise<void> {
    const { session } = this;
    if (session === null) return this.sendAway();
    const link = linkText(session.link, Date.now(), this.linkSinceMs);
    const canAct = canAsk(session.link) && workspace.isTrusted;
    const canConnect = (session.link.at === "needsUser" || hasEnded(session.link)) && workspace.isTrusted;
    const { notice } = session;
    const edit = this.world.edits.notice;
    const around = { link, notice, edit, canAct, canConnect };
    // While nothing is known yet, say at least that.
    const sayLink = (): void => this.post({ type: "run", run: null, tried: null, ...around });
    const waiting = setTimeout(sayLink, 500);
    try {
      const overview = await session.query("overview", null);
      const cluster = clusterOf(session.directory, overview.run.cluster);
      this.panel.title = `${runTitle(overview.run.name, cluster)} · Adaptive`;
      const finishedAt = isFinished(overview) ? await newestEnd(session) : null;
      const run = shownNumbers(
        { ...overview, run: { ...overview.run, cluster } },
        { finishedAt, isOnCluster: isOnCluster(session.directory) },
      );
      const outcome = this.world.trials.outcomeOf(this.directory, overview.run.activityAt);
      const tried = outcome && { ...outcome, steps: outcome.steps.map(stepLabel) };
      this.post({ type: "run", run, tried, ...around });
    } catch (error) {
      sayLink();
      throw error;
    } finally {
      clearTimeout(waiting);
    }
  }

  private sendAway(): void {
    const standing = this.world.sessions.standing(this.directory);
    if (standing === null || standing === "shown") return;
    this.post({ type: "away", line: awayLines[standing], canShow: standing === "notShown" });
  }

  private async sendSeries(): Promise<void> {
    if (this.session === null) return;
    this.post({ type: "series", samples: [...(await this.session.query("series", null))] });
  }

  private async sendList(): Promise<void> {
    const { session, look } = this;
    if (session === null || look === null) return;
    const { list } = look;
    const filter = this.world.filter.text;
    const message = await listMessage(session, list, filter);
    if (list === this.look?.list && filter === this.world.filter.text) this.post(message);
  }

  private async sendChosen(list: ListLook, end: number): Promise<void> {
    const { session } = this;
    if (session === null) return;
    const learners = await chosenRows(session, list, this.world.filter.text, end);
    this.post({ type: "chosen", learners });
  }

  private async sendSelected(): Promise<void> {
    const { session, look } = this;
    const selected = look?.selected ?? null;
    if (session === null || selected === null) return;
    const [row, folder] = await Promise.all([
      session.query("learner", { id: selected }),
      this.world.sessions.folderOf(session),
    ]);
    this.places.trial = placeInStudy((row && freshTrial(row)?.traceback) ?? null, folder);
    this.post({
      type: "selected",
      learner: row === null ? null : shownLearner(row),
      trial: row === null ? null : shownTrial(row, folder),
    });
    if (row !== null) await this.sendFailure(session, row, folder);
  }

  /** With nothing chosen yet, a learner that draws itself is the one to see. */
  private async suggestLearner(): Promise<void> {
    if (this.session === null || this.look === null || this.look.selected !== null) return;
    const running = { states: ["running"], orderBy: "npoints", descending: true, offset: 0, limit: 1 } as const;
    const [learner] = (await this.session.query("learners", running)).rows;
    if (learner !== undefined) this.post({ type: "select", learner: learner.id });
  }

  /** How a learner failed, once for each time it did. */
  private async sendFailure(session: RunSession, row: LearnerRow, folder: string | null): Promise<void> {
    const { id, state, error, failures, lastJobId } = row;
    const key = [id, failures, error, lastJobId].join(" ");
    if ((state !== "failed" && error === null) || key === this.failureSent || session.link.at !== "online") return;
    this.failureSent = key;
    const failure = await session.failure(id);
    if (id !== this.look?.selected) return;
    this.places.failure = placeInStudy(failure?.traceback ?? failure?.earlier?.traceback ?? null, folder);
    this.post({ type: "failure", learner: id, failure: failure && shownFailure(failure, folder) });
  }

  private post(message: ToPage): void {
    if (this.panel.visible) this.mail.post(message);
  }
}

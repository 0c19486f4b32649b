import { css, html, LitElement, nothing, type TemplateResult } from "lit";
import type { LearnerVerb } from "../../scheduler/control/learnerVerbs";
import { formatCount } from "../../scheduler/state/counts";
import type { LearnerId } from "../../scheduler/state/rows";
import { finishedLine, whatNext } from "../finished";
import { formatDuration, sentence } from "../format";
import type { NoData } from "../learnerWords";
import type { ListLook, ShownFailure, ShownLearner, ShownTrial, ToPage } from "../messages";
import { timeLeftMs } from "../timeLeft";
import { busy, button } from "./controls";
import { keepState, keptState, listen, tell } from "./host";
import type { LearnersListElement } from "./learnersList";
import { overallBar, overallBarStyles } from "./overallBar";
import { overTime } from "./overTime";
import { commonStyles } from "./styles";

type Message<T extends ToPage["type"]> = Extract<ToPage, { type: T }>;

/** Relative times go on by themselves. */
const clockIntervalMs = 5000;

/** The page: it keeps what it was told and what is selected, and says what it looks at. */
export class DashboardElement extends LitElement {
  static override styles = [
    commonStyles,
    overallBarStyles,
    css`
      :host {
        display: flex;
        flex-direction: column;
        gap: 10px;
        height: 100vh;
        overflow: auto;
        padding: 12px 16px;
      }
      .title {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        gap: 4px 16px;
      }
      .title .buttons {
        display: flex;
        align-items: center;
        gap: 6px 10px;
        margin-left: auto;
      }
      .notice {
        display: flex;
        align-items: center;
        gap: 12px;
        padding: 4px 8px;
        border-left: 3px solid var(--vscode-charts-yellow);
      }
      .notice > vscode-button {
        flex: none;
      }
      .notice > span {
        max-height: 12em;
        overflow: auto;
        overflow-wrap: anywhere;
        white-space: pre-wrap;
      }
      .notice.finished {
        flex-wrap: wrap;
        border-left-color: var(--state-done);
      }
      .notice.failed {
        border-left-color: var(--state-failed);
      }
      .notice.edited {
        border-left-color: var(--vscode-charts-blue);
      }
      .overTime {
        display: grid;
        grid-template-columns: 1fr 1fr;
        gap: 10px;
        flex: none;
        height: clamp(84px, 17vh, 150px);
      }
      .overTime > p {
        margin: 0;
      }
      .overTime > p {
        grid-column: 1 / -1;
        place-self: center;
      }
      .columns {
        display: grid;
        grid-template-columns: minmax(0, 1.1fr) minmax(0, 1fr);
        gap: 10px;
        flex: 1 0 200px;
        min-height: 0;
      }
      .start {
        flex: 1;
        display: grid;
        place-content: center;
        justify-items: center;
        gap: 12px;
      }
      /* However little room there is, the learner that is looked at stays in sight. */
      @media (max-width: 620px) {
        .columns {
          grid-template-columns: minmax(0, 1fr);
          grid-template-rows: minmax(0, 2fr) minmax(0, 3fr);
          flex-basis: 320px;
        }
      }
      @media (min-width: 621px) and (max-width: 760px) {
        .columns {
          grid-template-columns: minmax(0, 1fr) minmax(0, 1.15fr);
        }
      }
      @media (max-height: 560px), (max-width: 620px) {
        .notice.finished {
          flex-wrap: nowrap;
        }
        .finished > .quiet {
          display: none;
        }
      }
      @media (max-height: 460px), (max-width: 620px) and (max-height: 640px) {
        :host {
          gap: 6px;
          padding: 8px 10px;
        }
        h1 {
          font-size: 1em;
        }
        .overTime {
          display: none;
        }
      }
    `,
  ];

  private readonly kept = keptState();
  private run: Message<"run"> | null = null;
  /** Why the run is not connected; null while it is. */
  private away: Message<"away"> | null = null;
  /** Null before they have come. */
  private samples: Message<"series">["samples"] | null = null;
  private filter: Message<"filter"> | null = null;
  private selected: LearnerId | null = this.kept?.selected ?? null;
  private learner: ShownLearner | null = null;
  private preview: Message<"preview">["preview"] | null = null;
  /** That there is nothing to draw of it. */
  private noData: NoData | null = null;
  private failure: ShownFailure | null = null;
  private trial: ShownTrial | null = null;
  private look: ListLook = { state: null, orderBy: "position", descending: false, offset: 0, limit: 60 };

  override connectedCallback(): void {
    super.connectedCallback();
    listen((message) => {
      this.receive(message);
      this.requestUpdate();
    });
    tell({ type: "opened" });
    this.say();
    setInterval(() => this.requestUpdate(), clockIntervalMs);
  }

  override render(): TemplateResult {
    const { run } = this;
    if (this.away !== null) return this.notHere(this.away);
    if (run === null || run.run === null) return this.start();
    const { bar, counts } = overallBar(run.run.learners);
    return html`<header class="title">
        <h1>${run.run.name} on ${run.run.cluster === "local" ? "this computer" : run.run.cluster}</h1>
        ${counts}
        <div class="buttons">${this.timeLeft()} ${this.startAndStop()}</div>
      </header>
      ${bar} ${this.finished()} ${this.notice()} ${this.tried()} ${this.edited()}
      <section class="panel overTime" aria-label="Over time">${overTime(this.samples)}</section>
      <div class="columns">
        <adaptive-learners
          class="panel"
          .run=${run.run}
          .selected=${this.selected}
          .nowMs=${Date.now()}
          .filter=${this.filter}
          .canAct=${run.canAct}
          .onFilter=${(text: string) => tell({ type: "filter", text })}
          .onChange=${(verb: LearnerVerb, learners: LearnerId[]) => tell({ type: "changeLearners", verb, learners })}
          .onChangeListed=${(verb: LearnerVerb) => tell({ type: "changeListed", verb })}
          .onChoose=${(list: ListLook, { offset, end }: { offset: number; end: number }) =>
            tell({ type: "choose", list: { ...list, offset }, end })}
          .onSave=${() => tell({ type: "saveListed" })}
          .onLook=${(look: ListLook) => this.lookAt(look)}
          .onSelect=${(learner: ShownLearner) => this.select(learner.id, learner)}
        ></adaptive-learners>
        <adaptive-learner
          class="panel"
          .isChosen=${this.selected !== null}
          .learner=${this.learner}
          .preview=${this.preview}
          .noData=${this.noData}
          .isOnline=${run.link === null}
          .failure=${this.failure}
          .trial=${this.trial}
          .canAct=${run.canAct}
          .nowMs=${Date.now()}
          .onChange=${(verb: LearnerVerb, learner: LearnerId) => tell({ type: "changeLearners", verb, learners: [learner] })}
          .onSavePlot=${(name: string, pngBase64: string) => tell({ type: "savePlot", name, pngBase64 })}
          .onGoToLine=${(of: "failure" | "trial") => tell({ type: "goToLine", of })}
          .onShowOutput=${(job: string) => tell({ type: "showOutput", job })}
        ></adaptive-learner>
      </div>`;
  }

  private get list(): LearnersListElement | null {
    return this.renderRoot.querySelector<LearnersListElement>("adaptive-learners");
  }

  private receive(message: ToPage): void {
    switch (message.type) {
      case "run":
        this.run = message;
        this.away = null;
        return;
      case "away":
        this.away = message;
        return;
      case "series":
        this.samples = message.samples;
        return;
      case "learners":
        this.list?.receive(message);
        return;
      case "chosen":
        this.list?.choose(message.learners);
        return;
      case "filter":
        this.filter = message;
        return;
      case "selected":
        if (message.learner !== null && message.learner.id !== this.selected) return;
        this.learner = message.learner;
        this.trial = message.trial;
        return;
      case "preview":
        if (message.learner === this.selected) this.preview = message.preview;
        return;
      case "noPreview":
        if (message.learner === this.selected) this.noData = { text: message.why };
        return;
      case "failure":
        if (message.learner === this.selected) this.failure = message.failure;
        return;
      case "select":
        this.select(message.learner, null);
        return;
    }
  }

  private select(id: LearnerId, learner: ShownLearner | null): void {
    if (id === this.selected) return;
    this.selected = id;
    this.learner = learner;
    this.preview = null;
    this.noData = null;
    this.failure = null;
    this.trial = null;
    const { directory } = this.dataset;
    if (directory !== undefined) keepState({ directory, selected: id });
    this.say();
    this.requestUpdate();
  }

  private lookAt(list: ListLook): void {
    this.look = list;
    this.say();
  }

  private say(): void {
    tell({ type: "look", list: this.look, selected: this.selected });
  }

  private start(): TemplateResult {
    return html`<div class="start">
      ${this.run?.canConnect ? nothing : busy("Connecting")}<span class="quiet">${this.run?.link ?? "Reading…"}</span>
      ${this.connect()}
    </div>`;
  }

  private notHere({ line, canShow }: Message<"away">): TemplateResult {
    const show = button({ label: "Show This Run", isPrimary: true, onClick: () => tell({ type: "showRun" }) });
    return html`<div class="start"><span>${line}</span>${canShow ? show : nothing}</div>`;
  }

  /** Each in a place of its own: none comes under the pointer that is on the other. */
  private startAndStop(): TemplateResult {
    const isActive = this.run?.run?.activity === "active" && this.run.run.finished === null;
    const of = (command: "startJobs" | "stopJobs", label: string, isOffered: boolean) =>
      button({
        label,
        isPrimary: command === "startJobs" && isOffered,
        isDisabled: !isOffered || this.run?.canAct !== true,
        onClick: () => tell({ type: "runCommand", command }),
      });
    return html`${of("stopJobs", "Stop Jobs", isActive)} ${of("startJobs", "Start Jobs", !isActive)}`;
  }

  /** That the run has nothing left to do, what became of it, and what comes next. */
  private finished(): TemplateResult | typeof nothing {
    const run = this.run?.run ?? null;
    const line = run && finishedLine(run, Date.now());
    if (run === null || line === null) return nothing;
    const { failed = 0 } = run.learners;
    return html`<div class="notice finished" role="status">
      <span>${line}</span>
      ${failed === 0 ? nothing : this.forFailed(failed)}
      ${
        run.isOnCluster
          ? button({ label: "Download Data", onClick: () => tell({ type: "runCommand", command: "downloadData" }) })
          : nothing
      }
      <span class="quiet">${whatNext(run)}</span>
    </div>`;
  }

  private forFailed(count: number): TemplateResult {
    return html`${button({ label: "Show Failed", onClick: () => this.list?.showState("failed") })}
    ${button({
      label: `Retry ${formatCount(count)}`,
      title: "Retry those that failed",
      isDisabled: this.run?.canAct !== true,
      onClick: () => tell({ type: "retryFailed" }),
    })}`;
  }

  private timeLeft(): TemplateResult {
    const learners = this.run?.run?.learners;
    const running = learners?.running ?? 0;
    const unfinished = running + (learners?.waiting ?? 0);
    const leftMs = timeLeftMs(this.samples ?? [], { unfinished, running, nowMs: Date.now() });
    return html`<span class="timeLeft quiet number">${leftMs === null ? "" : timeLeftText(leftMs)}</span>`;
  }

  /** What the link needs a person for. */
  private connect(): TemplateResult | typeof nothing {
    if (this.run?.canConnect !== true) return nothing;
    const onClick = (): void => tell({ type: "runCommand", command: "connect" });
    return button({ label: "Connect…", isPrimary: true, onClick });
  }

  /** What trying points gave: a message of the editor's is gone after a while. */
  private tried(): TemplateResult | typeof nothing {
    const { tried = null } = this.run ?? {};
    if (tried === null) return nothing;
    const take = (step: string | null) => tell({ type: "takeTried", step });
    return html`<div class="notice ${tried.hasFailed ? "failed" : "edited"}" role="status">
      <span>${tried.words}</span>
      ${tried.steps.map((step) => button({ label: step, onClick: () => take(step) }))}
      ${button({ label: "Dismiss", onClick: () => take(null) })}
    </div>`;
  }

  private edited(): TemplateResult | typeof nothing {
    const { edit = null, canAct = false } = this.run ?? {};
    if (edit === null) return nothing;
    const { line, command } = edit;
    return html`<div class="notice edited" role="status">
      <span>${line}</span>
      ${button({
        label: command === "updateRun" ? "Update Run…" : "Start Jobs",
        isDisabled: !canAct,
        onClick: () => tell({ type: "runCommand", command }),
      })}
    </div>`;
  }

  private notice(): TemplateResult | typeof nothing {
    const { link = null, notice = null, run = null } = this.run ?? {};
    const [what, ...output] = notice?.message.split("\n") ?? [];
    // What to do comes before what a job printed, which may be long.
    const parts = [link === null ? null : `Connection: ${sentence(link)}`, what, notice?.hint, run?.remark, ...output];
    const text = parts.filter(Boolean).join("\n");
    if (text === "") return nothing;
    return html`<div class="notice" role="status">
      <span>${text}</span>
      ${this.connect()}
      ${button({ label: "Show Log", onClick: () => tell({ type: "runCommand", command: "showLog" }) })}
    </div>`;
  }
}

/** Seconds would pretend to know them. */
function timeLeftText(leftMs: number): string {
  return leftMs < 60_000 ? "less than a minute left" : `about ${formatDuration(leftMs)} left`;
}

customElements.define("adaptive-dashboard", DashboardElement);

import { css, html, LitElement, nothing, type TemplateResult } from "lit";
import type { LearnerVerb } from "../../scheduler/control/learnerVerbs";
import type { LearnerId } from "../../scheduler/state/rows";
import { formatDuration } from "../format";
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
        padding: 12px 16px;
      }
      .title {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        gap: 4px 16px;
      }
      .title .timeLeft {
        margin-left: auto;
      }
      .notice {
        display: flex;
        align-items: center;
        gap: 12px;
        padding: 4px 8px;
        border-left: 3px solid var(--vscode-charts-yellow);
      }
      .notice > span {
        max-height: 12em;
        overflow: auto;
        overflow-wrap: anywhere;
        white-space: pre-wrap;
      }
      .notice.edited {
        border-left-color: var(--vscode-charts-blue);
      }
      .overTime {
        display: grid;
        grid-template-columns: 1fr 1fr;
        gap: 10px;
        flex: none;
        height: 150px;
      }
      .overTime > p {
        grid-column: 1 / -1;
        place-self: center;
      }
      .columns {
        display: grid;
        grid-template-columns: minmax(0, 1.1fr) minmax(0, 1fr);
        gap: 10px;
        flex: 1;
        min-height: 0;
      }
      .start {
        flex: 1;
        display: grid;
        place-content: center;
        justify-items: center;
        gap: 12px;
      }
      @media (max-width: 860px), (max-height: 520px) {
        :host {
          height: auto;
          min-height: 100vh;
        }
        .columns {
          grid-template-columns: minmax(0, 1fr);
        }
        .columns > * {
          height: 380px;
        }
      }
      @media (max-width: 560px) {
        .overTime {
          grid-template-columns: 1fr;
          height: 280px;
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
        ${counts} ${this.timeLeft()} ${this.startOrStop()}
      </header>
      ${bar} ${this.notice()} ${this.edited()}
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
          .onChange=${(verb: LearnerVerb) => tell({ type: "changeListed", verb })}
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
          .onChange=${(verb: LearnerVerb, learner: LearnerId) => tell({ type: "changeLearner", verb, learner })}
          .onSavePlot=${(name: string, pngBase64: string) => tell({ type: "savePlot", name, pngBase64 })}
          .onGoToLine=${(of: "failure" | "trial") => tell({ type: "goToLine", of })}
          .onShowOutput=${(job: string) => tell({ type: "showOutput", job })}
        ></adaptive-learner>
      </div>`;
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
        this.renderRoot.querySelector<LearnersListElement>("adaptive-learners")?.receive(message);
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
      ${this.run?.needsUser ? nothing : busy("Connecting")}<span class="quiet">${this.run?.link ?? "Reading…"}</span>
      ${this.connect()}
    </div>`;
  }

  private notHere({ line, canShow }: Message<"away">): TemplateResult {
    const show = button({ label: "Show This Run", isPrimary: true, onClick: () => tell({ type: "showRun" }) });
    return html`<div class="start"><span>${line}</span>${canShow ? show : nothing}</div>`;
  }

  private startOrStop(): TemplateResult {
    const isActive = this.run?.run?.activity === "active";
    const command = isActive ? "stopJobs" : "startJobs";
    return button({
      label: isActive ? "Stop Jobs" : "Start Jobs",
      isPrimary: !isActive,
      isDisabled: this.run?.canAct !== true,
      onClick: () => tell({ type: "runCommand", command }),
    });
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
    if (this.run?.needsUser !== true) return nothing;
    const onClick = (): void => tell({ type: "runCommand", command: "connect" });
    return button({ label: "Connect…", isPrimary: true, onClick });
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
    const parts = [link === null ? null : `Connection: ${link}.`, what, notice?.hint, run?.remark, ...output];
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

import { css, html, LitElement, nothing, type PropertyValues, type TemplateResult } from "lit";
import { type LearnerVerb, learnerVerbs, statesFor } from "../../scheduler/control/learnerVerbs";
import type { LearnerId, LearnerState } from "../../scheduler/state/rows";
import { formatCount, plural } from "../../scheduler/state/counts";
import { statesInOrder, stateStyles } from "../learnerStates";
import { learnerVerbWords } from "../learnerVerbs";
import type { ListLook, ShownLearner, ShownRunNumbers, ToPage } from "../messages";
import { button, dropdown, textField } from "./controls";
import { given } from "./given";
import type { Choosing, GridCell } from "./grid";
import { gridColumns, learnerColumns, orderAfterClick } from "./learnerColumns";
import { commonStyles, stackStyles } from "./styles";
import type { RowRange } from "./virtualWindow";

type Message<T extends ToPage["type"]> = Extract<ToPage, { type: T }>;

const anyState = "all";
/** A filter is tried once nothing has been typed for this long. */
const typingPauseMs = 250;
/** Rows kept; a person who has scrolled past so many has the first ones fetched again. */
const maxKept = 5000;

/** The list of learners: what it looks at is asked for, what comes is kept by row. */
export class LearnersListElement extends LitElement {
  static override properties = given("run", "selected", "filter", "canAct", "nowMs");
  static override styles = [
    commonStyles,
    stackStyles,
    css`
      :host {
        container-type: inline-size;
      }
      .head {
        flex: none;
        flex-wrap: nowrap;
        white-space: nowrap;
      }
      .head input {
        width: 100%;
      }
      .filter {
        position: relative;
        flex: 1 1 80px;
        min-width: 60px;
      }
      .filter > .problem {
        position: absolute;
        inset: 100% 0 auto;
        min-width: 220px;
        z-index: 2;
        padding: 4px 8px;
        white-space: normal;
        overflow-wrap: anywhere;
        color: var(--vscode-inputValidation-errorForeground, var(--vscode-foreground));
        background: var(--vscode-inputValidation-errorBackground, var(--vscode-editorHoverWidget-background));
        border: 1px solid var(--vscode-inputValidation-errorBorder, var(--vscode-charts-red));
      }
      .actions > .which {
        overflow: hidden;
        text-overflow: ellipsis;
      }
      .which > vscode-button {
        margin-left: 4px;
        vertical-align: middle;
      }
      .list {
        flex: 1;
        min-height: 0;
        display: grid;
      }
      .list > * {
        grid-area: 1 / 1;
      }
      .list > .none {
        place-self: center;
        z-index: 1;
        max-width: 90%;
        text-align: center;
        overflow-wrap: anywhere;
      }
      @container (max-width: 440px) {
        .head h2 {
          display: none;
        }
      }
    `,
  ];
  run: ShownRunNumbers | null = null;
  selected: LearnerId | null = null;
  nowMs = Date.now();
  /** Which learners are listed besides by their state, and what is wrong with another filter that was typed. */
  filter: Message<"filter"> | null = null;
  canAct = false;
  onFilter: (text: string) => void = () => undefined;
  /** Of all that are listed. */
  onChangeListed: (verb: LearnerVerb) => void = () => undefined;
  onChange: (verb: LearnerVerb, learners: LearnerId[]) => void = () => undefined;
  /** Asks for the learners of these rows, which `choose` takes. */
  onChoose: (list: ListLook, rows: { offset: number; end: number }) => void = () => undefined;
  onSave: () => void = () => undefined;
  onLook: (look: ListLook) => void = () => undefined;
  onSelect: (learner: ShownLearner) => void = () => undefined;

  private look: ListLook = { state: null, orderBy: "position", descending: false, offset: 0, limit: 60 };
  private total = 0;
  private filteredBy = "";
  private matching: Partial<Record<LearnerState, number>> = {};
  private typed = "";
  private told = "";
  private typing: ReturnType<typeof setTimeout> | undefined;
  private readonly rows = new Map<number, ShownLearner>();
  private columns = learnerColumns([]);
  /** Those chosen besides the one that is looked at; empty for that one alone. */
  private chosen: ReadonlySet<LearnerId> = new Set();
  /** Whether any rows have come. */
  private isLoaded = false;
  /** From which row on others are chosen. */
  private anchor = 0;

  /** Takes the rows that came for a look; those for an order that is no longer shown are passed over. */
  receive({ list, filter, matching, total, rows }: Message<"learners">): void {
    const { state, orderBy, descending } = this.look;
    if (list.state !== state || list.orderBy !== orderBy || list.descending !== descending) return;
    if (this.rows.size > maxKept || filter !== this.filteredBy) this.rows.clear();
    // What a button acts on can be seen.
    if (filter !== this.filteredBy) this.chosen = new Set();
    this.isLoaded = true;
    this.total = total;
    this.filteredBy = filter;
    this.matching = matching;
    rows.forEach((row, i) => this.rows.set(list.offset + i, row));
    const columns = rows.length === 0 ? this.columns : learnerColumns(rows);
    // Widths and headers stay while one scrolls: columns are added, never taken away.
    if (columns.length > this.columns.length || this.columns[0]?.key !== columns[0]?.key) this.columns = columns;
    this.requestUpdate();
  }

  showState(state: LearnerState): void {
    this.reorder({ state });
  }

  /** Takes the learners of the rows that were asked for. */
  choose(learners: readonly LearnerId[]): void {
    this.chosen = new Set(learners);
    this.requestUpdate();
  }

  override firstUpdated(): void {
    this.onLook(this.look);
  }

  protected override willUpdate(changed: PropertyValues<this>): void {
    // Somebody else has set it: what is being typed here is not lost to its own echo.
    if (!changed.has("filter") || this.filter === null || this.filter.problem !== null) return;
    const { text } = this.filter;
    if (text !== this.told.trim()) this.typed = this.told = text;
  }

  override render(): TemplateResult {
    const { total, run, look, columns } = this;
    const problem = this.filter?.problem ?? null;
    const all = run === null ? total : Object.values(run.learners).reduce((sum, count) => sum + count, 0);
    return html`<div class="head">
        <h2>Learners</h2>
        <span class="quiet number"
          >${total === all ? formatCount(all) : `${formatCount(total)} of ${formatCount(all)}`}</span
        >
        <div class="filter">
          ${this.filterBox(problem !== null)}
          ${problem === null ? nothing : html`<div class="problem" role="status">${problem}</div>`}
        </div>
        ${this.states()}
        ${button({ label: "CSV", title: "Save as CSV…", isDisabled: total === 0, onClick: () => this.onSave() })}
      </div>
      ${this.actions()}
      <div class="list">
        <adaptive-grid
          .label=${"Learners"}
          .columns=${gridColumns(columns, look)}
          .total=${total}
          .cells=${(row: number) => this.cells(row)}
          .isSelected=${(row: number) => this.isSelected(row)}
          .onLook=${({ first, end }: RowRange) => this.ask({ offset: first, limit: end - first })}
          .onSort=${(key: string) => this.reorder(orderAfterClick(columns, key, look))}
          .onChoose=${(row: number, how: Choosing) => this.chooseRow(row, how)}
          .onChooseAll=${() => this.onChoose(look, { offset: 0, end: total })}
        ></adaptive-grid>
        ${total === 0 ? this.nothingListed(all) : nothing}
      </div>`;
  }

  private filterBox(isInvalid: boolean): TemplateResult {
    return textField({
      label: "Filter learners",
      placeholder: "Filter: loss > 1e-2",
      value: this.typed,
      isInvalid,
      onInput: (text) => {
        this.typed = text;
        clearTimeout(this.typing);
        this.typing = setTimeout(() => this.onFilter((this.told = text)), typingPauseMs);
      },
    });
  }

  /** What can be done with those that are chosen, or with all that a filter or state leaves; always in its place. */
  private actions(): TemplateResult {
    const { state } = this.look;
    const { size } = this.chosen;
    const isFiltered = state !== null || this.filteredBy !== "";
    const which =
      size > 0
        ? html`${plural(size, "learner")} chosen
          ${button({ label: "Clear", title: "Choose none of them", onClick: () => this.choose([]) })}`
        : isFiltered
          ? `of those listed`
          : "of rows chosen with Shift or Ctrl";
    return html`<div class="head actions">
      ${learnerVerbs.map((verb) => {
        const count = size > 0 || !isFiltered ? null : this.countFor(verb);
        const { label } = learnerVerbWords[verb];
        return button({
          label: count === null || count === 0 ? label : `${label} ${formatCount(count)}`,
          isDisabled: !this.canAct || (size === 0 && (count ?? 0) === 0),
          onClick: () => (size > 0 ? this.onChange(verb, [...this.chosen]) : this.onChangeListed(verb)),
        });
      })}
      <span class="which quiet number">${which}</span>
    </div>`;
  }

  /** How many of those listed a verb is for. */
  private countFor(verb: LearnerVerb): number {
    const { state } = this.look;
    return statesFor[verb]
      .filter((one) => state === null || one === state)
      .reduce((sum, one) => sum + (this.matching[one] ?? 0), 0);
  }

  /** Why the list is empty, and the way out of it. */
  private nothingListed(all: number): TemplateResult {
    if (!this.isLoaded) return html`<div class="none quiet">Loading…</div>`;
    const { state } = this.look;
    if (all === 0 || (state === null && this.filteredBy === ""))
      return html`<div class="none quiet">No learners.</div>`;
    const ofState = state === null ? "" : ` that is ${stateStyles[state].label.toLowerCase()}`;
    const matches = this.filteredBy === "" ? "" : ` matches the filter ${this.filteredBy}`;
    const showAll = (): void => {
      if (this.filteredBy !== "") this.onFilter((this.typed = this.told = ""));
      this.reorder({ state: null });
    };
    return html`<div class="none" role="status">
      <p>No learner${ofState}${matches}${matches === "" ? " is here" : ""}.</p>
      ${button({ label: "Show All", onClick: showAll })}
    </div>`;
  }

  private states(): TemplateResult {
    const counts = this.run?.learners;
    const options = statesInOrder
      .filter((state) => state === this.look.state || (counts?.[state] ?? 0) > 0)
      .map((state) => ({ value: state, label: stateStyles[state].label }));
    return dropdown({
      label: "Show learners in state",
      value: this.look.state ?? anyState,
      options: [{ value: anyState, label: "All states" }, ...options],
      onChange: (value) => this.reorder({ state: statesInOrder.find((state) => state === value) ?? null }),
    });
  }

  private cells(index: number): readonly GridCell[] | null {
    const row = this.rows.get(index);
    return row === undefined ? null : this.columns.map((column) => column.cell(row, this.nowMs));
  }

  private isSelected(index: number): boolean {
    const id = this.rows.get(index)?.id;
    return id !== undefined && (this.chosen.size > 0 ? this.chosen.has(id) : id === this.selected);
  }

  private chooseRow(index: number, how: Choosing): void {
    const row = this.rows.get(index);
    if (how === "extend") {
      this.onChoose(this.look, { offset: Math.min(this.anchor, index), end: Math.max(this.anchor, index) + 1 });
      return;
    }
    this.anchor = index;
    if (row === undefined) return;
    if (how === "only") {
      this.choose([]);
      this.onSelect(row);
      return;
    }
    const others = this.chosen.size > 0 || this.selected === null ? this.chosen : new Set([this.selected]);
    this.choose(others.has(row.id) ? [...others].filter((id) => id !== row.id) : [...others, row.id]);
  }

  private reorder(order: Partial<Pick<ListLook, "state" | "orderBy" | "descending">>): void {
    const isSame = Object.entries(order).every(([key, value]) => this.look[key as keyof ListLook] === value);
    if (isSame) return;
    this.rows.clear();
    this.anchor = 0;
    if (order.state !== undefined) this.chosen = new Set();
    this.ask(order);
    this.requestUpdate();
  }

  private ask(change: Partial<ListLook>): void {
    this.look = { ...this.look, ...change };
    this.onLook(this.look);
  }
}

customElements.define("adaptive-learners", LearnersListElement);

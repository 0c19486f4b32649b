import { css, html, LitElement, nothing, type PropertyValues, type TemplateResult } from "lit";
import { type LearnerVerb, learnerVerbs, statesFor } from "../../scheduler/control/learnerVerbs";
import type { LearnerId, LearnerState } from "../../scheduler/state/rows";
import { formatCount } from "../format";
import { statesInOrder, stateStyles } from "../learnerStates";
import { learnerVerbWords } from "../learnerVerbs";
import type { ListLook, ShownLearner, ShownRunNumbers, ToPage } from "../messages";
import { button, dropdown, textField } from "./controls";
import { given } from "./given";
import type { GridCell } from "./grid";
import { gridColumns, learnerColumns, orderAfterClick } from "./learnerColumns";
import { commonStyles, stackStyles } from "./styles";

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
      .head input {
        flex: 1 1 160px;
      }
      .problem {
        border-left: 3px solid var(--vscode-inputValidation-errorBorder, var(--vscode-charts-red));
        padding: 2px 8px;
        overflow-wrap: anywhere;
      }
      adaptive-grid {
        flex: 1;
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
  onChange: (verb: LearnerVerb) => void = () => undefined;
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

  /** Takes the rows that came for a look; those for an order that is no longer shown are passed over. */
  receive({ list, filter, matching, total, rows }: Message<"learners">): void {
    const { state, orderBy, descending } = this.look;
    if (list.state !== state || list.orderBy !== orderBy || list.descending !== descending) return;
    if (this.rows.size > maxKept || filter !== this.filteredBy) this.rows.clear();
    this.total = total;
    this.filteredBy = filter;
    this.matching = matching;
    rows.forEach((row, i) => this.rows.set(list.offset + i, row));
    const columns = learnerColumns(rows);
    // Widths and headers stay while one scrolls: columns are added, never taken away.
    if (columns.length > this.columns.length || this.columns[0]?.key !== columns[0]?.key) this.columns = columns;
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
    const selectedRow = [...this.rows].find(([, row]) => row.id === this.selected)?.[0] ?? null;
    return html`<div class="head">
        <h2>Learners</h2>
        <span class="quiet number"
          >${total === all ? formatCount(all) : `${formatCount(total)} of ${formatCount(all)}`}</span
        >
        ${this.filterBox(problem !== null)} ${this.states()}
        ${button({ label: "CSV", title: "Save as CSV…", isDisabled: total === 0, onClick: () => this.onSave() })}
      </div>
      ${problem === null ? nothing : html`<div class="problem" role="status">${problem}</div>`} ${this.actions()}
      <adaptive-grid
        .label=${"Learners"}
        .columns=${gridColumns(columns, look)}
        .total=${total}
        .cells=${(row: number) => this.cells(row)}
        .selectedRow=${selectedRow}
        .onLook=${({ first, end }: { first: number; end: number }) => this.ask({ offset: first, limit: end - first })}
        .onSort=${(key: string) => this.reorder(orderAfterClick(columns, key, look))}
        .onOpen=${(row: number) => this.select(row)}
      ></adaptive-grid>`;
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

  /** What can be done with all that are listed, once they are chosen. */
  private actions(): TemplateResult | typeof nothing {
    const { state } = this.look;
    if (state === null && this.filteredBy === "") return nothing;
    const count = (verb: LearnerVerb) =>
      statesFor[verb]
        .filter((one) => state === null || one === state)
        .reduce((sum, one) => sum + (this.matching[one] ?? 0), 0);
    const possible = learnerVerbs.filter((verb) => count(verb) > 0);
    if (possible.length === 0) return nothing;
    return html`<div class="head">
      ${possible.map((verb) =>
        button({
          label: `${learnerVerbWords[verb].label} ${formatCount(count(verb))}`,
          isDisabled: !this.canAct,
          onClick: () => this.onChange(verb),
        }),
      )}
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

  private select(index: number): void {
    const row = this.rows.get(index);
    if (row !== undefined) this.onSelect(row);
  }

  private reorder(order: Partial<Pick<ListLook, "state" | "orderBy" | "descending">>): void {
    const isSame = Object.entries(order).every(([key, value]) => this.look[key as keyof ListLook] === value);
    if (isSame) return;
    this.rows.clear();
    this.ask(order);
    this.requestUpdate();
  }

  private ask(change: Partial<ListLook>): void {
    this.look = { ...this.look, ...change };
    this.onLook(this.look);
  }
}

customElements.define("adaptive-learners", LearnersListElement);

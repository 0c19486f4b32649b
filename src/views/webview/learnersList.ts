import { css, html, LitElement, type TemplateResult } from "lit";
import type { LearnerId } from "../../scheduler/state/rows";
import { formatCount } from "../format";
import { statesInOrder, stateStyles } from "../learnerStates";
import type { ListLook, ShownLearner, ShownRunNumbers } from "../messages";
import { dropdown } from "./controls";
import type { GridCell } from "./grid";
import { gridColumns, learnerColumns, orderAfterClick } from "./learnerColumns";
import { commonStyles } from "./styles";

const anyState = "all";
/** Rows kept; a person who has scrolled past so many has the first ones fetched again. */
const maxKept = 5000;

/** The list of learners: what it looks at is asked for, what comes is kept by row. */
export class LearnersListElement extends LitElement {
  static override properties = {
    run: { attribute: false },
    selected: { attribute: false },
    nowMs: { attribute: false },
  };
  static override styles = [
    commonStyles,
    css`
      :host {
        display: flex;
        flex-direction: column;
        gap: 6px;
        min-height: 0;
      }
      .head {
        display: flex;
        align-items: center;
        gap: 10px;
      }
      .head h2 {
        margin-right: auto;
      }
      adaptive-grid {
        flex: 1;
      }
    `,
  ];
  run: ShownRunNumbers | null = null;
  selected: LearnerId | null = null;
  nowMs = Date.now();
  onLook: (look: ListLook) => void = () => undefined;
  onSelect: (learner: ShownLearner) => void = () => undefined;

  private look: ListLook = { state: null, orderBy: "position", descending: false, offset: 0, limit: 60 };
  private total = 0;
  private readonly rows = new Map<number, ShownLearner>();
  private columns = learnerColumns([]);

  /** Takes the rows that came for a look; those for an order that is no longer shown are passed over. */
  receive(list: ListLook, total: number, rows: readonly ShownLearner[]): void {
    const { state, orderBy, descending } = this.look;
    if (list.state !== state || list.orderBy !== orderBy || list.descending !== descending) return;
    this.total = total;
    if (this.rows.size > maxKept) this.rows.clear();
    rows.forEach((row, i) => this.rows.set(list.offset + i, row));
    const columns = learnerColumns(rows);
    // Widths and headers stay while one scrolls: columns are added, never taken away.
    if (columns.length > this.columns.length || this.columns[0]?.key !== columns[0]?.key) this.columns = columns;
    this.requestUpdate();
  }

  override firstUpdated(): void {
    this.onLook(this.look);
  }

  override render(): TemplateResult {
    const { total, run, look, columns } = this;
    const all = run === null ? total : Object.values(run.learners).reduce((sum, count) => sum + count, 0);
    const selectedRow = [...this.rows].find(([, row]) => row.id === this.selected)?.[0] ?? null;
    return html`<div class="head">
        <h2>Learners</h2>
        <span class="quiet number"
          >${look.state === null ? formatCount(all) : `${formatCount(total)} of ${formatCount(all)}`}</span
        >
        ${this.filter()}
      </div>
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

  private filter(): TemplateResult {
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

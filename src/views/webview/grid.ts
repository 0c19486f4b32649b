import { css, html, LitElement, nothing, type PropertyValues, type TemplateResult } from "lit";
import { columnsInRoom, columnTracks } from "./columnWidths";
import { drawn } from "./drawn";
import { given } from "./given";
import { commonStyles } from "./styles";
import { rowAfterKey, type RowRange, rowsInSight, scrollTopFor } from "./virtualWindow";

const rowHeight = 22;
const overscan = 12;
/** Of a cell, left and right, and a hair. */
const cellPadding = 13;
/** A column that needs less by so much was wide for something that is over. */
const muchPx = 30;

export interface GridColumn {
  key: string;
  label: string;
  isNumber: boolean;
  /** Whether its texts may be cut off where room is short. */
  mayShrink: boolean;
  /** Where room is short the columns of the highest rank are left out first; null for one that stays. */
  rank: number | null;
  /** How the rows are sorted by it; null when they cannot be. */
  sort: "ascending" | "descending" | "none" | null;
}

/** One that there is room for, and which of all it is. */
type ShownColumn = GridColumn & { index: number };

export interface GridCell {
  content: string | TemplateResult;
  title?: string;
}

/** How a row is chosen: alone, with or without the others, or all up to it. */
export type Choosing = "only" | "toggle" | "extend";

/** A list of any length: only the rows in sight exist. Its own to scroll, with an ARIA grid's roles and keys. */
export class GridElement extends LitElement {
  static override properties = {
    ...given("columns", "total", "cells", "isSelected"),
    label: {},
    activeRow: { state: true },
  };
  static override styles = [
    commonStyles,
    css`
      :host {
        display: block;
        min-height: 0;
      }
      .scroller {
        height: 100%;
        overflow: auto;
        outline: none;
        contain: strict;
      }
      .row {
        display: grid;
        align-items: center;
        height: ${rowHeight}px;
        min-width: min-content;
      }
      .header {
        position: sticky;
        top: 0;
        z-index: 1;
        background: var(--vscode-editor-background);
        border-bottom: 1px solid var(--edge);
        color: var(--quiet);
      }
      .body {
        position: relative;
        min-width: min-content;
      }
      .body .row {
        position: absolute;
        inset: 0 0 auto;
        cursor: pointer;
        user-select: none;
      }
      .cell {
        overflow: hidden;
        text-overflow: ellipsis;
        white-space: nowrap;
        padding: 0 6px;
      }
      .isNumber {
        text-align: right;
        font-variant-numeric: tabular-nums;
      }
      button {
        all: unset;
        box-sizing: border-box;
        display: block;
        width: 100%;
        line-height: ${rowHeight}px;
        padding: 0 6px;
        overflow: hidden;
        text-overflow: ellipsis;
        cursor: pointer;
      }
      .sortable {
        padding: 0;
      }
      button:hover {
        color: var(--vscode-foreground);
        background: var(--vscode-list-hoverBackground);
      }
      button:focus-visible {
        outline: 1px solid var(--vscode-focusBorder);
        outline-offset: -1px;
      }
      .body .row:hover {
        background: var(--vscode-list-hoverBackground);
        outline: 1px dashed var(--vscode-contrastActiveBorder, transparent);
        outline-offset: -1px;
      }
      .body .row[aria-selected="true"] {
        background: var(--vscode-list-inactiveSelectionBackground);
        color: var(--vscode-list-inactiveSelectionForeground, inherit);
        outline: 1px solid var(--vscode-contrastActiveBorder, transparent);
        outline-offset: -1px;
      }
      .scroller:focus-visible .row.isActive {
        outline: 1px solid var(--vscode-focusBorder);
        outline-offset: -1px;
      }
    `,
  ];
  columns: readonly GridColumn[] = [];
  total = 0;
  /** The cells of a row, one for each column; null while they are not known. */
  cells: (row: number) => readonly GridCell[] | null = () => null;
  isSelected: (row: number) => boolean = () => false;
  label = "";
  /** Told which rows are in sight, whenever that changes. */
  onLook: (range: RowRange) => void = () => undefined;
  onSort: (column: string) => void = () => undefined;
  onChoose: (row: number, how: Choosing) => void = () => undefined;
  onChooseAll: () => void = () => undefined;

  private activeRow = 0;
  private looked = "";
  /** The rows whose cells were measured last. */
  private measured = "";
  /** What each column has needed so far, by its key: widths stay while one scrolls. */
  private readonly needs = new Map<string, number>();
  private readonly sizes = new ResizeObserver(() => this.requestUpdate());

  override connectedCallback(): void {
    super.connectedCallback();
    this.sizes.observe(this);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.sizes.disconnect();
  }

  override render(): TemplateResult {
    const { columns, total } = this;
    const { first, end } = this.range;
    const roomPx = this.scroller?.clientWidth ?? this.clientWidth;
    const needed = columns.map((column, index) => ({ ...column, index, needPx: this.needs.get(column.key) ?? 0 }));
    const shown = columnsInRoom(needed, roomPx);
    const tracks = { "grid-template-columns": columnTracks(shown, roomPx) };
    const rows = Array.from({ length: end - first }, (_, i) => this.row(first + i, shown, tracks));
    return html`<div
      class="scroller"
      role="grid"
      tabindex="0"
      aria-label=${this.label}
      aria-multiselectable="true"
      aria-rowcount=${total + 1}
      aria-colcount=${columns.length}
      aria-activedescendant=${total > 0 ? `row-${this.activeRow}` : nothing}
      @scroll=${() => this.requestUpdate()}
      @keydown=${(event: KeyboardEvent) => this.press(event)}
    >
      <div class="row header" role="row" aria-rowindex="1" ${drawn(tracks)}>
        ${shown.map((column) => this.header(column))}
      </div>
      <div class="body" role="rowgroup" ${drawn({ height: `${total * rowHeight}px` })}>${rows}</div>
    </div>`;
  }

  protected override updated(changed: PropertyValues<this>): void {
    if (changed.has("total")) this.activeRow = Math.max(0, Math.min(this.activeRow, this.total - 1));
    this.measure();
    const { range } = this;
    const look = `${range.first}-${range.end}`;
    if (look === this.looked || range.end === range.first) return;
    this.looked = look;
    this.onLook(range);
  }

  /** Columns grow to what they show; once that has become much less, of the same rows, they give the room back. */
  private measure(): void {
    const shown = new Map<string, number>();
    const contents = document.createRange();
    for (const cell of this.renderRoot.querySelectorAll<HTMLElement>(".cell")) {
      const { key = "" } = cell.dataset;
      contents.selectNodeContents(cell.querySelector("button") ?? cell);
      const needPx = Math.ceil(contents.getBoundingClientRect().width) + cellPadding;
      shown.set(key, Math.max(shown.get(key) ?? 0, needPx));
    }
    const rows = `${this.range.first}-${this.range.end}`;
    const isScrolled = rows !== this.measured;
    this.measured = rows;
    for (const [key, needPx] of shown) {
      const known = this.needs.get(key) ?? 0;
      if (needPx <= known && (isScrolled || needPx > known - muchPx)) continue;
      this.needs.set(key, needPx);
      this.requestUpdate();
    }
  }

  private get scroller(): HTMLElement | null {
    return this.renderRoot.querySelector<HTMLElement>(".scroller");
  }

  /** The part of the scroller that shows rows; the header stands above it. */
  private get view(): { scrollTop: number; height: number; rowHeight: number } {
    const height = Math.max(0, this.clientHeight - rowHeight);
    return { scrollTop: this.scroller?.scrollTop ?? 0, height, rowHeight };
  }

  private get range(): RowRange {
    return rowsInSight({ ...this.view, total: this.total, overscan });
  }

  private header({ key, index, label, isNumber, sort }: ShownColumn): TemplateResult {
    const sign = sort === "ascending" ? " ↑" : sort === "descending" ? " ↓" : "";
    const kind = `${isNumber ? "isNumber" : ""} ${sort === null ? "" : "sortable"}`;
    return html`<div
      class="cell ${kind}"
      role="columnheader"
      aria-colindex=${index + 1}
      data-key=${key}
      aria-sort=${sort ?? nothing}
    >
      ${
        sort === null
          ? label
          : html`<button title=${`Sort by ${label}`} @click=${() => this.onSort(key)}>${label}${sign}</button>`
      }
    </div>`;
  }

  private row(row: number, shown: readonly ShownColumn[], tracks: Record<string, string>): TemplateResult {
    const cells = this.cells(row);
    return html`<div
      class="row ${row === this.activeRow ? "isActive" : ""}"
      role="row"
      id=${`row-${row}`}
      aria-rowindex=${row + 2}
      aria-selected=${this.isSelected(row)}
      ${drawn({ ...tracks, transform: `translateY(${row * rowHeight}px)` })}
      @click=${(event: MouseEvent) => this.choose(row, howOf(event))}
    >
      ${shown.map(
        ({ key, index, isNumber }) =>
          html`<div
            class="cell ${isNumber ? "isNumber" : ""}"
            role="gridcell"
            aria-colindex=${index + 1}
            data-key=${key}
            title=${cells?.[index]?.title ?? nothing}
          >
            ${cells?.[index]?.content ?? (cells === null && index === 0 ? "…" : "")}
          </div>`,
      )}
    </div>`;
  }

  private press(event: KeyboardEvent): void {
    if (event.target instanceof HTMLElement && event.target.closest("button") !== null) return;
    const { scroller, view } = this;
    if (event.key === "Enter" || event.key === " ") {
      this.choose(this.activeRow, howOf(event));
    } else if (event.key.toLowerCase() === "a" && (event.ctrlKey || event.metaKey)) {
      this.onChooseAll();
    } else {
      const pageRows = Math.max(1, Math.floor(view.height / rowHeight) - 1);
      const row = rowAfterKey(event.key, this.activeRow, { total: this.total, pageRows });
      if (row === null || scroller === null) return;
      this.activeRow = row;
      scroller.scrollTop = scrollTopFor(row, view);
      if (event.shiftKey) this.onChoose(row, "extend");
    }
    event.preventDefault();
  }

  private choose(row: number, how: Choosing): void {
    if (row >= this.total) return;
    this.activeRow = row;
    this.onChoose(row, how);
  }
}

function howOf({ shiftKey, ctrlKey, metaKey }: MouseEvent | KeyboardEvent): Choosing {
  if (shiftKey) return "extend";
  return ctrlKey || metaKey ? "toggle" : "only";
}

customElements.define("adaptive-grid", GridElement);

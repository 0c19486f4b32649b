import { css, html, LitElement, nothing, type PropertyValues, type TemplateResult } from "lit";
import { drawn } from "./drawn";
import { given } from "./given";
import { commonStyles } from "./styles";
import { rowAfterKey, type RowRange, rowsInSight, scrollTopFor } from "./virtualWindow";

const rowHeight = 22;
const overscan = 12;

export interface GridColumn {
  key: string;
  label: string;
  isNumber: boolean;
  /** A CSS grid track size. */
  width: string;
  /** How the rows are sorted by it; null when they cannot be. */
  sort: "ascending" | "descending" | "none" | null;
}

export interface GridCell {
  content: string | TemplateResult;
  title?: string;
}

/** A list of any length: only the rows in sight exist. Its own to scroll, with an ARIA grid's roles and keys. */
export class GridElement extends LitElement {
  static override properties = {
    ...given("columns", "total", "cells", "selectedRow"),
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
        cursor: pointer;
      }
      button:focus-visible {
        outline: 1px solid var(--vscode-focusBorder);
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
  selectedRow: number | null = null;
  label = "";
  /** Told which rows are in sight, whenever that changes. */
  onLook: (range: RowRange) => void = () => undefined;
  onSort: (column: string) => void = () => undefined;
  onOpen: (row: number) => void = () => undefined;

  private activeRow = 0;
  private looked = "";
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
    const tracks = { "grid-template-columns": columns.map((column) => column.width).join(" ") };
    const rows = Array.from({ length: end - first }, (_, i) => this.row(first + i, tracks));
    return html`<div
      class="scroller"
      role="grid"
      tabindex="0"
      aria-label=${this.label}
      aria-rowcount=${total + 1}
      aria-colcount=${columns.length}
      aria-activedescendant=${total > 0 ? `row-${this.activeRow}` : nothing}
      @scroll=${() => this.requestUpdate()}
      @keydown=${(event: KeyboardEvent) => this.press(event)}
    >
      <div class="row header" role="row" aria-rowindex="1" ${drawn(tracks)}>
        ${columns.map((column) => this.header(column))}
      </div>
      <div class="body" role="rowgroup" ${drawn({ height: `${total * rowHeight}px` })}>${rows}</div>
    </div>`;
  }

  protected override updated(changed: PropertyValues<this>): void {
    if (changed.has("total")) this.activeRow = Math.max(0, Math.min(this.activeRow, this.total - 1));
    const { range } = this;
    const look = `${range.first}-${range.end}`;
    if (look === this.looked || range.end === range.first) return;
    this.looked = look;
    this.onLook(range);
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

  private header({ key, label, isNumber, sort }: GridColumn): TemplateResult {
    const sign = sort === "ascending" ? " ↑" : sort === "descending" ? " ↓" : "";
    return html`<div class="cell ${isNumber ? "isNumber" : ""}" role="columnheader" aria-sort=${sort ?? nothing}>
      ${sort === null ? label : html`<button title=${`Sort by ${label}`} @click=${() => this.onSort(key)}>${label}${sign}</button>`}
    </div>`;
  }

  private row(row: number, tracks: Record<string, string>): TemplateResult {
    const cells = this.cells(row);
    return html`<div
      class="row ${row === this.activeRow ? "isActive" : ""}"
      role="row"
      id=${`row-${row}`}
      aria-rowindex=${row + 2}
      aria-selected=${row === this.selectedRow}
      ${drawn({ ...tracks, transform: `translateY(${row * rowHeight}px)` })}
      @click=${() => this.open(row)}
    >
      ${this.columns.map(
        ({ isNumber }, i) =>
          html`<div class="cell ${isNumber ? "isNumber" : ""}" role="gridcell" title=${cells?.[i]?.title ?? nothing}>
            ${cells?.[i]?.content ?? (cells === null && i === 0 ? "…" : "")}
          </div>`,
      )}
    </div>`;
  }

  private press(event: KeyboardEvent): void {
    if (event.target instanceof HTMLElement && event.target.closest("button") !== null) return;
    const { scroller, view } = this;
    if (event.key === "Enter" || event.key === " ") {
      this.open(this.activeRow);
    } else {
      const pageRows = Math.max(1, Math.floor(view.height / rowHeight) - 1);
      const row = rowAfterKey(event.key, this.activeRow, { total: this.total, pageRows });
      if (row === null || scroller === null) return;
      this.activeRow = row;
      scroller.scrollTop = scrollTopFor(row, view);
    }
    event.preventDefault();
  }

  private open(row: number): void {
    if (row >= this.total) return;
    this.activeRow = row;
    this.onOpen(row);
  }
}

customElements.define("adaptive-grid", GridElement);

import { css } from "lit";

/**
 * What the parts of the page have in common. Only colours of the theme; each state has one, and
 * a sign besides, so that nothing depends on colour alone.
 */
export const commonStyles = css`
  :host {
    --edge: var(--vscode-contrastBorder, var(--vscode-panel-border, var(--vscode-widget-border, transparent)));
    --quiet: var(--vscode-descriptionForeground);
    --state-running: var(--vscode-charts-blue);
    --state-waiting: var(--vscode-scrollbarSlider-hoverBackground, var(--vscode-descriptionForeground));
    --state-done: var(--vscode-charts-green);
    --state-failed: var(--vscode-charts-red);
    --state-stopped: var(--vscode-charts-yellow);
    --state-blocked: var(--vscode-charts-purple);
    --state-removed: var(--vscode-disabledForeground);
    box-sizing: border-box;
  }
  *,
  *::before,
  *::after {
    box-sizing: border-box;
  }
  h1,
  h2 {
    margin: 0;
    font-weight: 600;
  }
  h1 {
    font-size: 1.25em;
  }
  h2 {
    font-size: 1em;
  }
  .quiet {
    color: var(--quiet);
  }
  .number {
    font-variant-numeric: tabular-nums;
  }
  input[type="search"] {
    min-width: 0;
    padding: 4px 8px;
    font: inherit;
    color: var(--vscode-input-foreground);
    background: var(--vscode-input-background);
    border: 1px solid var(--vscode-input-border, var(--edge));
    border-radius: 2px;
  }
  input[type="search"]::placeholder {
    color: var(--vscode-input-placeholderForeground);
  }
  input[type="search"]:focus-visible {
    outline: 1px solid var(--vscode-focusBorder);
    outline-offset: -1px;
  }
  input[type="search"][aria-invalid="true"] {
    border-color: var(--vscode-inputValidation-errorBorder, var(--vscode-charts-red));
  }
  .toggle {
    padding: 4px 11px;
    font: inherit;
    color: inherit;
    background: transparent;
    border: 1px solid var(--vscode-input-border, var(--vscode-descriptionForeground));
    border-radius: 2px;
    cursor: pointer;
  }
  .toggle[aria-pressed="true"] {
    color: var(--vscode-inputOption-activeForeground);
    background: var(--vscode-inputOption-activeBackground);
    border-color: var(--vscode-focusBorder);
  }
  .toggle:focus-visible {
    outline: 1px solid var(--vscode-focusBorder);
  }
  .link {
    all: unset;
    cursor: pointer;
    color: var(--vscode-textLink-foreground);
    white-space: nowrap;
  }
  .link:hover {
    text-decoration: underline;
  }
  .link:focus-visible {
    outline: 1px solid var(--vscode-focusBorder);
  }
  .panel {
    border: 1px solid var(--edge);
    border-radius: 4px;
    padding: 8px 10px;
    min-width: 0;
  }
  .state {
    display: inline-flex;
    align-items: center;
    gap: 5px;
    white-space: nowrap;
  }
  .sign {
    display: inline-block;
    flex: none;
    width: 9px;
    height: 9px;
    border-radius: 50%;
    background: var(--state);
    border: 1px solid var(--state);
  }
  .running {
    --state: var(--state-running);
  }
  .waiting {
    --state: var(--state-waiting);
  }
  .done {
    --state: var(--state-done);
  }
  .failed {
    --state: var(--state-failed);
  }
  .stopped {
    --state: var(--state-stopped);
  }
  .blocked {
    --state: var(--state-blocked);
  }
  .removed {
    --state: var(--state-removed);
  }
  .waiting .sign,
  .blocked .sign,
  .removed .sign {
    background: transparent;
    border-width: 2px;
  }
  .failed .sign {
    border-radius: 0;
    transform: rotate(45deg);
  }
  .stopped .sign {
    border-radius: 0;
  }
`;

/** Of an element whose parts stand one above the other, in the height that it is given, below a head. */
export const stackStyles = css`
  :host {
    display: flex;
    flex-direction: column;
    gap: 6px;
    min-height: 0;
  }
  .head {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    gap: 6px 10px;
  }
  .head h2 {
    margin-right: auto;
    overflow-wrap: anywhere;
  }
`;

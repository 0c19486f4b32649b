import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type Browser, chromium, type Page } from "playwright-core";
import * as v from "valibot";
import { findChromium } from "../../scripts/setup.mjs";
import { root } from "../../scripts/steps.mjs";
import type { LearnerRow } from "../../src/scheduler/state/rows";
import { learnerStates } from "../../src/scheduler/state/rows";
import { shownLearner } from "../../src/views/dashboardRows";
import { type FromPage, fromPageSchema, type ToPage, toPageSchema } from "../../src/views/messages";

/** What the editor's default themes give the page. */
const themes = {
  dark: {
    "--vscode-editor-background": "#1f1f1f",
    "--vscode-foreground": "#cccccc",
    "--vscode-descriptionForeground": "#9d9d9d",
    "--vscode-panel-border": "#2b2b2b",
    "--vscode-charts-blue": "#59a4f9",
    "--vscode-charts-green": "#89d185",
    "--vscode-charts-red": "#f14c4c",
    "--vscode-charts-yellow": "#cca700",
    "--vscode-charts-purple": "#b180d7",
    "--vscode-disabledForeground": "#cccccc80",
    "--vscode-button-background": "#0078d4",
    "--vscode-button-foreground": "#ffffff",
    "--vscode-button-secondaryBackground": "#313131",
    "--vscode-button-secondaryForeground": "#cccccc",
    "--vscode-button-secondaryHoverBackground": "#3c3c3c",
    "--vscode-inputOption-activeBackground": "#2489db82",
    "--vscode-inputOption-activeBorder": "#2488db",
    "--vscode-inputOption-activeForeground": "#ffffff",
    "--vscode-input-background": "#313131",
    "--vscode-input-foreground": "#cccccc",
    "--vscode-input-border": "#3c3c3c",
    "--vscode-input-placeholderForeground": "#989898",
    "--vscode-dropdown-background": "#313131",
    "--vscode-dropdown-foreground": "#cccccc",
    "--vscode-dropdown-border": "#3c3c3c",
    "--vscode-focusBorder": "#0078d4",
    "--vscode-list-hoverBackground": "#2a2d2e",
    "--vscode-list-inactiveSelectionBackground": "#37373d",
    "--vscode-list-activeSelectionBackground": "#04395e",
    "--vscode-list-activeSelectionForeground": "#ffffff",
    "--vscode-textCodeBlock-background": "#2b2b2b",
    "--vscode-textLink-foreground": "#4daafc",
    "--vscode-editorHoverWidget-background": "#202020",
    "--vscode-editorHoverWidget-foreground": "#cccccc",
    "--vscode-editorHoverWidget-border": "#454545",
  },
  light: {
    "--vscode-editor-background": "#ffffff",
    "--vscode-foreground": "#3b3b3b",
    "--vscode-descriptionForeground": "#3b3b3bb3",
    "--vscode-panel-border": "#e5e5e5",
    "--vscode-charts-blue": "#1a85ff",
    "--vscode-charts-green": "#388a34",
    "--vscode-charts-red": "#e51400",
    "--vscode-charts-yellow": "#bf8803",
    "--vscode-charts-purple": "#652d90",
    "--vscode-disabledForeground": "#61616180",
    "--vscode-button-background": "#005fb8",
    "--vscode-button-foreground": "#ffffff",
    "--vscode-button-secondaryBackground": "#e5e5e5",
    "--vscode-button-secondaryForeground": "#3b3b3b",
    "--vscode-button-secondaryHoverBackground": "#cccccc",
    "--vscode-inputOption-activeBackground": "#bed6ed",
    "--vscode-inputOption-activeBorder": "#005fb8",
    "--vscode-inputOption-activeForeground": "#000000",
    "--vscode-input-background": "#ffffff",
    "--vscode-input-foreground": "#3b3b3b",
    "--vscode-input-border": "#cecece",
    "--vscode-input-placeholderForeground": "#767676",
    "--vscode-dropdown-background": "#ffffff",
    "--vscode-dropdown-foreground": "#3b3b3b",
    "--vscode-dropdown-border": "#cecece",
    "--vscode-focusBorder": "#005fb8",
    "--vscode-list-hoverBackground": "#f2f2f2",
    "--vscode-list-inactiveSelectionBackground": "#e4e6f1",
    "--vscode-list-activeSelectionBackground": "#e8e8e8",
    "--vscode-list-activeSelectionForeground": "#000000",
    "--vscode-textCodeBlock-background": "#f8f8f8",
    "--vscode-textLink-foreground": "#005fb8",
    "--vscode-editorHoverWidget-background": "#f8f8f8",
    "--vscode-editorHoverWidget-foreground": "#3b3b3b",
    "--vscode-editorHoverWidget-border": "#c8c8c8",
  },
} as const;
const fonts = {
  "--vscode-font-family": "sans-serif",
  "--vscode-font-size": "13px",
  "--vscode-font-weight": "normal",
  "--vscode-editor-font-family": "monospace",
  "--vscode-editor-font-size": "13px",
};

export interface PageOptions {
  width: number;
  height: number;
  theme?: keyof typeof themes;
}

/** Starts the browser in which pages are opened. */
export async function openBrowser(): Promise<Browser> {
  const executablePath = await findChromium();
  if (executablePath === null) throw new Error("There is no Chromium: npm run test:e2e installs it.");
  return chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu"] });
}

/** The dashboard's page as it was built, with the test in the place of the extension. */
export class DashboardPage {
  /** What the page has said so far. */
  readonly said: FromPage[] = [];

  private constructor(
    readonly page: Page,
    private rows: readonly LearnerRow[],
  ) {}

  private filter = "";

  /** Opens the page, which shows these learners as soon as it looks at them. */
  static async open(
    browser: Browser,
    rows: readonly LearnerRow[],
    { width, height, theme = "dark" }: PageOptions,
  ): Promise<DashboardPage> {
    const page = await browser.newPage({ viewport: { width, height } });
    const dashboard = new DashboardPage(page, rows);
    await page.exposeFunction("say", (message: unknown) => dashboard.hear(message));
    const [script, style] = await Promise.all(
      ["dist/webview/main.js", "media/dashboard.css"].map((file) => readFile(join(root, file), "utf8")),
    );
    const variables = Object.entries({ ...fonts, ...themes[theme] }).map(([name, value]) => `${name}: ${value}`);
    await page.setContent(`<!DOCTYPE html><html lang="en" style="${variables.join("; ")}">
      <head><meta charset="utf-8"><style>${style}</style></head>
      <body class="vscode-${theme}"><adaptive-dashboard data-directory="/study/.adaptive"></adaptive-dashboard></body></html>`);
    await page.addScriptTag({
      content:
        "window.acquireVsCodeApi = () => ({ postMessage: window.say, getState: () => null, setState: () => {} });",
    });
    await page.addScriptTag({ content: script ?? "" });
    // The toolkit reads the colours when the theme changes.
    await page.evaluate(`document.body.className = "vscode-${theme} "`);
    return dashboard;
  }

  /** Says something to the page, as the extension would. */
  async tell(message: ToPage): Promise<void> {
    v.parse(toPageSchema, message);
    await this.page.evaluate(`window.postMessage(${JSON.stringify([message])}, "*")`);
  }

  /** Shows other learners than before, as those that match a filter. */
  async show(rows: readonly LearnerRow[], filter = ""): Promise<void> {
    this.rows = rows;
    this.filter = filter;
    const look = this.said.filter((message) => message.type === "look").at(-1);
    if (look !== undefined) await this.answer(look);
  }

  /** The newest message of a type that the page has said. */
  lastSaid<T extends FromPage["type"]>(type: T): Extract<FromPage, { type: T }> | undefined {
    return this.said.filter((message): message is Extract<FromPage, { type: T }> => message.type === type).at(-1);
  }

  private async hear(message: unknown): Promise<void> {
    const said = v.parse(fromPageSchema, message);
    this.said.push(said);
    if (said.type === "look") await this.answer(said);
    if (said.type === "choose") {
      const learners = this.rows.slice(said.list.offset, said.end).map(({ id }) => id);
      await this.tell({ type: "chosen", learners });
    }
    if (said.type === "filter") await this.tell({ type: "filter", text: said.text, problem: null });
  }

  private async answer({ list, selected }: Extract<FromPage, { type: "look" }>): Promise<void> {
    const rows = this.rows.filter(({ state }) => list.state === null || state === list.state);
    const matching = Object.fromEntries(
      learnerStates.map((state) => [state, this.rows.filter((row) => row.state === state).length]),
    ) as Record<LearnerRow["state"], number>;
    const shown = rows.slice(list.offset, list.offset + list.limit).map(shownLearner);
    await this.tell({ type: "learners", list, filter: this.filter, matching, total: rows.length, rows: shown });
    const row = this.rows.find(({ id }) => id === selected);
    if (row !== undefined) await this.tell({ type: "selected", learner: shownLearner(row), trial: null });
  }
}

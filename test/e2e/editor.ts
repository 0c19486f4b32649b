import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium, type FrameLocator, type Locator, type Page } from "playwright-core";
import { expect, onTestFinished } from "vitest";
import { quietSettings, startCodeServer, windowUrl } from "../../scripts/codeServer.mjs";
import { findChromium, python, vsix } from "../../scripts/setup.mjs";
import { root, tryRun } from "../../scripts/steps.mjs";

/** The longest that anything may take on a slow machine. */
export const patienceMs = 90_000;

const screenshots = join(root, "test/results/e2e");

/**
 * A copy of an example study in a folder of its own; its scheduler and jobs end with the test, as do those of other studies put beside it.
 * @param replacements in its learners file, to make it smaller
 */
export async function copyExample(
  replacements: readonly (readonly [from: string, to: string])[],
  example = "peaks",
): Promise<string> {
  const base = await mkdtemp(join(tmpdir(), "adaptive-e2e-"));
  const folder = join(base, example);
  for (const file of ["_learners.py", "adaptive.json"])
    await cp(join(root, "examples", example, file), join(folder, file));
  const learnersFile = join(folder, "_learners.py");
  let source = await readFile(learnersFile, "utf8");
  for (const [from, to] of replacements) {
    if (!source.includes(from)) throw new Error(`The example has no "${from}".`);
    source = source.replace(from, to);
  }
  await writeFile(learnersFile, source);
  onTestFinished(async () => {
    for (const study of await readdir(base)) {
      await program("stop", join(base, study));
      await program("stop", join(base, study), "--shut-down");
    }
    await rm(base, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  });
  return folder;
}

/** An empty folder; what runs in it ends with the test. */
export async function emptyFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "adaptive-e2e-"));
  onTestFinished(async () => {
    await program("stop", folder);
    await program("stop", folder, "--shut-down");
    await rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  });
  return folder;
}

/** Runs the scheduler's program, and gives how that ended. */
export function program(...words: string[]): ReturnType<typeof tryRun> {
  return tryRun(process.execPath, [join(root, "dist/scheduler/main.js"), ...words]);
}

/**
 * Opens a folder in a VS Code of its own with the extension installed; both end with the test.
 * @param clusters the user setting `adaptive.clusters`
 * @param learnersFile to begin with, and with our view, as `npm start` does
 */
export async function openEditor(
  folder: string,
  clusters: object = { local: { python } },
  learnersFile: string | null = null,
): Promise<Editor> {
  const home = await mkdtemp(join(tmpdir(), "adaptive-e2e-editor-"));
  onTestFinished(() => rm(home, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 }));
  // What is in a terminal can be read only where it is no picture.
  const settings = {
    ...quietSettings,
    "terminal.integrated.gpuAcceleration": "off",
    "adaptive.clusters": clusters,
    "adaptive.openViewAtStart": learnersFile !== null,
  };
  const server = await startCodeServer({ folder: home, vsix, settings });
  onTestFinished(server.stop);
  const executablePath = await findChromium();
  if (executablePath === null) throw new Error("There is no Chromium: npm run test:e2e installs it.");
  const quiet = ["no-first-run", "disable-background-networking", "disable-component-update", "disable-sync"];
  const browser = await chromium.launch({
    executablePath,
    args: ["no-sandbox", "disable-gpu", "disable-quic", ...quiet].map((name) => `--${name}`),
  });
  onTestFinished(() => browser.close());
  const page = await browser.newPage({ viewport: { width: 1400, height: 900 } });
  page.setDefaultTimeout(patienceMs);
  await page.goto(windowUrl(server.url, folder, learnersFile), { waitUntil: "commit" });
  const editor = new Editor(page);
  // Told before what was registered earlier ends: the page is still there.
  onTestFinished(async ({ task: { name, result } }) => {
    if (result?.state === "fail") await explain(editor, name, home);
  });
  return editor;
}

/** Keeps what a failed test leaves on the screen and in the log, so that its report explains itself. */
async function explain(editor: Editor, test: string, home: string): Promise<void> {
  const { page, sidebar, statusBar } = editor;
  const name = `failed, ${test.replace(/[^\w.-]+/g, " ")}`;
  await editor.keepScreenshot(name);
  const parts = {
    notifications: page.locator(".notification-toast"),
    "quick pick": page.locator(".quick-input-widget:visible"),
    dialog: editor.dialog,
    sidebar,
    "status bar": statusBar,
  };
  const texts = Object.entries(parts).map(async ([part, locator]) => [
    part,
    (await locator.allInnerTexts()).join("\n"),
  ]);
  const shown = (await Promise.all(texts)).filter(([, text]) => text !== "");
  const logs = join(home, "data/logs");
  const log = (await readdir(logs, { recursive: true })).find((file) => file.endsWith("Adaptive.log"));
  const lines = log === undefined ? [] : (await readFile(join(logs, log), "utf8")).split("\n").slice(-50);
  const report = [...shown, ["log", lines.join("\n")]].map(([part, text]) => `--- ${part}\n${text}`);
  console.error([`Screenshot: ${join(screenshots, name)}.png`, ...report].join("\n"));
}

/** What a person sees of VS Code, and does with it. */
export class Editor {
  /** Rows of the trees in the sidebar. */
  readonly treeRows: Locator;
  readonly sidebar: Locator;
  readonly statusBar: Locator;
  readonly quickPickRows: Locator;
  /** What a command asks in the middle of the window. */
  readonly dialog: Locator;
  /** The page in the webview that is shown. */
  readonly webview: FrameLocator;

  constructor(readonly page: Page) {
    this.sidebar = page.locator(".part.sidebar");
    this.treeRows = this.sidebar.locator(".monaco-list-row");
    this.statusBar = page.locator(".part.statusbar");
    this.quickPickRows = page.locator(".quick-input-list .monaco-list-row");
    this.dialog = page.locator(".monaco-dialog-box");
    this.webview = page.frameLocator("iframe.webview.ready").frameLocator("iframe#active-frame");
  }

  async openView(title: string): Promise<void> {
    const shown = this.sidebar.locator(".title-label").getByText(title, { exact: true });
    const isShown = () =>
      shown.waitFor({ timeout: 10_000 }).then(
        () => true,
        () => false,
      );
    // A click on the icon of a view that is shown already, as after a reload, hides it.
    for (const deadlineMs = Date.now() + patienceMs; ;) {
      await this.page.locator(`.activitybar a[aria-label^="${title}"]`).click();
      // It takes the focus when it is there, from a palette too.
      if (await isShown()) return;
      if (Date.now() > deadlineMs) throw new Error(`The view "${title}" does not open.`);
    }
  }

  /** Runs a command by its name; one that is not yet contributed or enabled is waited for. */
  async runCommand(name: string): Promise<void> {
    const input = this.page.locator(".quick-input-widget .quick-input-box input");
    const command = this.quickPickRows.filter({ hasText: name }).first();
    for (const deadlineMs = Date.now() + patienceMs; ;) {
      await this.page.keyboard.press("F1");
      const isThere = await input
        .fill(`>${name}`, { timeout: 2_000 })
        .then(() => command.waitFor({ timeout: 2_000 }))
        .then(
          () => true,
          () => false,
        );
      if (isThere) {
        await clickRow(command);
        return command.waitFor({ state: "hidden" });
      }
      if (Date.now() > deadlineMs) throw new Error(`The palette has no command "${name}".`);
      // The palette lists what was there when it opened, and closes when a dialog that ends gives the focus back.
      await this.page.keyboard.press("Escape");
      await input.waitFor({ state: "hidden" });
    }
  }

  async pick(label: string): Promise<void> {
    await clickRow(this.quickPickRows.filter({ hasText: label }).first());
  }

  /** Presses a button of the dialog. Another may open at once: what closes is the one that was answered. */
  async answer(label: string): Promise<void> {
    const button = this.page.getByRole("button", { name: label, exact: true });
    const answered = await this.dialog.filter({ has: button }).elementHandle();
    await this.dialog.locator(button).click();
    await answered?.waitForElementState("hidden");
  }

  /** Chooses from the context menu of a row. */
  async chooseFor(row: Locator, command: string): Promise<void> {
    await row.click({ button: "right" });
    // A menu that has just opened does not take clicks yet.
    await this.page.getByRole("menuitem", { name: command }).hover();
    await this.page.keyboard.press("Enter");
  }

  /** Opens the form of Start Jobs, of a study whose jobs can run, or run already, nowhere but here. */
  async openStartForm(): Promise<void> {
    await this.runCommand("Adaptive: Start Jobs");
    await this.page
      .locator(".quick-input-title")
      .getByText(/^Start Jobs: .* on this computer$/)
      .waitFor();
  }

  /** Starts with the settings as they are. */
  async startJobs(): Promise<void> {
    await this.openStartForm();
    await this.page.keyboard.press("Enter");
  }

  /** A row of a tree whose label and description match. */
  treeRow(what: RegExp): Locator {
    return this.treeRows.filter({ hasText: what }).first();
  }

  async keepScreenshot(name: string): Promise<void> {
    await mkdir(screenshots, { recursive: true });
    await this.page.screenshot({ path: join(screenshots, `${name}.png`), animations: "disabled" });
  }
}

/** The terminal that is shown. */
export class ShownTerminal {
  constructor(private readonly editor: Editor) {}

  /** What it is called. */
  async named(name: string): Promise<void> {
    await this.editor.page.locator(".part.panel").getByText(name).first().waitFor();
  }

  async type(line: string): Promise<void> {
    await this.shows(/[#$]$/m);
    await this.wrapper.locator("textarea.xterm-helper-textarea").focus();
    await this.editor.page.keyboard.type(`${line}\n`);
  }

  async shows(pattern: RegExp): Promise<void> {
    await expect.poll(() => this.text(), { timeout: patienceMs }).toMatch(pattern);
  }

  /** How many there are. */
  count(): Promise<number> {
    return this.editor.page.locator(".terminal-wrapper").count();
  }

  /** Lines on the screen. */
  async rows(): Promise<number> {
    return this.wrapper.locator(".xterm-rows > div").count();
  }

  async text(): Promise<string> {
    const texts = await this.wrapper.locator(".xterm-rows > div").allTextContents();
    return texts.map((text) => text.replaceAll("\u00a0", " ").trimEnd()).join("\n");
  }

  private get wrapper() {
    return this.editor.page.locator(".part.panel .terminal-wrapper.active");
  }
}

/** Clicks a row of a list at once: one that is drawn anew between press and release would lose the click. */
export async function clickRow(row: Locator): Promise<void> {
  await row.waitFor();
  await row.dispatchEvent("click");
}

/** How many pixels of a canvas are coloured, as its curves are and its grey axes are not. */
export function colouredPixels(canvas: Locator): Promise<number> {
  return canvas.evaluate((element) => {
    // Runs in the page, whose types these tests do not have.
    const { width, height, getContext } = element as unknown as {
      width: number;
      height: number;
      getContext(kind: "2d"): { getImageData(...box: number[]): { data: Uint8ClampedArray } };
    };
    const { data } = getContext.call(element, "2d").getImageData(0, 0, width, height);
    let count = 0;
    for (let i = 0; i < data.length; i += 4) {
      const [red = 0, green = 0, blue = 0, alpha = 0] = data.subarray(i, i + 4);
      if (alpha > 100 && Math.max(red, green, blue) - Math.min(red, green, blue) > 60) count += 1;
    }
    return count;
  });
}

import type { Browser, Locator } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { asJobId, type LearnerRow } from "../../src/scheduler/state/rows";
import { remarkOnMpi } from "../../src/scheduler/state/runRemarks";
import type { ToPage } from "../../src/views/messages";
import { learnerRow } from "../unit/views/rows";
import { DashboardPage, openBrowser, type PageOptions } from "./page";

/** What only a browser can show of the dashboard's page, without an editor around it. */
let browser: Browser;
beforeAll(async () => {
  browser = await openBrowser();
});
afterAll(() => browser.close());

/** Of an element, whose types these tests do not have. */
interface Sizes {
  scrollWidth: number;
  clientWidth: number;
  scrollHeight: number;
  clientHeight: number;
}

/** The page's own global. */
interface Styled {
  getComputedStyle(element: unknown): { backgroundColor: string };
}

const large: PageOptions = { width: 1300, height: 850 };

const run: ToPage = {
  type: "run",
  run: {
    name: "peaks",
    cluster: "local",
    activity: "active",
    remark: null,
    learners: { waiting: 1, running: 1, done: 2, failed: 1, stopped: 0, blocked: 0, removed: 0 },
    jobs: { submitted: 0, queued: 0, running: 2, ended: 3 },
    npoints: 1200,
    finished: null,
    isOnCluster: false,
  },
  link: null,
  notice: null,
  edit: null,
  tried: null,
  canConnect: false,
  canAct: true,
};

async function open(rows: readonly LearnerRow[], options: PageOptions = large): Promise<DashboardPage> {
  const dashboard = await DashboardPage.open(browser, rows, options);
  await dashboard.tell(run);
  return dashboard;
}

/** The row of the list with these words. */
const rowOf = ({ page }: DashboardPage, words: RegExp | string): Locator =>
  page.locator("adaptive-learners").getByRole("row", { name: words }).first();

describe("a learner that is looked at", () => {
  const done = learnerRow(1, { state: "done", npoints: 400, fname: "data/space.pickle" });

  test("is loading until its data, or that there is none, has come", async () => {
    const dashboard = await open([done]);
    const panel = dashboard.page.locator("adaptive-learner");
    await dashboard.page.getByText("Loading the curves…").waitFor();
    await rowOf(dashboard, "400").click();
    await panel.getByText("Loading 400 points…").waitFor();
    await dashboard.tell({ type: "noPreview", learner: done.id, why: "data/space.pickle: EOFError" });
    await panel.getByText("cannot be drawn: data/space.pickle: EOFError").waitFor();
  });

  test("that has no points yet says so, and draws no empty axes", async () => {
    const running = learnerRow(4, { state: "running" });
    const dashboard = await open([running]);
    await rowOf(dashboard, "running").click();
    const empty = {
      kind: "line" as const,
      x: [],
      y: [[]],
      xLabel: "x",
      yLabel: "y",
      bounds: [-1, 1] as [number, number],
    };
    const preview = { ...empty, npoints: 0, facts: [], errors: null };
    await dashboard.tell({ type: "preview", learner: running.id, preview });
    const panel = dashboard.page.locator("adaptive-learner");
    await panel.getByText("Waiting for its first points…").waitFor();
    expect(await panel.locator("canvas").count()).toBe(0);
    const one = { ...preview, x: [0], y: [[1]], npoints: 1 };
    await dashboard.tell({ type: "preview", learner: running.id, preview: one });
    await panel.locator("canvas").waitFor();
  });

  test("shows the whole traceback, wrapped, and the way to the line", async () => {
    const error = "LinAlgError: Singular matrix";
    const failed = learnerRow(2, { state: "failed", failures: 3, error });
    const dashboard = await open([failed]);
    await rowOf(dashboard, "failed").click();
    const frame = `  File "/home/ann/peaks/lib/helpers.py", line 7, in solve\n    ${"solve(matrix) + ".repeat(30)}\n`;
    const failure = { job: "1_0", at: 0, output: "farewell", place: "line 7 of helpers.py" };
    await dashboard.tell({
      type: "failure",
      learner: failed.id,
      failure: { ...failure, traceback: `${frame.repeat(12)}${error}` },
    });
    const traceback = dashboard.page.locator("adaptive-learner pre").first();
    await traceback.waitFor();
    expect(
      await traceback.evaluate((element) => {
        const { scrollWidth, clientWidth, scrollHeight, clientHeight } = element as unknown as Sizes;
        return { hiddenX: scrollWidth - clientWidth, hiddenY: scrollHeight - clientHeight };
      }),
    ).toEqual({ hiddenX: 0, hiddenY: 0 });
    await dashboard.page.getByRole("button", { name: "Go to line 7 of helpers.py" }).click();
    expect(dashboard.lastSaid("goToLine")).toEqual({ type: "goToLine", of: "failure" });
  });

  test("that failed before and waits again says so, with the last error", async () => {
    const dashboard = await open([learnerRow(3, { failures: 2, error: "OSError: no licence" })]);
    await rowOf(dashboard, "waiting, failed 2 times").click();
    await dashboard.page.locator("adaptive-learner").getByText("Failed 2 times: OSError: no licence").waitFor();
  });
});

describe("a list of learners", () => {
  const rows = Array.from({ length: 40 }, (_, i) =>
    learnerRow(i, {
      combo: JSON.stringify({ offset: i, method: `averaged_over_${i}` }),
      state: i % 2 === 0 ? "done" : "failed",
      npoints: 300,
      changedAt: Date.now() - i * 60_000,
    }),
  );
  const selectedIn = ({ page }: DashboardPage) =>
    page.locator('adaptive-learners [role="row"][aria-selected="true"]').count();

  test("cuts no cell off where there is room", async () => {
    const dashboard = await open(rows);
    await rowOf(dashboard, "averaged_over_10").waitFor();
    const cells = dashboard.page.locator("adaptive-learners .cell");
    const hidden = await cells.evaluateAll((all) =>
      (all as unknown as Sizes[]).map(({ scrollWidth, clientWidth }) => scrollWidth - clientWidth),
    );
    expect(Math.max(...hidden)).toBe(0);
    const heads = dashboard.page.locator('adaptive-learners [role="columnheader"] button');
    expect(await heads.allInnerTexts()).toContain("changed");
  });

  test("sorts where a header is clicked, wherever in it", async () => {
    const dashboard = await open(rows);
    const head = dashboard.page.locator('adaptive-learners [role="columnheader"]').filter({ hasText: "points" });
    const { width = 0, height = 0 } = (await head.boundingBox()) ?? {};
    await head.click({ position: { x: 3, y: height / 2 } });
    await expect.poll(() => dashboard.lastSaid("look")?.list).toMatchObject({ orderBy: "npoints", descending: false });
    await head.click({ position: { x: width - 3, y: height / 2 } });
    await expect.poll(() => dashboard.lastSaid("look")?.list).toMatchObject({ orderBy: "npoints", descending: true });
    await dashboard.page.locator('adaptive-learners [role="columnheader"]').first().click();
    await expect.poll(() => dashboard.lastSaid("look")?.list.orderBy).toBe("parameter:offset");
  });

  test("chooses several rows with Shift, Ctrl and the keyboard, without selecting text", async () => {
    const dashboard = await open(rows);
    const { page } = dashboard;
    await rowOf(dashboard, "averaged_over_2 ").click();
    await rowOf(dashboard, "averaged_over_6 ").click({ modifiers: ["Shift"] });
    await page.getByText("5 learners chosen").waitFor();
    expect(await selectedIn(dashboard)).toBe(5);
    expect(await page.evaluate("String(getSelection())")).toBe("");
    await rowOf(dashboard, "averaged_over_4 ").click({ modifiers: ["Control"] });
    await page.getByText("4 learners chosen").waitFor();
    await page.locator("adaptive-learners").getByRole("button", { name: "Retry" }).click();
    expect(dashboard.lastSaid("changeLearners")).toEqual({
      type: "changeLearners",
      verb: "retry",
      learners: [2, 3, 5, 6],
    });
    await page.locator("adaptive-learners").getByRole("grid").focus();
    await page.keyboard.press("Shift+ArrowDown");
    await page.keyboard.press("Control+a");
    await page.getByText("40 learners chosen").waitFor();
    await page.getByRole("button", { name: "Clear" }).click();
    expect(await selectedIn(dashboard)).toBe(1);
  });

  test("that nothing matches says so, with the way out, and keeps its bar in one row", async () => {
    const dashboard = await open(rows);
    const { page } = dashboard;
    const list = page.locator("adaptive-learners");
    const grid = list.locator("adaptive-grid");
    await rowOf(dashboard, "averaged_over_1 ").waitFor();
    const before = await grid.boundingBox();
    await dashboard.tell({ type: "filter", text: "", problem: "There is no parameter ofset. Did you mean offset?" });
    await list.getByText("Did you mean offset?").waitFor();
    expect(await grid.boundingBox()).toEqual(before);
    await dashboard.tell({ type: "filter", text: "offset>90", problem: null });
    await rowOf(dashboard, "averaged_over_2 ").click({ modifiers: ["Control"] });
    await list.getByText("1 learner chosen").waitFor();
    await dashboard.show([], "offset>90");
    await list.getByText("No learner matches the filter offset>90.").waitFor();
    expect(await grid.boundingBox()).toEqual(before);
    // What is not listed is not acted on, and the columns stay.
    expect(await list.getByText("1 learner chosen").count()).toBe(0);
    expect(await list.locator('[role="columnheader"]').allInnerTexts()).toContain("method");
    await list.getByRole("button", { name: "Show All" }).click();
    expect(dashboard.lastSaid("filter")).toEqual({ type: "filter", text: "" });
  });
});

test("what trying points gave stays until it is dismissed, with what to do next", async () => {
  const dashboard = await open([learnerRow(1, {})]);
  if (run.type !== "run") throw new Error("no run");
  const words = "One point of each of 3 learners took 20 ms. Proposed for each job: 1 core, walltime 0:10:00.";
  await dashboard.tell({ ...run, tried: { words, hasFailed: false, steps: ["Start Jobs", "Use Proposal"] } });
  await dashboard.page.getByText(words).waitFor();
  await dashboard.page.getByRole("button", { name: "Use Proposal" }).click();
  expect(dashboard.lastSaid("takeTried")).toEqual({ type: "takeTried", step: "Use Proposal" });
  await dashboard.page.getByRole("button", { name: "Dismiss" }).click();
  await expect.poll(() => dashboard.lastSaid("takeTried")).toEqual({ type: "takeTried", step: null });
});

test.each([
  ["as of 15:52: the connection was lost, retrying…", "as of 15:52: the connection was lost, retrying…"],
  ["offline since 15:52", "offline since 15:52."],
])("a connection that is %s ends in one stop", async (link, words) => {
  const dashboard = await open([learnerRow(1, {})]);
  if (run.type !== "run") throw new Error("no run");
  await dashboard.tell({ ...run, link, canConnect: true });
  await dashboard.page.getByText(`Connection: ${words}`, { exact: true }).waitFor();
  await dashboard.page.getByRole("button", { name: "Connect…" }).click();
  await expect.poll(() => dashboard.lastSaid("runCommand")).toEqual({ type: "runCommand", command: "connect" });
});

test("what is to be known of a run stays in sight while it goes on, as that processes take the place of MPI", async () => {
  const dashboard = await open([learnerRow(1, {})]);
  if (run.type !== "run" || run.run === null) throw new Error("no run");
  const remark = remarkOnMpi({ why: "/bin/python has no mpi4py", hint: "/bin/python -m pip install mpi4py mpich" });
  await dashboard.tell({ ...run, run: { ...run.run, remark } });
  await dashboard.page.getByText(remark).waitFor();
});

describe("buttons", () => {
  test("do not come under the pointer that has pressed another", async () => {
    const done = learnerRow(1, { state: "done", npoints: 9 });
    const dashboard = await open([done]);
    const { page } = dashboard;
    const panel = page.locator("adaptive-learner");
    const places = () =>
      Promise.all(["Retry", "Stop", "Reopen"].map((name) => panel.getByRole("button", { name }).boundingBox()));
    await rowOf(dashboard, "done").click();
    const before = await places();
    await dashboard.show([{ ...done, state: "waiting" }]);
    await panel.getByText("waiting").waitFor();
    expect(await places()).toEqual(before);

    const jobs = () =>
      Promise.all(["Stop Jobs", "Start Jobs"].map((name) => page.getByRole("button", { name }).boundingBox()));
    const going = await jobs();
    if (run.type !== "run" || run.run === null) throw new Error("no run");
    const now = Date.now();
    const finished = { at: now - 60_000, startedAt: now - 3_660_000 };
    await dashboard.tell({ ...run, run: { ...run.run, learners: { done: 4, failed: 1 }, finished } });
    await page
      .getByText(/^Finished at .*, after 60 min: 4 learners done, 1 learner failed, 1\u202f200 points\.$/)
      .waitFor();
    expect(await jobs()).toEqual(going);
    expect(await page.locator("vscode-button[disabled]", { hasText: "Stop Jobs" }).count()).toBe(1);
    const notice = page.locator(".finished");
    await notice.getByText("Those that failed go on from their data, with the study as it is now.").waitFor();
    await notice.getByRole("button", { name: "Retry 1" }).click();
    await expect.poll(() => dashboard.lastSaid("retryFailed")).toEqual({ type: "retryFailed" });
    await page.getByRole("button", { name: "Show Failed" }).click();
    await expect.poll(() => dashboard.lastSaid("look")?.list.state).toBe("failed");
  });

  test("that switch something show and say whether it is on", async () => {
    const row = learnerRow(1, { state: "done", npoints: 4 });
    const dashboard = await open([row]);
    await rowOf(dashboard, "done").click();
    const [x, y, z] = [
      [-1, 1, -1, 1],
      [-1, -1, 1, 1],
      [0, 1, 2, 3],
    ];
    const named = { xLabel: "x", yLabel: "y", zLabel: "z", npoints: 4, facts: [] };
    const bounds: [[number, number], [number, number]] = [
      [-1, 1],
      [-1, 1],
    ];
    await dashboard.tell({ type: "preview", learner: row.id, preview: { kind: "surface", x, y, z, bounds, ...named } });
    const { page } = dashboard;
    const background = () =>
      page
        .getByRole("button", { name: "Points", exact: true })
        .evaluate((element) => (globalThis as unknown as Styled).getComputedStyle(element).backgroundColor);
    const isOn = page.getByRole("button", { name: "Points", pressed: true });
    await isOn.waitFor();
    const on = await background();
    await isOn.click();
    await page.getByRole("button", { name: "Points", exact: true, pressed: false }).waitFor();
    expect(await background()).not.toBe(on);
  });
});

describe("however little room there is", () => {
  /** A plot that is as high as wide, of a run that has ended, with a parameter that is long. */
  async function openFinished(size: PageOptions): Promise<DashboardPage> {
    const combo = JSON.stringify({ offset: -0.3, method: "averaged_over_the_second_shell" });
    const row = learnerRow(1, { combo, state: "done", npoints: 3, loss: 0.046, lastJobId: asJobId("1_2") });
    const dashboard = await open([row], size);
    if (run.type !== "run" || run.run === null) throw new Error("no run");
    const finished = { at: Date.now() - 60_000, startedAt: Date.now() - 3_660_000 };
    await dashboard.tell({ ...run, run: { ...run.run, learners: { done: 20, failed: 1 }, finished } });
    await rowOf(dashboard, "done").click();
    const named = { xLabel: "x", yLabel: "y", zLabel: "z", npoints: 3, facts: [] };
    const bounds: [[number, number], [number, number]] = [
      [-1, 1],
      [-1, 1],
    ];
    const surface = { kind: "surface" as const, x: [-1, 0, 1], y: [-1, 1, -1], z: [0, 1, 0], bounds };
    await dashboard.tell({ type: "preview", learner: row.id, preview: { ...surface, ...named } });
    await dashboard.page.locator("adaptive-learner canvas").first().waitFor();
    return dashboard;
  }

  // The smallest is what a window of 1020×500 leaves beside the sidebar.
  test.each([
    { width: 1000, height: 480 },
    { width: 1020, height: 500 },
    { width: 640, height: 400 },
    { width: 700, height: 400 },
    { width: 560, height: 600 },
  ])("the learner that is looked at is in sight, and no column is cut off: %o", async (size) => {
    const dashboard = await openFinished(size);
    const plot = dashboard.page.locator("adaptive-learner canvas").first();
    const box = await plot.boundingBox();
    expect((box?.y ?? size.height) + (box?.height ?? 0)).toBeLessThanOrEqual(size.height);
    expect(box?.height).toBeGreaterThanOrEqual(80);
    await rowOf(dashboard, "done").waitFor();
    const [show, retry] = await Promise.all(
      ["Show Failed", "Retry 1"].map((name) => dashboard.page.getByRole("button", { name }).boundingBox()),
    );
    expect(retry?.y).toBe(show?.y);
    const grid = await dashboard.page.locator("adaptive-learners adaptive-grid").boundingBox();
    const heads = dashboard.page.locator('adaptive-learners [role="columnheader"]');
    const last = await heads.last().boundingBox();
    expect((last?.x ?? 0) + (last?.width ?? 0)).toBeLessThanOrEqual((grid?.x ?? 0) + (grid?.width ?? 0) + 1);
    expect(await heads.allInnerTexts()).toEqual(expect.arrayContaining(["offset", "method", "state", "points"]));
  });

  test("a column that was wide for something that is over gives the room back", async () => {
    const method = JSON.stringify({ method: "averaged_over_the_second_shell" });
    const rows = [1, 2].map((id) => learnerRow(id, { combo: method, failures: id - 1, error: "OSError: no licence" }));
    const dashboard = await open(rows);
    const width = async () =>
      (await dashboard.page.locator('adaptive-learners [data-key="state"]').first().boundingBox())?.width ?? 0;
    await rowOf(dashboard, "waiting, failed once").waitFor();
    const wide = await width();
    await dashboard.show(rows.map((row) => ({ ...row, state: "done", failures: 0, error: null })));
    await expect.poll(width).toBeLessThan(wide - 20);
  });
});

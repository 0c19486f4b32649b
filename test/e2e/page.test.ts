import type { Browser, Locator } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { LearnerRow } from "../../src/scheduler/state/rows";
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
  },
  link: null,
  notice: null,
  edit: null,
  needsUser: false,
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

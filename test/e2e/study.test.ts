import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { copyExample, colouredPixels, emptyFolder, openEditor, patienceMs, ShownTerminal } from "./editor";

const within = { timeout: patienceMs, interval: 200 };
const fewOffsets = ["offset=[-0.3, -0.2, -0.1, 0.0, 0.1, 0.2, 0.3]", "offset=[-0.2, 0.0]"] as const;
const sleeping = (seconds: string) => ["time.sleep(SECONDS_PER_POINT)", `time.sleep(${seconds})`] as const;

test("a study from the welcome view to done", async () => {
  // It takes minutes until what is to be seen while it runs was seen.
  const folder = await copyExample([
    fewOffsets,
    sleeping('0.001 if Path("quickly").exists() else 0.05'),
    ["import time\n", "import time\nfrom pathlib import Path\n"],
  ]);
  const editor = await openEditor(folder, undefined, join(folder, "_learners.py"));
  await editor.sidebar.getByText("This folder has a study").waitFor();
  await editor.page.getByRole("tab", { name: "_learners.py" }).waitFor();
  await editor.keepScreenshot("welcome");

  await editor.startJobs();
  await editor.treeRow(/^Running/).waitFor();
  await editor.treeRow(/^offset=.*coupling=/).waitFor();
  await editor.treeRow(/array of 2/).waitFor();
  await editor.statusBar.getByText(/peaks .*▶/).waitFor();
  await editor.keepScreenshot("running");

  await editor.runCommand("Adaptive: Show Progress");
  const { webview } = editor;
  await webview.getByRole("img", { name: /^Learners: .*done/ }).waitFor();
  await webview.getByRole("img", { name: /^Points over time: now [1-9]/ }).waitFor();
  await webview
    .locator("adaptive-learners")
    .getByRole("row", { name: /running/ })
    .first()
    .click();
  const curve = webview.locator("adaptive-learner canvas");
  await expect.poll(() => colouredPixels(curve), within).toBeGreaterThan(1000);
  await webview
    .locator("adaptive-learner .facts")
    .getByText(/[1-9]\d\d\s*points/)
    .waitFor();
  await editor.keepScreenshot("dashboard");

  // The learner's own part of what its job prints, to its end without being asked for again.
  await webview.locator("adaptive-learner").getByRole("button", { name: "Show Output" }).click();
  const output = editor.page.locator(".editor-instance .view-line");
  await output.getByText(/learner.\d+.*started$/).waitFor();
  await writeFile(join(folder, "quickly"), "");
  await output.getByText(/learner.\d+.*,.done$/).waitFor();
  await editor.keepScreenshot("output");
  await editor.page.getByRole("tab", { name: "peaks · Adaptive" }).click();
  await webview.getByRole("img", { name: "Learners: 8 done" }).waitFor();
  await editor.treeRow(/^Done\s*8/).waitFor();
  await editor.statusBar.getByText(/peaks 8✓/).waitFor();
  await webview.getByText(/^Finished at .*: 8 learners done, none failed, /).waitFor();
  await editor.keepScreenshot("done");
  expect(await readdir(join(folder, "data"))).toHaveLength(8);
});

test("stopping the jobs keeps what they have, learners are filtered and stopped, starting goes on", async () => {
  const folder = await copyExample([fewOffsets, sleeping("0.5")]);
  const editor = await openEditor(folder);
  await editor.openView("Adaptive");
  await editor.startJobs();
  await editor.treeRow(/^offset=.*[1-9]\d* pts/).waitFor();

  await editor.runCommand("Adaptive: Stop Jobs");
  await editor.treeRow(/^Waiting\s*8/).waitFor();
  await expect.poll(() => readdir(join(folder, "data")), within).toHaveLength(2);
  await editor.keepScreenshot("stopped");

  await editor.runCommand("Adaptive: Show Progress");
  const list = editor.webview.locator("adaptive-learners");
  const filterBox = list.getByRole("searchbox", { name: "Filter learners" });
  await filterBox.fill("ofset<0");
  await list.getByText("Did you mean offset?").waitFor();
  await editor.keepScreenshot("filter with a problem");
  await filterBox.fill("offset<0 coupling >= 0.06");
  await list.getByText("3 of 8").waitFor();
  await editor.treeRow(/^Waiting\s*3/).waitFor();
  await editor.sidebar.getByText("filter: offset<0 coupling >= 0.06").waitFor();
  await list.getByRole("button", { name: "Stop 3" }).click();
  await editor.answer("Stop 3 learners");
  await editor.treeRow(/^Stopped\s*3/).waitFor();
  await list.getByRole("button", { name: "Retry 3" }).waitFor();
  await editor.keepScreenshot("filtered");

  await list.getByRole("button", { name: "CSV" }).click();
  const input = editor.page.locator(".quick-input-widget .quick-input-box input");
  await expect.poll(() => input.inputValue(), within).toMatch(/peaks_learners\.csv$/);
  await editor.page.keyboard.press("Enter");
  const table = () => readFile(join(folder, "peaks_learners.csv"), "utf8").catch(() => "");
  await expect
    .poll(async () => (await table()).split("\r\n").slice(0, 2), within)
    .toEqual([
      "id,fname,offset,coupling,state,npoints,loss,failures,error",
      expect.stringMatching(/^1,data.*pickle,-0.2,0.06,stopped,\d+,[\d.]*,0,$/),
    ]);

  await editor.runCommand("Adaptive: Filter Learners…");
  await input.fill("state=stoped");
  await editor.page.getByText("Did you mean stopped?").waitFor();
  await input.fill("state=waiting");
  await editor.page.getByText("5 of 8 learners").waitFor();
  await editor.keepScreenshot("filter as it is typed");
  await editor.page.keyboard.press("Enter");
  await editor.treeRow(/^Waiting\s*5/).waitFor();
  await expect.poll(() => filterBox.inputValue(), within).toBe("state=waiting");
  await editor.runCommand("Adaptive: Clear Filter");
  await editor.treeRow(/^Stopped\s*3/).waitFor();

  await editor.startJobs();
  await editor.treeRow(/^Running\s*2/).waitFor();
  await editor.chooseFor(editor.treeRow(/^\d+_\d+running/), "Cancel…");
  await editor.keepScreenshot("cancel a job");
  await editor.answer("Cancel Job");
  await editor.treeRow(/^Ended\s*3/).waitFor();
});

test("an empty folder gets an example study that runs, beside what is there; its terminals know the program", async () => {
  const folder = await emptyFolder();
  const editor = await openEditor(folder);
  await editor.openView("Adaptive");
  await editor.sidebar.getByText("This folder has no study yet.").waitFor();
  await editor.keepScreenshot("no study");
  await editor.sidebar.getByRole("button", { name: "Create Example Study" }).click();
  await editor.page.locator(".editor-instance .view-line").getByText("A first study").waitFor();
  await editor.sidebar.getByText("This folder has a study").waitFor();
  await editor.keepScreenshot("example study");
  await editor.startJobs();
  await editor.treeRow(/^Done\s*6/).waitFor();

  const learnersFile = join(folder, "_learners.py");
  await writeFile(learnersFile, "# mine\n");
  await editor.runCommand("Adaptive: Create Example Study");
  await expect
    .poll(() => readdir(join(folder, "example-study")).catch(() => []), within)
    .toEqual(["_learners.py", "adaptive.json"]);
  expect(await readFile(learnersFile, "utf8")).toBe("# mine\n");
  // It opens its file once that is written, and would take the focus from a terminal.
  await editor.page.locator(".breadcrumbs-control").getByText("example-study").waitFor();

  await editor.runCommand("Terminal: Create New Terminal");
  const terminal = new ShownTerminal(editor);
  await terminal.type("adaptive-scheduler --help | head -3; adaptive-scheduler status");
  await terminal.shows(/^Usage: adaptive-scheduler COMMAND/m);
  await terminal.shows(/6 done/);
  await editor.keepScreenshot("the program in a terminal");
});

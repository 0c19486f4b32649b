import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { clickRow, copyExample, openEditor, patienceMs } from "./editor";

const within = { timeout: patienceMs, interval: 200 };
const theSleep = "    time.sleep(SECONDS_PER_POINT)";

test("a first point that fails is seen before 28 learners start; corrected, it proposes what the jobs should ask for", async () => {
  const folder = await copyExample([[theSleep, `    level = 1 / (energy + 1)\n${theSleep}`]]);
  const editor = await openEditor(folder);
  const { page, webview } = editor;
  const toast = page.locator(".notification-toast");
  await editor.openView("Adaptive");
  await editor.sidebar.getByText("This folder has a study").waitFor();

  await editor.openStartForm();
  await editor.keepScreenshot("try one point, offered");
  await editor.pick("Try One Point First");
  await toast.getByText(/ZeroDivisionError: .* in transmission at x = -1\.0\. 2 other learners failed too\./).waitFor();
  await webview
    .locator("adaptive-learner pre")
    .getByText(/peaks\/_learners\.py", line \d+, in transmission/)
    .waitFor();
  await editor.treeRow(/^Waiting\s*28/).waitFor();
  await editor.treeRow(/tries one point|^Ended/).waitFor();
  await editor.keepScreenshot("try one point, failed");

  await toast.getByRole("button", { name: "Show Traceback" }).click();
  await page.locator(".editor-instance .view-line").getByText("level = 1 / (energy + 1)").waitFor();
  await editor.keepScreenshot("try one point, traceback");

  const learnersFile = join(folder, "_learners.py");
  const source = await readFile(learnersFile, "utf8");
  await writeFile(learnersFile, source.replace("1 / (energy + 1)", "1 / (energy + 2)"));
  await editor.runCommand("Adaptive: Try One Point");
  await toast
    .getByText(/One point of each of 3 learners took .* MB\. 300 points of .* Proposed for each job:/)
    .waitFor();
  await webview
    .locator("adaptive-learner .tried")
    .getByText(/f\(-1\.0\) = 0\.04/)
    .waitFor();
  await editor.keepScreenshot("try one point, proposal");

  // The message may be gone by now: the dashboard still says it.
  await webview.getByText(/^One point of each of 3 learners took .* Proposed for each job:/).waitFor();
  await webview.getByRole("button", { name: "Use Proposal" }).click();
  await webview.getByText(/^One point of each/).waitFor({ state: "hidden" });
  const used = toast.filter({ hasText: "adaptive.json now asks for 1 core and a walltime of 0:10:00." });
  await used.waitFor();
  await expect.poll(() => readFile(join(folder, "adaptive.json"), "utf8"), within).toContain('"walltime": "0:10:00"');
  await editor.keepScreenshot("try one point, proposal used");
  await used.getByRole("button", { name: "Start Jobs" }).click();
  await editor.quickPickRows.filter({ hasText: /Walltime.*0:10:00 · adaptive\.json/ }).waitFor();
  await page.keyboard.press("Enter");
  await editor.treeRow(/^Running\s*2/).waitFor();
});

test("a point that takes too long is cancelled; of chosen learners only those are tried", async () => {
  const folder = await copyExample([
    ["offset=[-0.3, -0.2, -0.1, 0.0, 0.1, 0.2, 0.3]", "offset=[-0.2, 0.0]"],
    ["SECONDS_PER_POINT = 0.01", "SECONDS_PER_POINT = 1000"],
  ]);
  const editor = await openEditor(folder);
  await editor.openView("Adaptive");
  await editor.runCommand("Adaptive: Try One Point");
  await editor.treeRow(/running \d/).waitFor();
  await editor.keepScreenshot("try one point, running");
  // A view shows its actions to the pointer.
  await editor.treeRow(/^Waiting/).hover();
  await editor.sidebar.getByRole("button", { name: "Cancel Trying One Point" }).click();
  await editor.treeRow(/^Ended\s*1/).waitFor();

  const learnersFile = join(folder, "_learners.py");
  const source = await readFile(learnersFile, "utf8");
  await writeFile(learnersFile, source.replace("SECONDS_PER_POINT = 1000", "SECONDS_PER_POINT = 0.3"));
  await clickRow(editor.treeRow(/^Waiting/));
  await editor.chooseFor(editor.treeRow(/^offset=-0\.2, coupling=0\.06/), "Try One Point");
  await editor.page
    .locator(".notification-toast")
    .getByText(/^The point took 300 ms, \d+ MB\./)
    .waitFor();
  await editor.keepScreenshot("try one point, of one learner");
});

import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { clickRow, copyExample, openEditor } from "./editor";

const twoOffsets = ["offset=[-0.3, -0.2, -0.1, 0.0, 0.1, 0.2, 0.3]", "offset=[-0.2, 0.0]"] as const;
const quickly = ["SECONDS_PER_POINT = 0.01", "SECONDS_PER_POINT = 0.001"] as const;

test("a study that is edited, corrected and given a new goal during its run", async () => {
  const folder = await copyExample([twoOffsets, quickly]);
  const edit = async (name: string, from: string, to: string) => {
    const text = await readFile(join(folder, name), "utf8");
    expect(text).toContain(from);
    await writeFile(join(folder, name), text.replace(from, to));
  };
  await edit("adaptive.json", '"npoints": 300', '"npoints": 40');
  const editor = await openEditor(folder);
  const { page, sidebar, webview, dialog } = editor;
  const banner = "The study was edited since these jobs were started.";
  await editor.openView("Adaptive");
  await editor.startJobs();
  await editor.treeRow(/^Done\s*8/).waitFor();
  expect(await sidebar.getByText(banner).count()).toBe(0);

  await edit("_learners.py", "offset=[-0.2, 0.0]", "offset=[-0.2, 0.1]");
  await sidebar.getByText(banner).waitFor();
  await webview.getByText(banner).waitFor();
  await editor.keepScreenshot("edited");
  await webview.getByRole("button", { name: "Update Run…" }).click();
  await dialog.getByText("The study was edited: 4 new, 4 gone (their data stays). Update the run?").waitFor();
  await editor.keepScreenshot("edited, what an update does");
  await editor.answer("Update");
  await editor.treeRow(/^Removed\s*4/).waitFor();
  await editor.treeRow(/^Done\s*8/).waitFor();
  await sidebar.getByText(banner).waitFor({ state: "hidden" });

  await edit("adaptive.json", '"npoints": 40 }', '"npoints": 60 }, "maxFailures": 1');
  const newSettings = "adaptive.json was edited since these jobs were started. Start Jobs takes that in.";
  await sidebar.getByText(newSettings).waitFor();
  await webview.getByText(newSettings).waitFor();
  await editor.keepScreenshot("edited settings");
  await edit(
    "_learners.py",
    "    leads =",
    '    if offset > 0: raise ValueError(f"no level at {offset}")\n    leads =',
  );
  await editor.startJobs();
  await dialog.getByText("8 of 8 done learners miss the goal. Continue those?").waitFor();
  await editor.keepScreenshot("a new goal");
  await editor.answer("Continue Those");
  await editor.treeRow(/^Failed\s*4/).waitFor();
  await clickRow(editor.treeRow(/^offset=0\.1.*ValueError/));
  await webview.getByLabel("Traceback").getByText("ValueError: no level at 0.1").waitFor();
  await editor.keepScreenshot("failed");

  await edit("_learners.py", "if offset > 0: raise", "if offset > 1: raise");
  await editor.chooseFor(editor.treeRow(/^Failed\s*4/), "Retry Learners");
  await editor.answer("Retry 4 learners");
  await editor.treeRow(/^Done\s*8/).waitFor();

  await editor.runCommand("Adaptive: Reopen Learners");
  await editor.quickPickRows.filter({ hasText: "offset=-0.2" }).first().waitFor();
  await editor.keepScreenshot("which learners to open again");
  await page.keyboard.press("Escape");

  await edit("adaptive.json", '"npoints": 60', '"npoints": 80');
  await edit("_learners.py", "offset=[-0.2, 0.1]", "offset=[-0.2, 0.2]");
  await editor.startJobs();
  await dialog.getByText("The study was edited: 4 new, 4 gone (their data stays). Update the run?").waitFor();
  await editor.keepScreenshot("edited, old code or new");
  await editor.answer("Keep Old Code");
  await dialog.getByText("8 of 8 done learners miss the goal. Continue those?").waitFor();
  await editor.answer("Leave Them Done");
  await editor.treeRow(/^Done\s*8/).waitFor();

  await edit("_learners.py", "import adaptive\n", "import adaptive\n1 / 0\n");
  await sidebar.getByText(banner).waitFor();
  await editor.startJobs();
  const toast = page.locator(".notification-toast");
  await toast.getByText(/_learners\.py:\d+: ZeroDivisionError.* The run goes on with the code it has\./).waitFor();
  await editor.keepScreenshot("edited, but broken");
});

import { cp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { python } from "../../scripts/setup.mjs";
import { clickRow, copyExample, openEditor, program } from "./editor";

test("two runs of a workspace: switched, their learners told what to do, one deleted, and one copied", async () => {
  const peaks = await copyExample([
    ["offset=[-0.3, -0.2, -0.1, 0.0, 0.1, 0.2, 0.3]", "offset=[-0.2, 0.0]"],
    ["SECONDS_PER_POINT = 0.01", "SECONDS_PER_POINT = 0.001"],
  ]);
  const workspace = dirname(peaks);
  const studyFile = join(peaks, "adaptive.json");
  await writeFile(studyFile, (await readFile(studyFile, "utf8")).replace('"npoints": 300', '"npoints": 10'));
  const sweep = join(workspace, "sweep");
  await cp(peaks, sweep, { recursive: true });
  const learners = (folder: string) => ["--learners", join(folder, "_learners.py"), "--cluster", "local"];
  for (const step of [
    ["run", ...learners(peaks), "--python", python],
    ["init", ...learners(sweep), "--python", python],
  ])
    expect(await program(...step)).toMatchObject({ exitCode: 0 });

  const editor = await openEditor(workspace);
  const { page, sidebar, dialog, statusBar, webview } = editor;
  await statusBar.getByText(/sweep 8◷/).waitFor();
  await editor.openView("Adaptive");
  await editor.treeRow(/^Waiting\s*8/).waitFor();
  await editor.runCommand("Adaptive: Switch Run");
  await editor.quickPickRows.filter({ hasText: /peaks.*8 of 8 done/ }).waitFor();
  await editor.keepScreenshot("switch run");
  await editor.pick(peaks);
  await editor.treeRow(/^Done\s*8/).waitFor();
  await statusBar.getByText(/peaks 8✓/).waitFor();

  await sidebar.getByText("this computer · peaks · finished").waitFor();
  // So that what is opened again waits.
  await program("stop", peaks);
  await editor.runCommand("Adaptive: Show Progress");
  await webview.getByText("8 done").waitFor();
  await editor.runCommand("Adaptive: Switch Run");
  await editor.pick(sweep);
  await statusBar.getByText(/sweep 8◷/).waitFor();
  await page.getByRole("tab", { name: "sweep · Adaptive" }).waitFor();
  await editor.runCommand("View: Move Editor into Right Group");
  const ofPeaks = page.locator("iframe.webview.ready").first().contentFrame().frameLocator("iframe#active-frame");
  await ofPeaks.getByText("The sidebar shows another run.").waitFor();
  await editor.keepScreenshot("two dashboards");
  await ofPeaks.getByRole("button", { name: "Show This Run" }).click();
  await statusBar.getByText(/peaks 8✓/).waitFor();
  await ofPeaks.getByText("8 done").waitFor();

  await clickRow(editor.treeRow(/^Done\s*8/));
  const learner = editor.treeRow(/^offset=-0\.2, coupling=0\.06/);
  await editor.chooseFor(learner, "Reopen Learners");
  await clickRow(editor.treeRow(/^Waiting\s*1/));
  await editor.chooseFor(learner, "Stop Learners");
  await clickRow(editor.treeRow(/^Stopped\s*1/));
  await learner.click({ button: "right" });
  await page.getByRole("menuitem", { name: "Retry Learners" }).waitFor();
  await editor.keepScreenshot("menu of a stopped learner");
  await page.keyboard.press("Escape");
  await editor.chooseFor(learner, "Retry Learners");
  await editor.treeRow(/^Waiting\s*1/).waitFor();

  await editor.runCommand("Adaptive: Delete Run");
  await dialog.getByText("Delete the run peaks?").waitFor();
  await dialog.getByText(/Its state is \d+ files \(.*kB\); the learners' data is 8 files \(.*kB\)\./).waitFor();
  await editor.keepScreenshot("delete run");
  await editor.answer("Delete Run and Data");
  await editor.treeRow(/^Waiting\s*8/).waitFor();
  await statusBar.getByText(/sweep 8◷/).waitFor();
  await ofPeaks.getByText("This run is gone").waitFor();
  expect(await readdir(peaks)).not.toContain(".adaptive");
  expect(await readdir(join(peaks, "data"))).toEqual([]);
  const trash = join(peaks, ".adaptive-trash");
  const [deleted = ""] = (await readdir(trash)).filter((name) => name.startsWith("peaks-"));
  expect(await readdir(join(trash, deleted))).toEqual(expect.arrayContaining([".adaptive", "data"]));

  await cp(sweep, join(workspace, "again"), { recursive: true });
  await sidebar.getByText("This run was copied from another place").waitFor();
  await editor.keepScreenshot("a copied run");
  await sidebar.getByText("Use as New Run").click();
  await editor.treeRow(/^Waiting\s*8/).waitFor();
  await statusBar.getByText(/again 8◷/).waitFor();

  await program("stop", sweep, "--shut-down");
  await cp(sweep, join(workspace, "restored"), { recursive: true });
  await rm(sweep, { recursive: true });
  await sidebar.getByText("It Is a Restored Backup").click();
  await statusBar.getByText(/restored 8◷/).waitFor();
  await editor.treeRow(/^Waiting\s*8/).waitFor();
  await editor.keepScreenshot("a restored backup");
});

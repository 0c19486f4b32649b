import { readFile, rm, symlink } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { root, tryRun } from "../../scripts/steps.mjs";
import { copyExample, openEditor, patienceMs, program } from "./editor";

const within = { timeout: patienceMs, interval: 200 };
const twoOffsets = ["offset=[-0.3, -0.2, -0.1, 0.0, 0.1, 0.2, 0.3]", "offset=[-0.2, 0.0]"] as const;

test("a start with a goal that is typed, its job script seen before, and the next one remembers", async () => {
  const folder = await copyExample([twoOffsets]);
  const editor = await openEditor(folder);
  await editor.openView("Adaptive");
  await editor.sidebar.getByText("This folder has a study").waitFor();
  const { page } = editor;
  const row = (text: RegExp) => editor.quickPickRows.filter({ hasText: text }).first();

  await editor.openStartForm();
  await row(/^Goal.*300 points · adaptive\.json/).waitFor();
  await row(/Cores per job.*1 · adaptive\.json/).waitFor();
  await editor.keepScreenshot("start form");

  await editor.pick("Goal");
  // The list that was there before has an input of its own.
  await page.locator(".quick-input-title").getByText("Start Jobs: Goal").waitFor();
  const input = page.locator(".quick-input-widget .quick-input-box input");
  await input.fill("many points");
  await page
    .locator(".quick-input-message")
    .getByText(/expected 100 points/)
    .waitFor();
  await editor.keepScreenshot("start form, a wrong goal");
  await input.fill("30 points");
  await page.keyboard.press("Enter");
  await row(/^Goal.*30 points · typed/).waitFor();
  await row(/Reset Goal.*300 points · adaptive\.json/).waitFor();

  await editor.pick("Preview Job Script");
  await page.locator(".editor-instance .view-line").getByText("ADAPTIVE_RUN_DIR").first().waitFor();
  // The form is still there, before the script.
  await row(/^Goal.*30 points · typed/).waitFor();
  await row(/^Try One Point First.*recommended/).waitFor();
  await editor.keepScreenshot("start form, job script");
  await page.keyboard.press("Enter");
  await editor.treeRow(/^Done\s*8/).waitFor();

  await editor.openStartForm();
  await row(/^Goal.*30 points · typed/).waitFor();
  await editor.pick("Reset Goal");
  await row(/^Goal.*300 points · adaptive\.json/).waitFor();
  await editor.keepScreenshot("start form, reset");
  await editor.pick("Start Jobs");
  await expect
    .poll(async () => (await program("config", folder)).output, within)
    .toMatch(/goal +300 points +.*adaptive\.json:2/);
});

/** A study whose Python is set to one without packages; the one beside it is found, and would be taken were none set. */
async function openWithBarePython() {
  const folder = await copyExample([twoOffsets]);
  const bare = join(folder, "..", "bare");
  await tryRun("python3", ["-m", "venv", "--without-pip", bare]);
  await symlink(join(root, ".venv"), join(folder, ".venv"));
  const editor = await openEditor(folder, { local: { python: join(bare, "bin/python") } });
  await editor.openView("Adaptive");
  await editor.sidebar.getByText("This folder has a study").waitFor();
  return { folder, editor };
}

test("a Python that lacks adaptive is said so, another is chosen, and the start goes on", async () => {
  const { folder, editor } = await openWithBarePython();
  await editor.startJobs();
  await editor.dialog.getByText(/bare\/bin\/python has no adaptive, pyzmq, cloudpickle/).waitFor();
  await editor.dialog.getByRole("button", { name: "Copy Command" }).waitFor();
  await editor.dialog.getByRole("button", { name: "Make an Environment…" }).waitFor();
  await editor.keepScreenshot("a Python that lacks adaptive");
  await editor.answer("Choose Python…");
  const rows = editor.quickPickRows;
  await rows.filter({ hasText: /beside the study.*adaptive 1\./ }).waitFor();
  await rows.filter({ hasText: /as it is set now.*without adaptive, pyzmq, cloudpickle/ }).waitFor();
  await editor.keepScreenshot("choose Python");
  await editor.pick("beside the study");
  await editor.treeRow(/^Running|^Done\s*8/).waitFor();
  expect(await readFile(join(folder, ".vscode/settings.json"), "utf8")).toContain(
    '"adaptive.python": ".venv/bin/python"',
  );
  await editor.treeRow(/^Done\s*8/).waitFor();
  expect(await editor.page.locator(".notification-toast").filter({ hasText: "has no adaptive" }).count()).toBe(0);
});

test("trying one point goes on too, once another Python was chosen", async () => {
  const { editor } = await openWithBarePython();
  await editor.runCommand("Adaptive: Try One Point");
  await editor.dialog.getByText(/bare\/bin\/python has no adaptive, pyzmq, cloudpickle/).waitFor();
  await editor.answer("Choose Python…");
  await editor.pick("beside the study");
  await editor.webview.getByText(/^One point of each of 3 learners took /).waitFor();
  await editor.treeRow(/^Waiting\s*8/).waitFor();
});

test("adaptive.json is completed and checked as it is written", async () => {
  const folder = await copyExample([twoOffsets]);
  await rm(join(folder, "adaptive.json"));
  const editor = await openEditor(folder);
  const { page } = editor;
  await editor.openView("Adaptive");
  await editor.sidebar.getByText("This folder has a study").waitFor();
  await editor.openStartForm();
  await editor.pick("Create adaptive.json");
  const suggestions = page.locator(".suggest-widget.visible");
  // What VS Code suggests by itself it forgets when its JSON server is still starting: then one asks.
  const goal = suggestions.getByText("goal", { exact: true }).first();
  const isShown = () =>
    goal.waitFor({ timeout: 3000 }).then(
      () => true,
      () => false,
    );
  while (!(await isShown())) {
    await page.keyboard.press("Escape");
    await page.keyboard.press("Control+Space");
  }
  for (const name of ["goal", "maxFailures", "saveEverySeconds"]) {
    await suggestions.getByText(name, { exact: true }).first().waitFor();
  }
  await editor.keepScreenshot("adaptive.json, completed");
  await page.keyboard.press("Escape");
  await page.keyboard.insertText('"retires": 2');
  await page.locator(".squiggly-warning, .squiggly-error").first().waitFor();
  await editor.keepScreenshot("adaptive.json, checked");

  await page.keyboard.press("Control+s");
  await editor.runCommand("Adaptive: Start Jobs");
  const toast = page.locator(".notification-toast");
  await toast.getByText("adaptive.json:2: retires: there is no such setting; did you mean retries?").waitFor();
  await toast.getByRole("button", { name: "Open File" }).waitFor();
  await editor.keepScreenshot("adaptive.json, refused");
});

test("a user setting that is wrong is named, and opened", async () => {
  const editor = await openEditor(await copyExample([twoOffsets]), { local: { maxJobs: "many" } });
  const { page } = editor;
  await editor.openView("Adaptive");
  await editor.sidebar.getByText("This folder has a study").waitFor();
  await editor.runCommand("Adaptive: Start Jobs");
  const words = "The user setting adaptive.clusters: local.maxJobs: expected a whole number above 0";
  await page.locator(".notification-toast").getByText(words).waitFor();
  await editor.keepScreenshot("a wrong user setting");
  await page.locator(".notification-toast").getByRole("button", { name: "Open Settings" }).click();
  await page.locator(".editor-instance .view-line").getByText("maxJobs").waitFor();
});

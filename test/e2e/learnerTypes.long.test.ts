import { expect, test } from "vitest";
import { clickRow, colouredPixels, copyExample, openEditor, patienceMs } from "./editor";

const within = { timeout: patienceMs, interval: 200 };

/** Each learner of the example, and what its plot says of itself. */
const kinds: Record<string, RegExp> = {
  curve: /x from -1 to 1; y from/,
  vector: /y\[0\] from .*; y\[1\] from/,
  surface: /x from -1 to 1; y from -1 to 1; z from/,
  space: /points.*from -1 to 1.*from -1 to 1.*from -1 to 1/,
  average: /a histogram of \d+ bins/,
  "averaged curve": /x from -1 to 1; y from/,
  integral: /x from -1 to 1; y from .*integral/,
  sequence: /100 of 100 entries/,
  several: /\d+ points/,
  "with extra data": /x from -1 to 1/,
};

test("a study with every type of learner, from Start Jobs to a plot of each", async () => {
  const folder = await copyExample([], "kinds");
  const editor = await openEditor(folder);
  await editor.openView("Adaptive");
  await editor.startJobs();
  await editor.treeRow(/^Done\s*10/).waitFor();
  const { webview } = editor;
  await clickRow(editor.treeRow(/^Done\s*10/));
  await editor.treeRow(/^kind=curve/).waitFor();
  for (const [kind, words] of Object.entries(kinds)) {
    await clickRow(editor.treeRow(new RegExp(`^kind=${kind}\\s*[0-9]`)));
    await webview.getByRole("heading", { name: `kind=${kind}`, exact: true }).waitFor();
    const plot = webview.locator("adaptive-learner").getByRole("img", { name: words }).first();
    await plot.waitFor();
    const canvas = webview.locator("adaptive-learner canvas").first();
    await expect.poll(() => colouredPixels(canvas), within).toBeGreaterThan(200);
    await editor.keepScreenshot(`kind ${kind}`);
  }
  await webview.getByText("Show data as table").first().click();
  await webview.locator("adaptive-learner adaptive-grid").getByRole("row").nth(5).waitFor();
  await editor.keepScreenshot("kind as table");
});

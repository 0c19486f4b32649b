import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { copyExample, openEditor } from "./editor";

test("a study whose every job dies at once: the dashboard says why and what to do, and it goes on once mended", async () => {
  const dying = `import os\nif "ADAPTIVE_JOB_ID" in os.environ and not os.path.exists("licence"):\n    raise OSError("no licence")\n`;
  const folder = await copyExample([
    ["offset=[-0.3, -0.2, -0.1, 0.0, 0.1, 0.2, 0.3]", "offset=[-0.2, 0.0]"],
    ["time.sleep(SECONDS_PER_POINT)", "time.sleep(0.001)"],
    ["import time\n", `import time\n${dying}`],
  ]);
  const editor = await openEditor(folder);
  await editor.openView("Adaptive");
  await editor.startJobs();
  const toast = editor.page.locator(".notification-toast");
  await toast
    .getByText(
      /^peaks is paused and needs you\. The last 5 jobs ended .*OSError: no licence.* then start the jobs again\.$/,
    )
    .waitFor();
  await toast.getByRole("button", { name: "Don't Show Again" }).waitFor();
  await editor.treeRow(/^Paused, needs you\s*The last 5 jobs ended/).waitFor();
  await editor.statusBar.getByText("peaks 8◷ · paused, needs you").waitFor();
  await editor.keepScreenshot("deaths, told");
  await editor.runCommand("Adaptive: Show Progress");
  const notice = editor.webview.getByRole("status");
  await notice.getByText(/The last 5 jobs ended before they asked for a learner.*OSError: no licence/s).waitFor();
  await notice.getByText(/then start the jobs again/).waitFor();
  await editor.keepScreenshot("deaths");

  await editor.page.reload();
  await editor.treeRow(/^Paused, needs you/).waitFor();

  await writeFile(join(folder, "licence"), "");
  await editor.startJobs();
  await toast.getByText("peaks is finished: 8 learners done.").waitFor();
  // By now what was told before the window was loaded anew would be told again.
  expect(await toast.getByText("needs you").count()).toBe(0);
  await editor.treeRow(/^Finished/).waitFor();
  await editor.statusBar.getByText("peaks 8✓ · finished").waitFor();
  await editor.webview.getByRole("img", { name: "Learners: 8 done" }).waitFor();
  await editor.keepScreenshot("finished, told");
});

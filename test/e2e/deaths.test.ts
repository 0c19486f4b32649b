import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "vitest";
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
  await editor.startJobs({ isNew: true });
  await editor.runCommand("Adaptive: Show Progress");
  const notice = editor.webview.getByRole("status");
  await notice.getByText(/The last 5 jobs ended before they asked for a learner.*OSError: no licence/s).waitFor();
  await notice.getByText(/then start the jobs again/).waitFor();
  await editor.keepScreenshot("deaths");

  await writeFile(join(folder, "licence"), "");
  await editor.startJobs({ isNew: false });
  await editor.webview.getByRole("img", { name: "Learners: 8 done" }).waitFor();
});

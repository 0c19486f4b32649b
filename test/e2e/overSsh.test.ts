import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { python } from "../../scripts/setup.mjs";
import { copyExample, openEditor, patienceMs } from "./editor";
import { createCluster } from "./sshCluster";

const smaller = [
  ["offset=[-0.3, -0.2, -0.1, 0.0, 0.1, 0.2, 0.3]", "offset=[-0.2, 0.0]"],
  ["time.sleep(SECONDS_PER_POINT)", "time.sleep(0.001)"],
] as const;

test(
  "a cluster is picked, and Start Jobs does the rest over SSH; the data comes down, the scheduler is removed",
  { timeout: 600_000 },
  async () => {
    const home = await createCluster();
    const folder = await copyExample(smaller);
    const editor = await openEditor(folder, { hpc: { python, queue: "local" } });
    await editor.openView("Adaptive");
    await editor.runCommand("Adaptive: Start Jobs");
    await editor.pick("hpc");
    await editor.page.locator(".quick-input-title").getByText("Start Jobs: peaks on hpc").waitFor();
    await editor.keepScreenshot("over SSH, start form");
    await editor.page.keyboard.press("Enter");
    await editor.dialog.getByText("Send this study to hpc?").waitFor();
    await editor.keepScreenshot("over SSH, what is sent");
    await editor.answer("Send");
    await editor.treeRow(/^Done\s*8/).waitFor();
    await editor.keepScreenshot("over SSH, done");
    expect(await readdir(join(home, "adaptive-runs/peaks/data"))).toHaveLength(8);

    await editor.runCommand("Adaptive: Download Data");
    await editor.answer("Download");
    await editor.page.locator(".notification-toast").getByText("Downloaded 8 files.").waitFor({ timeout: patienceMs });
    expect(await readdir(join(folder, "data"))).toHaveLength(8);

    // What is saved here is not there yet, until a command that needs it sends it.
    const there = join(home, "adaptive-runs/peaks/_learners.py");
    const learners = await readFile(join(folder, "_learners.py"), "utf8");
    await writeFile(join(folder, "_learners.py"), learners.replace("offset=[-0.2, 0.0]", "offset=[-0.2, 0.1]"));
    await editor.sidebar.getByText("The study was edited since these jobs were started.").waitFor();
    await editor.keepScreenshot("over SSH, edited");
    expect(await readFile(there, "utf8")).not.toContain("[-0.2, 0.1]");
    await editor.runCommand("Adaptive: Update Run");
    await editor.dialog.getByText("The study was edited: 4 new, 4 gone (their data stays). Update the run?").waitFor();
    expect(await readFile(there, "utf8")).toContain("[-0.2, 0.1]");
    await editor.answer("Update");
    await editor.treeRow(/^Removed\s*4/).waitFor();
    await editor.sidebar.getByText("The study was edited").waitFor({ state: "hidden" });
    await editor.treeRow(/^Done\s*8/).waitFor();

    // On another computer, where nothing is known of it.
    const elsewhere = await openEditor(await copyExample(smaller), { hpc: { python, queue: "local" } });
    await elsewhere.openView("Adaptive");
    await elsewhere.sidebar.getByText("This folder has a study").waitFor();
    await elsewhere.runCommand("Adaptive: Switch Run");
    await elsewhere.quickPickRows.filter({ hasText: "Look on hpc" }).waitFor();
    await elsewhere.keepScreenshot("over SSH, runs started from elsewhere");
    await elsewhere.pick("Look on hpc");
    await elsewhere.treeRow(/^Done\s*8/).waitFor();
    await elsewhere.sidebar.getByText("hpc · peaks").waitFor();

    await editor.runCommand("Adaptive: Collect Diagnostics");
    await editor.page.locator(".monaco-editor .view-lines").getByText("Adaptive diagnostics").waitFor();
    await editor.keepScreenshot("diagnostics");

    await editor.runCommand("Adaptive: Remove Scheduler from Cluster");
    await editor.answer("Remove");
    await editor.page.locator(".notification-toast").getByText("Removed from hpc.").waitFor({ timeout: patienceMs });
    await expect.poll(() => readdir(join(home, ".adaptive-scheduler")), { timeout: patienceMs }).toEqual(["runs"]);
  },
);

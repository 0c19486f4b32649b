import { join } from "node:path";
import { expect, test } from "vitest";
import { python } from "../../scripts/setup.mjs";
import { slurm, testCluster } from "../cluster/testCluster";
import { copyExample, openEditor, patienceMs, program, ShownTerminal } from "./editor";
import { createCluster } from "./sshCluster";

const endless = [
  ["offset=[-0.3, -0.2, -0.1, 0.0, 0.1, 0.2, 0.3]", "offset=[-0.2, 0.0]"],
  ["time.sleep(SECONDS_PER_POINT)", "time.sleep(0.5)"],
] as const;

test("a terminal in a running Slurm job over SSH, and one in the run's folder on the head node", async () => {
  await testCluster.up();
  const home = await createCluster(`SetEnv SLURM_CONF=${process.env["SLURM_CONF"]}`);
  const folder = await copyExample(endless);
  const editor = await openEditor(folder, { hpc: { python, queue: "slurm", pollSeconds: 5, maxJobs: 2 } });
  await editor.openView("Adaptive");
  await editor.runCommand("Adaptive: Start Jobs");
  await editor.pick("hpc");
  await editor.page.locator(".quick-input-title").getByText("Start Jobs: peaks on hpc").waitFor();
  await editor.page.keyboard.press("Enter");
  await editor.answer("Send");
  // The queue may not have been asked since it began, but the job itself has said so.
  const job = editor.treeRow(/^\d+_0.*offset/);
  await job.waitFor();
  const [id = ""] = /^\d+_0/.exec(await job.innerText()) ?? [];

  await editor.chooseFor(job, "Open Terminal in Job");
  const terminal = new ShownTerminal(editor);
  await terminal.named(`job ${id} · peaks`);
  await terminal.type("hostname; echo $SLURM_JOB_ID");
  const known = (await slurm("squeue", "--noheader", `--jobs=${id}`, "--format=%N %A")).trim().split(" ");
  await terminal.shows(new RegExp(`^${known.join("\\n")}$`, "m"));
  await editor.keepScreenshot("terminal in a Slurm job");

  const rows = await terminal.rows();
  await terminal.type("stty size");
  await terminal.shows(new RegExp(`^${rows} \\d+$`, "m"));
  await editor.runCommand("View: Toggle Maximized Panel");
  await expect.poll(() => terminal.rows(), { timeout: patienceMs }).toBeGreaterThan(rows);
  await terminal.type(`until stty size | grep '^${await terminal.rows()} '; do sleep 0.1; done; exit 3`);
  await terminal.shows(/^Ended with exit code 3\. Press any key to close\.$/m);
  await editor.keepScreenshot("terminal in a Slurm job, ended");
  await editor.page.keyboard.press("Enter");
  await expect.poll(() => terminal.count(), { timeout: patienceMs }).toBe(0);

  await editor.runCommand("Adaptive: Open Terminal in Run Folder");
  await terminal.named("hpc · peaks");
  await terminal.type("pwd");
  await terminal.shows(new RegExp(`^${home}/adaptive-runs/peaks$`, "m"));
  await editor.keepScreenshot("terminal in the run's folder");
});

test("a terminal in a local job, picked from a list or by its learner; a window that is loaded anew shows none of them", async () => {
  const folder = await copyExample(endless);
  const file = ["--learners", join(folder, "_learners.py"), "--cluster", "local", "--python", python];
  expect(await program("init", ...file, "--set", "maxJobs=2", "--set", "resources.cores=1")).toMatchObject({
    exitCode: 0,
  });
  expect(await program("start", folder)).toMatchObject({ exitCode: 0 });
  const editor = await openEditor(folder);
  await editor.openView("Adaptive");
  for (const id of ["1_1", "1_2"]) await editor.treeRow(new RegExp(`${id}.*running.*offset`)).waitFor();
  await editor.runCommand("Adaptive: Open Terminal in Job");
  await editor.quickPickRows.filter({ hasText: /1_2.*offset=/ }).waitFor();
  await editor.keepScreenshot("which running job");
  await editor.pick("1_2");
  const terminal = new ShownTerminal(editor);
  await terminal.named("job 1_2 · peaks");
  await terminal.type('echo "in $PWD with $ADAPTIVE_CORES core"');
  await terminal.shows(new RegExp(`^in ${folder} with 1 core$`, "m"));
  await editor.keepScreenshot("terminal in a local job");

  const [learner = ""] = /offset=\S+ coupling=[\d.]+/.exec(await editor.treeRow(/^1_1/).innerText()) ?? [];
  await editor.chooseFor(editor.treeRow(new RegExp(`^${learner}`)), "Open Terminal in Job");
  await terminal.named("job 1_1 · peaks");
  // It is there before it comes to the front.
  await expect.poll(() => terminal.text(), { timeout: patienceMs }).not.toContain("with 1 core");
  await terminal.type("echo $((6 * 7))");
  await terminal.shows(/^42$/m);
  await editor.keepScreenshot("terminals in two local jobs");

  await editor.page.reload();
  for (const id of ["1_1", "1_2"]) await editor.treeRow(new RegExp(`${id}.*running`)).waitFor();
  // The editor may have opened one of its own.
  expect(await editor.page.getByText(/job 1_\d · peaks/).count()).toBe(0);
});

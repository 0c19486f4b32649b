import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { python } from "../../scripts/setup.mjs";
import { type RealSshd, startSshd } from "../integration/remote/ssh/realSshd";
import { newKey } from "../integration/remote/ssh/ssh2Server";
import { clickRow, copyExample, openEditor, program } from "./editor";

const twoOffsets = ["offset=[-0.3, -0.2, -0.1, 0.0, 0.1, 0.2, 0.3]", "offset=[-0.2, 0.0]"] as const;
const clusters = { local: { python }, hpc: { python, queue: "local", node: process.execPath } };

/** A cluster `hpc` in the person's SSH configuration, not known yet, that lets in a key with a passphrase. */
async function cluster(passphrase: string): Promise<RealSshd & { home: string; knownHosts: string }> {
  const home = await mkdtemp(join(tmpdir(), "adaptive-hpc-"));
  const sshd = await startSshd(async (folder) => {
    // The account's own home is this machine's.
    const login = join(folder, "login");
    const lines = ["#!/bin/sh", `export HOME=${home}`, `cd ${home}`, 'exec sh -c "$SSH_ORIGINAL_COMMAND"', ""];
    await writeFile(login, lines.join("\n"));
    await chmod(login, 0o755);
    return [`ForceCommand ${login}`, "AllowTcpForwarding no"];
  });
  onTestFinished(async () => {
    const run = join(home, "adaptive-runs/peaks");
    await program("stop", run);
    await program("stop", run, "--shut-down");
    await sshd.stop();
    await rm(home, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  });
  const key = newKey("ada", { passphrase });
  await writeFile(join(sshd.folder, "user_key.pub"), `${key.public}\n`);
  const own = join(process.env["HOME"] ?? "", ".ssh");
  await mkdir(own, { recursive: true, mode: 0o700 });
  await writeFile(join(own, "id_ed25519"), key.private, { mode: 0o600 });
  const { hostName, port, user } = sshd.host;
  const knownHosts = join(own, "known_hosts");
  const lines = ["Host hpc", `HostName ${hostName}`, `Port ${port}`, `User ${user}`];
  await writeFile(
    join(own, "config"),
    [...lines, `UserKnownHostsFile ${knownHosts}`, `IdentityFile ${join(own, "id_ed25519")}`, ""].join("\n"),
  );
  return { ...sshd, home, knownHosts };
}

/** Ends the processes of the server that each serve one connection. */
async function cutConnections(pid: number): Promise<void> {
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, "utf8");
  for (const child of children.trim().split(" ")) process.kill(Number(child), "SIGKILL");
}

test("a cluster of the SSH configuration, from its key and a passphrase over a cut connection to all learners done", async () => {
  const { home, knownHosts, pid, log } = await cluster("open sesame");
  const editor = await openEditor(await copyExample([twoOffsets]), clusters);
  const { page } = editor;
  await editor.openView("Adaptive");
  await editor.sidebar.getByText("This folder has a study").waitFor();
  await editor.runCommand("Adaptive: Start Jobs");
  await editor.quickPickRows.filter({ hasText: "hpc" }).waitFor();
  await editor.keepScreenshot("hosts");
  await editor.pick("hpc");
  await page
    .locator(".quick-input-title")
    .getByText(/^Start Jobs: .* on hpc$/)
    .waitFor();
  await page.keyboard.press("Enter");

  await editor.dialog.getByText("Is this hpc?").waitFor();
  await editor.dialog.getByText(/SHA256:/).waitFor();
  await editor.keepScreenshot("a host that is not known");
  await editor.answer("Trust and Connect");

  const passphrase = page.locator(".quick-input-widget input[type=password]");
  const message = page.locator(".quick-input-widget");
  await message.getByText("Enter the passphrase of").waitFor();
  await passphrase.fill("mistyped");
  await page.keyboard.press("Enter");
  await message.getByText("That was not the passphrase of").waitFor();
  await editor.keepScreenshot("a mistyped passphrase");
  await passphrase.fill("open sesame");
  await page.keyboard.press("Enter");

  await editor.dialog.getByText("Send this study to hpc?").waitFor();
  await editor.keepScreenshot("a study that is sent");
  await editor.answer("Send");

  await editor.treeRow(/^Running/).waitFor();
  await cutConnections(pid);
  await editor.treeRow(/^Done\s*8/).waitFor();
  await editor.keepScreenshot("done on a cluster");
  // It came back without a question.
  expect(log().match(/Accepted publickey/g)?.length).toBeGreaterThan(1);
  expect(await editor.dialog.count()).toBe(0);
  expect(await passphrase.isVisible()).toBe(false);
  expect(await readFile(knownHosts, "utf8")).toMatch(/^\[127\.0\.0\.1\]:\d+ ssh-ed25519 /);
  expect(await readFile(join(home, "adaptive-runs/peaks/_learners.py"), "utf8")).toContain("offset=[-0.2, 0.0]");

  // A window that is opened anew does not know the passphrase, and does not ask by itself.
  const logins = log().match(/Accepted publickey/g)?.length;
  await page.reload({ waitUntil: "commit" });
  await editor.openView("Adaptive");
  await editor.treeRow(/^Connect….*hpc wants the passphrase of id_ed25519/).waitFor();
  await editor.statusBar.getByText("needs you: hpc wants the passphrase of id_ed25519").waitFor();
  await editor.webview.getByRole("button", { name: "Connect…" }).waitFor();
  await editor.keepScreenshot("a cluster needs you");
  expect(await passphrase.isVisible()).toBe(false);
  expect(log().match(/Accepted publickey/g)?.length).toBe(logins);
  await clickRow(editor.treeRow(/^Connect…/));
  await message.getByText("Enter the passphrase of").waitFor();
  await page.keyboard.press("Escape");
  await editor.treeRow(/^Connect….*logging in was cancelled/).waitFor();
  await editor.webview.getByRole("button", { name: "Connect…" }).click();
  await message.getByText("Enter the passphrase of").waitFor();
  await passphrase.fill("open sesame");
  await page.keyboard.press("Enter");
  await editor.treeRow(/^Done\s*8/).waitFor();
  await editor.treeRow(/^Connect…/).waitFor({ state: "hidden" });
});

test("a passphrase that is not given ends the start without a word", async () => {
  await cluster("open sesame");
  const editor = await openEditor(await copyExample([twoOffsets]), clusters);
  const { page } = editor;
  await editor.openView("Adaptive");
  await editor.sidebar.getByText("This folder has a study").waitFor();
  await editor.runCommand("Adaptive: Start Jobs");
  await editor.pick("hpc");
  await page
    .locator(".quick-input-title")
    .getByText(/on hpc$/)
    .waitFor();
  await page.keyboard.press("Enter");
  await editor.answer("Trust and Connect");
  await page.locator(".quick-input-widget").getByText("Enter the passphrase of").waitFor();
  await page.keyboard.press("Escape");
  await page.locator(".quick-input-widget").waitFor({ state: "hidden" });
  await editor.sidebar.getByText("This folder has a study").waitFor();
  expect(await page.locator(".notification-toast").count()).toBe(0);
});

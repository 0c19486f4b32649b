/** `npm start`: the example study in a real VS Code, its jobs on this computer. */
import { spawn } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { quietSettings, setUpCodeServer, startCodeServer, windowUrl } from "./codeServer.mjs";
import { onPath, python, setUpBuild, setUpNode, setUpPython, vsix } from "./setup.mjs";
import { printError, root, run, step, together } from "./steps.mjs";

const help = `Usage: npm start [-- --no-editor]

Sets up what is missing inside this folder, opens the study examples/peaks in VS Code and runs
its learners as jobs on this computer. Ctrl-C ends it; the next start goes on where it was.

  --no-editor   only run the jobs, and exit when they are done: 0 all done, 1 some learners failed
`;
const study = join(root, "examples/peaks");
const learnersFile = join(study, "_learners.py");
// A newcomer sees the study and its learners, not an empty editor beside a list of files.
const settings = { ...quietSettings, "adaptive.clusters": { local: { python } }, "adaptive.openViewAtStart": true };

async function start(/** @type {boolean} */ withEditor) {
  const desktop = withEditor ? await desktopEditor() : null;
  await together([
    setUpNode().then(setUpBuild),
    setUpPython(["requirements.txt"]),
    withEditor && !desktop && setUpCodeServer(),
  ]);

  // Ctrl-C reaches the scheduler by itself: it saves, stops its jobs and exits, and then we do.
  process.on("SIGINT", () => undefined);
  const editor = withEditor ? await openEditor(desktop) : null;
  console.log(`Running the learners of ${study}; results are in ${join(study, "data")}.\n`);
  try {
    return await runJobs(withEditor ? ["--stay"] : []);
  } finally {
    await editor?.stop();
  }
}

/** @returns {Promise<string | null>} the path of VS Code where it is installed and can show a window */
async function desktopEditor() {
  const { DISPLAY, WAYLAND_DISPLAY } = process.env;
  return process.platform === "darwin" || DISPLAY || WAYLAND_DISPLAY ? onPath("code") : null;
}

/** @param {string | null} desktop */
async function openEditor(desktop) {
  const folder = join(root, ".vscode-server/home");
  // A window of the desktop is the person's to close.
  let stop = () => Promise.resolve();
  await step("VS Code", async () => {
    if (desktop) {
      await mkdir(join(folder, "User"), { recursive: true });
      await writeFile(join(folder, "User/settings.json"), JSON.stringify(settings, null, 2));
      await run(desktop, ["--user-data-dir", folder, "--extensionDevelopmentPath", root, study, learnersFile]);
      return "opened a window";
    }
    const server = await startCodeServer({ folder, vsix, settings });
    stop = server.stop;
    return `open ${windowUrl(server.url, study, learnersFile)}`;
  });
  return { stop };
}

/**
 * @param {readonly string[]} options
 * @returns {Promise<number>} the scheduler's exit code
 */
function runJobs(options) {
  const args = ["run", "--learners", learnersFile, "--cluster", "local", "--python", python];
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(root, "dist/scheduler/main.js"), ...args, ...options], {
      stdio: "inherit",
    });
    process.on("SIGTERM", () => child.kill("SIGTERM"));
    child.on("error", reject);
    child.on("exit", (exitCode) => resolve(exitCode ?? 2));
  });
}

const args = process.argv.slice(2);
const unknown = args.find((arg) => arg !== "--no-editor" && arg !== "--help");
if (unknown !== undefined) console.error(`There is no option ${unknown}.\n`);
if (unknown !== undefined || args.includes("--help")) {
  console.log(help.trimEnd());
  process.exitCode = unknown === undefined ? 0 : 2;
} else {
  try {
    process.exitCode = await start(!args.includes("--no-editor"));
  } catch (error) {
    printError(error);
    process.exitCode = 2;
  }
}

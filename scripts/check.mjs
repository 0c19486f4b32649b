/** The checks of `npm run check`: each one must end without an error and without a warning. */
import { python } from "./setup.mjs";
import { seconds, tryRun } from "./steps.mjs";

const npx = (/** @type {string} */ tool, /** @type {string[]} */ ...args) => [`node_modules/.bin/${tool}`, ...args];
const checks = {
  types: npx("tsc", "-p", "tsconfig.json"),
  "types of the page": npx("tsc", "-p", "src/views/webview/tsconfig.json"),
  lint: npx("eslint", "--max-warnings", "0", "."),
  format: npx("prettier", "--check", "--log-level", "warn", "."),
  "dead code": npx("knip"),
  settings: [process.execPath, "scripts/settings.mjs"],
  imports: npx("depcruise", "src", "--output-type", "err"),
  "Python lint": [python, "-m", "ruff", "check", "--quiet", "python", "test/python", "examples"],
  "Python format": [python, "-m", "ruff", "format", "--check", "--quiet", "python", "test/python", "examples"],
  // mypy cannot be told of a Python as old as the oldest that jobs may have.
  "Python 3.9": [".venv/bin/vermin", "-t=3.9-", "--violations", "--quiet", "python/adaptive_scheduler"],
  "Python types": [
    python,
    "-m",
    "mypy",
    "--strict",
    "--config-file",
    "python/pyproject.toml",
    "python/adaptive_scheduler",
  ],
};

/**
 * Runs them all, some at a time.
 * @returns {Promise<{ passed: number, failed: number }>}
 */
export async function check() {
  const waiting = Object.entries(checks);
  const counts = { passed: 0, failed: 0 };
  const worker = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      const [name, [command = "", ...args]] = next;
      const startedMs = Date.now();
      const { exitCode, output } = await tryRun(command, args);
      const passed = exitCode === 0;
      counts[passed ? "passed" : "failed"] += 1;
      console.log(`${passed ? "✓" : "✗"} ${name} (${seconds(startedMs)})${passed ? "" : `\n${output.trimEnd()}\n`}`);
    }
  };
  await Promise.all([worker(), worker()]);
  return counts;
}

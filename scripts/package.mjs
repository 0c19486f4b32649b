/** Packages what `build.mjs` built as `dist/adaptive-scheduler.vsix`, within the size it may have. */
import { stat } from "node:fs/promises";
import { vsix } from "./setup.mjs";
import { printError, run, StepError } from "./steps.mjs";

const maxMegabytes = 8;
// There is no public repository yet that links in the README could be rewritten to.
const links = ["--allow-missing-repository", "--no-rewrite-relative-links"];

try {
  await run("node_modules/.bin/vsce", ["package", "--no-dependencies", ...links, "--out", vsix]);
  const megabytes = (await stat(vsix)).size / 1e6;
  console.log(`${vsix}: ${megabytes.toFixed(1)} MB`);
  if (megabytes > maxMegabytes) {
    throw new StepError(
      `It may have ${maxMegabytes} MB.`,
      "Look for what is too much: npx vsce ls --tree --no-dependencies",
    );
  }
} catch (error) {
  printError(error);
  process.exitCode = 1;
}

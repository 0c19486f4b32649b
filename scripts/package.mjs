/** Packages what `build.mjs` built as `dist/adaptive-scheduler.vsix`, within the size it may have. */
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { vsix } from "./setup.mjs";
import { printError, root, run, StepError } from "./steps.mjs";

const maxMegabytes = 8;

try {
  await run("node_modules/.bin/vsce", ["package", "--no-dependencies", "--out", vsix]);
  const megabytes = (await stat(vsix)).size / 1e6;
  const { repository } = JSON.parse(await readFile(join(root, "package.json"), "utf8"));
  console.log(`${vsix}: ${megabytes.toFixed(1)} MB; its links go to ${repository.url}`);
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

/** Packages what `build.mjs` built as `dist/adaptive-scheduler.vsix`, within the size it may have. */
import { stat } from "node:fs/promises";
import { vsix } from "./setup.mjs";
import { run } from "./steps.mjs";

const maxMegabytes = 8;

await run("node_modules/.bin/vsce", ["package", "--no-dependencies", "--out", vsix]);
const megabytes = (await stat(vsix)).size / 1e6;
console.log(`${vsix}: ${megabytes.toFixed(1)} MB`);
if (megabytes > maxMegabytes) {
  throw new Error(`It may have ${maxMegabytes} MB: look for what is too much with "vsce ls --tree --no-dependencies".`);
}

/**
 * The licence texts of what others made and we ship: read from the packages that a bundle holds, as
 * esbuild says it. What has no text of its own is in `scripts/licences/`; what is in neither stops the build.
 */
import { readdir, readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { StepError } from "./steps.mjs";

const texts = "scripts/licences";

/**
 * Folders of the packages whose code is in bundles.
 * @param {readonly import("esbuild").Metafile[]} metafiles
 * @returns {string[]}
 */
export function bundledPackages(metafiles) {
  const inputs = metafiles.flatMap(({ outputs }) =>
    Object.values(outputs).flatMap(({ inputs }) => Object.entries(inputs)),
  );
  // What was looked at but left nothing in the bundle is not shipped.
  const shipped = inputs.filter(([, { bytesInOutput }]) => bytesInOutput > 0).map(([path]) => path);
  const folders = shipped.flatMap((path) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0] ?? []);
  return [...new Set(folders)];
}

/**
 * @param {readonly string[]} folders of packages
 * @param {readonly string[]} compiled names of what is compiled into them, whose texts are in `scripts/licences/`
 * @returns {Promise<string>}
 * @throws {StepError} of which package there is no text
 */
export async function thirdPartyNotices(folders, compiled) {
  const packages = await Promise.all(folders.map(noticeOf));
  const others = await Promise.all(
    compiled.map(async (name) => ({ title: name, licence: await textFrom(join(texts, `${name}.txt`)) })),
  );
  const notices = [...packages, ...others].sort((a, b) => a.title.localeCompare(b.title));
  const missing = notices.filter(({ licence }) => licence === "").map(({ title }) => title);
  if (missing.length > 0) {
    throw new StepError(
      `There is no licence text of ${missing.join(", ")}, which the package would ship.`,
      `Put the text that its authors publish into ${texts}/NAME.txt (a / in NAME is __), or do without.`,
    );
  }
  const intro = "Adaptive Scheduler ships the following works of others, each under its own licence.";
  return `${[intro, ...notices.map(({ title, licence }) => `${rule}\n${title}\n${rule}\n\n${licence}`)].join("\n\n")}\n`;
}

const rule = "-".repeat(80);

/** @param {string} folder */
async function noticeOf(folder) {
  const { name, version } = JSON.parse(await readFile(join(folder, "package.json"), "utf8"));
  const files = (await readdir(folder)).filter((file) => /^(licen[cs]e|copying|notice)/i.test(basename(file)));
  const own = await Promise.all(files.sort().map((file) => textFrom(join(folder, file))));
  const licence = own.join("\n\n") || (await textFrom(join(texts, `${name.replace("/", "__")}.txt`)));
  return { title: `${name} ${version}`, licence };
}

/** @param {string} file */
async function textFrom(file) {
  return (await readFile(file, "utf8").catch(() => "")).replaceAll("\r\n", "\n").trim();
}

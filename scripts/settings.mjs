/**
 * What is made of the settings' one schema (src/scheduler/state/settings.ts): the JSON schema of
 * `adaptive.json`, the user setting `adaptive.clusters` in the manifest, and the table in docs/settings.md.
 * And the manifest's `homepage` and `bugs`, which are made of its `repository`.
 * Run alone it says what in files is not as it should be; with `--write` it corrects them.
 */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { toJsonSchema } from "@valibot/to-json-schema";
import { build } from "esbuild";
import { format, resolveConfig } from "prettier";
import { root } from "./steps.mjs";

/** @typedef {{ [keyword: string]: any }} JsonSchema */

/** The schemas as JSON schemas, with what only we understand still in them. */
async function readSchemas() {
  const entry = join(root, "src/scheduler/state/settings.ts");
  const { outputFiles } = await build({ entryPoints: [entry], bundle: true, write: false, format: "esm" });
  const code = Buffer.from(outputFiles[0]?.contents ?? "").toString("base64");
  /** @type {typeof import("../src/scheduler/state/settings")} */
  const { studySchema, clusterSchema, profileSchema, settingNames } = await import(
    `data:text/javascript;base64,${code}`
  );
  /** @type {(schema: import("valibot").GenericSchema) => JsonSchema} */
  const convert = (schema) => toJsonSchema(schema, { ignoreActions: ["check", "check_items", "finite"] });
  const profile = convert(profileSchema);
  return { study: convert(studySchema), profile, cluster: convert(clusterSchema), settingNames };
}

/** The JSON schema of `adaptive.json`, for editors. */
export async function studyJsonSchema() {
  const { study } = await readSchemas();
  return {
    title: "A study of adaptive learners",
    ...forEditors(study),
    allowTrailingCommas: true,
    allowComments: true,
  };
}

/**
 * In the keywords that VS Code knows; what others know stays.
 * @param {JsonSchema} schema
 * @returns {JsonSchema}
 */
function forEditors({ description, enumDescriptions, holds, required, maximum, ...schema }) {
  const since = holds ? ` Changed during a run, it holds ${holds === "at once" ? holds : `for ${holds}`}.` : "";
  return {
    ...(description ? { markdownDescription: description + since } : {}),
    ...Object.fromEntries(Object.entries(schema).map(([keyword, value]) => [keyword, within(keyword, value)])),
    ...(enumDescriptions ? { markdownEnumDescriptions: enumDescriptions } : {}),
    // What nothing needs, and the largest number that there is, say nothing.
    ...(required?.length > 0 ? { required } : {}),
    ...(maximum === Number.MAX_SAFE_INTEGER ? {} : { maximum }),
  };
}

/**
 * @param {string} keyword
 * @param {any} value
 */
function within(keyword, value) {
  if (keyword === "properties") {
    return Object.fromEntries(Object.entries(value).map(([name, schema]) => [name, forEditors(schema)]));
  }
  if (keyword === "anyOf") return value.map(forEditors);
  return keyword === "items" ? forEditors(value) : value;
}

/** The table of all settings, in Markdown. */
function settingsTable(
  /** @type {Awaited<ReturnType<typeof readSchemas>>} */ { study, profile, cluster, settingNames },
) {
  const ofHosts = Object.keys(cluster["properties"]).filter((name) => propertyOf(profile, name) === undefined);
  const rows = [...settingNames, ...ofHosts].map((name) => {
    const [inStudy, inProfile, ofHost] = [study, profile, cluster].map((schema) => propertyOf(schema, name));
    const { description, holds, default: value, ...schema } = inStudy ?? inProfile ?? ofHost ?? {};
    const choices = (schema["enumDescriptions"] ?? []).map(
      (/** @type {string} */ words, /** @type {number} */ i) => `\`${schema["enum"][i]}\`: ${words}`,
    );
    const meaning = [description, ...(choices.length > 0 ? [`${choices.join("; ")}.`] : [])].join(" ");
    const places = [
      ...(inStudy ? ["`adaptive.json`"] : []),
      ...(inProfile ? ["`adaptive.clusters`"] : []),
      ...(inStudy || inProfile ? [] : ["a host in `adaptive.clusters`"]),
    ];
    return [`\`${name}\``, places.join(", "), meaning, defaultWords(name, value), holds ?? ""];
  });
  const header = ["setting", "said in", "meaning", "default", "a change holds for"];
  return [header, header.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

/**
 * @param {JsonSchema} schema
 * @param {string} name dotted
 * @returns {JsonSchema | undefined}
 */
function propertyOf(schema, name) {
  return name
    .split(".")
    .reduce((/** @type {JsonSchema | undefined} */ inner, key) => inner?.["properties"]?.[key], schema);
}

/**
 * @param {string} name
 * @param {any} value
 */
function defaultWords(name, value) {
  if (value === undefined) return { budget: "all", queue: "the cluster's" }[name] ?? "";
  if (value === null || (Array.isArray(value) && value.length === 0)) return "none";
  return typeof value === "string" ? `\`${value}\`` : String(value);
}

/** The files that hold something that is made of something else, as they should be. */
async function generated() {
  const schemas = await readSchemas();
  const manifest = JSON.parse(await readFile(join(root, "package.json"), "utf8"));
  const clusters = manifest.contributes.configuration.properties["adaptive.clusters"];
  clusters.additionalProperties = forEditors(schemas.cluster);
  delete clusters.additionalProperties.$schema;
  const address = manifest.repository.url.replace(/\.git$/, "");
  Object.assign(manifest, { homepage: `${address}#readme`, bugs: { url: `${address}/issues` } });
  const docs = await readFile(join(root, "docs/settings.md"), "utf8");
  const withTable = docs.replace(
    /(<!-- settings[^>]*-->\n).*?(<!-- end of settings -->)/s,
    (_, begin, end) => `${begin}\n${settingsTable(schemas)}\n\n${end}`,
  );
  return Promise.all([formatted("package.json", JSON.stringify(manifest)), formatted("docs/settings.md", withTable)]);
}

/**
 * @param {string} path
 * @param {string} text
 */
async function formatted(path, text) {
  const filepath = join(root, path);
  return { path, text: await format(text, { ...(await resolveConfig(filepath)), filepath }) };
}

async function main() {
  for (const { path, text } of await generated()) {
    if ((await readFile(join(root, path), "utf8")) === text) continue;
    if (process.argv.includes("--write")) await writeFile(join(root, path), text);
    else {
      console.error(
        `${path} differs from what is made of the schema of the settings and of the repository: npm run settings corrects it.`,
      );
      process.exitCode = 1;
    }
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) await main();

/** Builds everything that ships into `dist/`: the extension, its worker, the scheduler, the page and the Python package. */
import { chmod, cp, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { build } from "esbuild";
import { bundledPackages, thirdPartyNotices } from "./notices.mjs";
import { studyJsonSchema } from "./settings.mjs";

/** Its main file is of a kind that cannot be bundled. */
const alias = { "jsonc-parser": "./node_modules/jsonc-parser/lib/esm/main.js" };
/** @type {import("esbuild").BuildOptions} */
const page = {
  entryPoints: ["src/views/webview/main.ts"],
  outdir: "dist/webview",
  platform: "browser",
  format: "iife",
  target: "es2022",
  bundle: true,
  minify: true,
  // Style sheets of libraries are adopted by the elements that need them.
  loader: { ".css": "text" },
};
/** @type {import("esbuild").BuildOptions} */
const extension = {
  entryPoints: { extension: "src/extension.ts", replicaWorker: "src/remote/replica/replicaWorker.ts" },
  outdir: "dist",
  platform: "node",
  format: "cjs",
  target: "node20",
  bundle: true,
  external: ["vscode", "./ssh2.js"],
  // Programs for another machine.
  loader: { ".py": "text" },
  // Larger than all else together, it lies beside and is read when somebody connects.
  alias: { ...alias, ssh2: "./ssh2.js" },
  // By `require`: a native import of CommonJS misses what its lexer does not see.
  supported: { "dynamic-import": false },
};
/** @type {import("esbuild").BuildOptions} */
const ssh2 = {
  entryPoints: ["node_modules/ssh2/lib/index.js"],
  outfile: "dist/ssh2.js",
  platform: "node",
  format: "cjs",
  target: "node20",
  bundle: true,
  minify: true,
  // What it would compile is not there, and it does without.
  external: ["cpu-features", "*.node"],
};
/** @type {import("esbuild").BuildOptions} */
const scheduler = {
  entryPoints: ["src/scheduler/main.ts"],
  outdir: "dist/scheduler",
  platform: "node",
  format: "cjs",
  target: "node18",
  bundle: true,
  external: ["zeromq"],
  alias,
  banner: { js: "#!/usr/bin/env node" },
};

await rm("dist", { recursive: true, force: true });
const bundles = [page, extension, ssh2, scheduler].map((options) =>
  build({ ...options, metafile: true, logLevel: "warning" }),
);
await Promise.all([
  writeNotices(),
  cp("python/adaptive_scheduler", "dist/python/adaptive_scheduler", {
    recursive: true,
    filter: (path) => basename(path) !== "__pycache__",
  }),
  cp("examples/first", "dist/example", {
    recursive: true,
    filter: (path) => !/(data|\.adaptive|__pycache__)$/.test(path),
  }),
  copyFile("node_modules/sql.js/dist/sql-wasm.wasm", "dist/sql-wasm.wasm"),
  copyZeromq(),
]);
await writeJson("dist/adaptive.schema.json", await studyJsonSchema());
await chmod("dist/scheduler/main.js", 0o755);

/** Of what is in the bundles, and of what lies beside them as it is. */
async function writeNotices() {
  const metafiles = (await Promise.all(bundles)).map(({ metafile }) => metafile);
  const copied = ["zeromq", "cmake-ts"].map((name) => `node_modules/${name}`);
  const text = await thirdPartyNotices([...bundledPackages(metafiles), ...copied], ["libsodium"]);
  await writeFile("dist/ThirdPartyNotices.txt", text);
}

/**
 * The one native module, without what no machine of ours loads: of each platform the build with
 * the highest ABI (Node-API: it serves every later Node too), named in the manifest its loader reads.
 */
async function copyZeromq() {
  const from = "node_modules/zeromq";
  const to = "dist/node_modules/zeromq";
  const manifest = JSON.parse(await readFile(join(from, "build/manifest.json"), "utf8"));
  const newest = new Map();
  for (const [key, file] of Object.entries(manifest)) {
    const { os, arch, libc, abi } = JSON.parse(key);
    const platform = `${os}-${arch}-${libc}`;
    if (os !== "win32" && abi > (newest.get(platform)?.abi ?? 0)) newest.set(platform, { abi, key, file });
  }
  const kept = [...newest.values()];
  await Promise.all([
    ...kept.map(({ file }) => copyFile(join(from, "build", file), join(to, "build", file))),
    writeJson(join(to, "build/manifest.json"), Object.fromEntries(kept.map(({ key, file }) => [key, file]))),
    ...["package.json", "LICENSE.txt", "LICENSE_MPL-2.0.txt"].map((file) => copyFile(join(from, file), join(to, file))),
    cp(join(from, "lib"), join(to, "lib"), {
      recursive: true,
      filter: (path) => !/\.(map|d\.ts|tsbuildinfo)$|ts3\.7/.test(path),
    }),
    ...["package.json", "build/loader.js"].map((file) =>
      copyFile(join("node_modules/cmake-ts", file), join("dist/node_modules/cmake-ts", file)),
    ),
  ]);
}

/**
 * @param {string} from
 * @param {string} to
 */
async function copyFile(from, to) {
  await mkdir(dirname(to), { recursive: true });
  await cp(from, to);
}

/**
 * @param {string} path
 * @param {unknown} value
 */
async function writeJson(path, value) {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, JSON.stringify(value, null, 2));
}

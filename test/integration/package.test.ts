import { access, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { bundledPackages, thirdPartyNotices } from "../../scripts/notices.mjs";
import { python, vsix } from "../../scripts/setup.mjs";
import { root, run } from "../../scripts/steps.mjs";

interface Manifest {
  repository: { url: string };
  homepage: string;
  bugs: { url: string };
  keywords: string[];
}

test("the package's links lead to files of the project, and its manifest to the project", async () => {
  const folder = await unpacked();
  const manifest = JSON.parse(await readFile(join(folder, "package.json"), "utf8")) as Manifest;
  const { url } = manifest.repository;
  expect(manifest).toMatchObject({ homepage: `${url}#readme`, bugs: { url: `${url}/issues` } });

  for (const file of ["readme.md", "changelog.md"]) {
    const links = linksOf(await readFile(join(folder, file), "utf8"));
    expect(links.filter((link) => !link.startsWith("https://"))).toEqual([]);
    const own = links.filter((link) => link.startsWith(url));
    const paths = own.map((link) => link.slice(url.length).replace(/^\/(raw|blob)\/HEAD\//, ""));
    await Promise.all(paths.map((path) => access(join(root, path))));
    if (file === "readme.md") expect(own).toContain(`${url}/raw/HEAD/docs/images/dashboard.png`);
  }
});

test("keywords name what there is", async () => {
  const { keywords } = JSON.parse(await readFile(join(root, "package.json"), "utf8")) as Manifest;
  const { queues } = await import("../../src/scheduler/state/settings");
  const systems = ["slurm", "pbs", "sge", "lsf", "htcondor"];
  expect(keywords.filter((word) => systems.includes(word))).toEqual(queues.filter((queue) => systems.includes(queue)));
});

test("the notices hold a licence text of each package whose code is shipped", async () => {
  const notices = await readFile(join(await unpacked(), "dist/ThirdPartyNotices.txt"), "utf8");
  for (const name of ["lit-html", "sql.js", "ssh2", "uplot", "valibot", "zeromq", "cmake-ts", "libsodium"]) {
    expect(notices).toMatch(new RegExp(`^-{80}\n${name}( [\\d.]+)?\n-{80}\n\n.{10}`, "m"));
  }
  // Of what is only used to build and test, nothing is shipped.
  expect(notices).not.toMatch(/^esbuild /m);
});

test("what is bundled without a licence text is named", async () => {
  const output = { bytes: 2, imports: [], exports: [] };
  const bundled = bundledPackages([
    {
      inputs: {},
      outputs: {
        "a.js": {
          ...output,
          inputs: {
            "src/a.ts": { bytesInOutput: 1 },
            "node_modules/a/node_modules/@b/c/lib/d.js": { bytesInOutput: 1 },
            "node_modules/types-only/index.js": { bytesInOutput: 0 },
          },
        },
      },
    },
  ]);
  expect(bundled).toEqual(["node_modules/a/node_modules/@b/c"]);
  await expect(thirdPartyNotices(["node_modules/valibot"], ["quantum-box"])).rejects.toThrow(
    "There is no licence text of quantum-box, which the package would ship.",
  );
});

/** Addresses of the links and pictures in Markdown, outside code. */
function linksOf(markdown: string): string[] {
  const text = markdown.replaceAll(/^```.*?^```/gms, "").replaceAll(/`[^`\n]*`/g, "");
  return [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = ""]) => link);
}

/** The extension as it is in the package, in a folder that is gone with the test. */
async function unpacked(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "adaptive-package-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  await run(python, ["-m", "zipfile", "-e", vsix, folder]);
  return join(folder, "extension");
}

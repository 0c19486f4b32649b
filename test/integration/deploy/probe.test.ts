import { execFileSync } from "node:child_process";
import { chmod, mkdir, readdir, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { smallDisk } from "../../smallDisk";
import { python } from "../program";
import { createHome, nodeOf, probe } from "./headNode";

const noise = 'echo "Welcome to login1"; echo trouble >&2;';
const exports =
  "PATH=$PATH:$HOME/own/bin SCRATCH=/scratch/ada SBATCH_ACCOUNT='my lab'; export PATH SCRATCH SBATCH_ACCOUNT";
const shells: [string, string, Record<string, string>][] = [
  ["bash", "/bin/bash", { ".bash_profile": `${noise} ${exports}\n`, ".bashrc": noise }],
  ["dash", "/bin/dash", { ".profile": `${noise} ${exports}\n` }],
  [
    "tcsh",
    "/usr/bin/tcsh",
    {
      ".tcshrc":
        'echo "Welcome to login1"\nsetenv PATH ${PATH}:${HOME}/own/bin\nsetenv SCRATCH /scratch/ada\nsetenv SBATCH_ACCOUNT "my lab"\nalias env echo no\n',
    },
  ],
  [
    "fish",
    "/usr/bin/fish",
    {
      ".config/fish/config.fish": `${noise}\nset -gx PATH $PATH $HOME/own/bin\nset -gx SCRATCH /scratch/ada\nset -gx SBATCH_ACCOUNT "my lab"\n`,
    },
  ],
];

describe.each(shells)("a head node whose login shell is %s", (_, shell, startUp) => {
  test("says what it is, and what its start-up files add to the PATH and say of places", async () => {
    const home = await createHome({ ...startUp, "own/bin/node": nodeOf("21.2.3"), "own/bin/sbatch": "#!/bin/sh\n" });
    const found = await probe(home, shell);
    expect(found).toMatchObject({
      host: hostname(),
      os: execFileSync("uname", ["-s"], { encoding: "utf8" }).trim(),
      machine: execFileSync("uname", ["-m"], { encoding: "utf8" }).trim(),
      place: { path: join(home, ".adaptive-scheduler"), problem: null },
      python: { path: python, missing: [] },
      queue: { name: "slurm" },
      variables: { HOME: home, SCRATCH: "/scratch/ada" },
      environment: { PATH: expect.stringContaining(join(home, "own/bin")) as string, SBATCH_ACCOUNT: "my lab" },
      missing: [],
    });
    expect(found.place.freeBytes).toBeGreaterThan(0);
    expect(found.nodes).toContainEqual({
      source: "PATH",
      path: join(home, "own/bin/node"),
      version: "21.2.3",
      said: "21.2.3",
    });
    // Looking leaves nothing behind.
    expect(await readdir(home)).not.toContain(".adaptive-scheduler");
    expect((await readdir(home)).filter((name) => name.startsWith(".adaptive"))).toEqual([]);
  });
});

describe("what is looked for", () => {
  test("Node: the PATH's, ours, conda's and that of VS Code's server, in this order", async () => {
    const places = [
      ["PATH", "own/bin/node"],
      ["ours", ".adaptive-scheduler/node/22.20.0-x64/node"],
      ["conda", "miniforge3/envs/js/bin/node"],
      ["vscode-server", ".vscode-server/cli/servers/Stable-abc/server/node"],
      ["vscode-server", ".vscode-server/bin/abc/node"],
    ] as const;
    const files = Object.fromEntries(places.map(([, file], i) => [file, nodeOf(`20.0.${i}`)]));
    const home = await createHome({ ...files, ".profile": "PATH=$HOME/own/bin\n" });
    const found = (await probe(home)).nodes.filter(({ path }) => path.startsWith(home));
    expect(found.map(({ source, path, version }) => [source, path, version])).toEqual(
      places.map(([source, file], i) => [source, join(home, file), `20.0.${i}`]),
    );
  });

  test("a Node that was set is the only one, also a wrong one", async () => {
    const home = await createHome({ "my node/bin/node": nodeOf("19.0.0") });
    const path = join(home, "my node/bin/node");
    expect((await probe(home, "/bin/sh", { node: "~/my node/bin/node" })).nodes).toEqual([
      { source: "setting", path, version: "19.0.0", said: "19.0.0" },
    ]);
    expect((await probe(home, "/bin/sh", { node: "~/none" })).nodes).toMatchObject([
      { source: "setting", path: join(home, "none"), version: null, said: "there is no such program" },
    ]);
  });

  test("a Node that does not run says why", async () => {
    const home = await createHome({ "miniconda3/bin/node": "#!/bin/sh\necho 'GLIBC_2.28 not found' >&2; exit 1\n" });
    expect((await probe(home)).nodes).toContainEqual({
      source: "conda",
      path: join(home, "miniconda3/bin/node"),
      version: null,
      said: "GLIBC_2.28 not found",
    });
  });

  test("the Python after its prelude, in which start-up files and modules print", async () => {
    const home = await createHome({ ".bash_profile": "echo banner\n" });
    const prelude = ["echo loading", `export PATH=$HOME/mine:$PATH`, "false"];
    await mkdir(join(home, "mine"));
    await writeFile(join(home, "mine/python-of-mine"), `#!/bin/sh\nexec ${python} -S "$@"\n`);
    await chmod(join(home, "mine/python-of-mine"), 0o755);
    // Without its site-packages it lacks everything.
    expect((await probe(home, "/bin/sh", { python: "python-of-mine", prelude })).python).toMatchObject({
      missing: ["adaptive", "zmq", "cloudpickle"],
    });
    expect((await probe(home, "/bin/sh", { python: "~/no/python", prelude })).python).toEqual({
      problem: "there is no such program",
    });
  });

  test("bundles that are installed", async () => {
    const home = await createHome({ "ours/bundles/abc/x": "", "ours/bundles/def/x": "" });
    expect((await probe(home, "/bin/sh", { place: "~/ours" })).bundles).toEqual(["abc", "def"]);
  });

  test.each([
    [
      "under a file",
      async (home: string) => writeFile(join(home, "taken"), ""),
      "~/taken/ours",
      /ot a directory|nonexistent/,
    ],
    ["where nobody may write", async () => undefined, "/proc/ours", /\w/],
  ])("a place %s says why nothing can be written", async (_, prepare, place, problem) => {
    const home = await createHome();
    await prepare(home);
    expect((await probe(home, "/bin/sh", { place })).place.problem).toMatch(problem);
  });

  test("a full disk says so", async () => {
    const home = await createHome();
    const full = await smallDisk("4k");
    await writeFile(join(full, "file"), Buffer.alloc(4096));
    const { place } = await probe(home, "/bin/sh", { place: join(full, "ours") });
    expect(place.problem).toContain("No space left on device");
    expect(place.freeBytes).toBe(0);
  });
});

/** What `npm start` and `npm test` need before they can work. Plain Node: it runs before anything is installed. */
import { access, mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fingerprint, once, root, run, StepError, step, tryRun } from "./steps.mjs";

export const python = join(root, ".venv/bin/python");
export const vsix = join(root, "dist/adaptive-scheduler.vsix");

/** Installs what the project builds with. */
export async function setUpNode() {
  await step("Node packages", async () => {
    const { engines } = JSON.parse(await readFile(join(root, "package.json"), "utf8"));
    const [major = 0, minor = 0] = engines.node.match(/\d+/g).map(Number);
    const [ownMajor = 0, ownMinor = 0] = process.versions.node.split(".").map(Number);
    if (ownMajor < major || (ownMajor === major && ownMinor < minor)) {
      throw new StepError(
        `This is Node ${process.versions.node}.`,
        `Install Node ${engines.node} and run the same again.`,
      );
    }
    await once("node_modules/.stamp", await fingerprint(["package-lock.json"]), () =>
      // Not `npm ci`, which wants even the optional packages of all other platforms in the lock.
      run("npm", ["install", "--no-save", "--ignore-scripts", "--no-audit", "--no-fund"], {
        hint: "npm must reach its registry: check the network or the proxy and run the same again.",
      }),
    );
  });
}

/**
 * Makes the Python environment in which the jobs run.
 * @param {readonly string[]} requirements files in `python/`
 */
export async function setUpPython(requirements) {
  await step("Python environment", async () => {
    if ((await tryRun(python, ["--version"])).exitCode !== 0) {
      await run(await findPython(), ["-m", "venv", "--clear", ".venv"]);
    }
    for (const file of requirements) {
      await once(`.venv/${file}.stamp`, await fingerprint([`python/${file}`]), () =>
        run(python, ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", `python/${file}`], {
          hint: "pip must reach its package index: check the network or the proxy and run the same again.",
        }),
      );
    }
  });
}

/** Builds and packages the extension when a source has changed. */
export async function setUpBuild() {
  const sources = await fingerprint([
    ...[
      "src",
      "python/adaptive_scheduler",
      "media",
      "examples/first",
      "scripts/build.mjs",
      "scripts/notices.mjs",
      "scripts/licences",
      "scripts/settings.mjs",
      "scripts/package.mjs",
      ".vscodeignore",
    ],
    ...["package.json", "package-lock.json", "README.md", "CHANGELOG.md", "LICENSE"],
  ]);
  await step("Build", () =>
    once("dist/.stamp", sources, async () => {
      await run(process.execPath, ["scripts/build.mjs"]);
      await run(process.execPath, ["scripts/package.mjs"]);
    }),
  );
}

/** Chromium for the end-to-end tests. */
export async function setUpChromium() {
  await step("Chromium", async () => {
    if (!(await findChromium())) await install(["chromium"], "The end-to-end tests need Chromium.");
  });
}

/** The login shells that people have on head nodes. */
export async function setUpShells() {
  await step("Shells", async () => {
    const shells = ["tcsh", "fish"];
    const found = await Promise.all(shells.map(onPath));
    const missing = shells.filter((_, i) => !found[i]);
    if (missing.length > 0) await install(missing, `The tests of head nodes need ${missing.join(" and ")}.`);
  });
}

/** The Node that is installed on a head node without one, from npm; `src/remote/deploy/nodeRelease.ts` pins it. */
export async function setUpNodeArchive() {
  await step("Node for head nodes", async () => {
    const pinned = await readFile(join(root, "src/remote/deploy/nodeRelease.ts"), "utf8");
    const version = /^const version = "([\d.]+)";$/m.exec(pinned)?.[1] ?? "";
    const name = `node-linux-${process.arch}`;
    await mkdir(join(root, ".node-archive"), { recursive: true });
    if (await exists(join(root, ".node-archive", `${name}-${version}.tgz`))) return;
    await run("npm", ["pack", `${name}@${version}`, "--pack-destination", ".node-archive"], {
      hint: "npm must reach its registry: check the network or the proxy and run the same again.",
    });
  });
}

/** An SSH server, of which the tests start some for themselves. */
export async function setUpSshd() {
  await step("SSH server", async () => {
    const found = await Promise.all([onPath("ssh-keygen"), exists("/usr/sbin/sshd")]);
    if (found.includes(null) || found.includes(false)) {
      await install(["openssh-server", "openssh-client"], "The tests of SSH need OpenSSH.");
    }
  });
}

/** A Slurm cluster of this machine's own for the tests, which `endCluster` ends. */
export async function setUpCluster() {
  await step("Slurm cluster", async () => {
    const names = ["slurmctld", "slurmd", "slurmdbd", "sbatch", "munged", "mariadbd", "ip"];
    const found = await Promise.all(names.map(onPath));
    const packages = [
      ...["slurmctld", "slurmd", "slurmdbd", "slurm-client", "slurm-wlm-basic-plugins", "slurm-wlm-mysql-plugin"],
      ...["munge", "mariadb-server", "iproute2", "python3-venv"],
    ];
    // Of its users, who cannot read a Python that lies in the folder of another.
    const hasVenv = (await tryRun("/usr/bin/python3", ["-c", "import venv, ensurepip"])).exitCode === 0;
    if (found.includes(null) || !hasVenv) {
      await install(packages, "The tests on a cluster need Slurm and Debian's Python.");
    }
    await run(clusterScript, ["up"], {
      hint: "The tests on a real Slurm run as root on Debian or Ubuntu, where network namespaces are permitted; npm test with names of parts runs the others.",
    });
  });
}

/**
 * Slurms of other versions than this machine's, in roots of their own.
 * @param {readonly string[]} debians whose they are
 */
export async function setUpSlurms(debians) {
  await step(`Slurm of Debian's ${debians.join(", ")}`, async () => {
    const found = await Promise.all(["debootstrap", "ip"].map(onPath));
    if (found.includes(null)) {
      await install(["debootstrap", "iproute2"], "The tests on Slurms of other versions need debootstrap.");
    }
    for (const debian of debians) {
      await run(join(root, "test/cluster/versions/slurm.sh"), ["make", debian], {
        hint: "These tests run as root on Debian or Ubuntu, where namespaces are permitted and a mirror of Debian is reached.",
      });
    }
  });
}

/** Ends the cluster of `setUpCluster`, with everything that runs on it. */
export const endCluster = () => run(clusterScript, ["down"]);

const clusterScript = join(root, "test/cluster/cluster.sh");

/**
 * Installs packages of the system.
 * @param {readonly string[]} packages
 * @param {string} why said to a person who has to do it
 */
async function install(packages, why) {
  const command = `apt-get update && apt-get install -y --no-install-recommends ${packages.join(" ")}`;
  const hint = `Install it and run the same again: ${process.platform === "darwin" ? `brew install ${packages.join(" ")}` : `sudo sh -c '${command}'`}`;
  if (process.getuid?.() !== 0) throw new StepError(why, hint);
  await run("sh", ["-c", command], { hint });
}

/** @returns {Promise<string | null>} */
export async function findChromium() {
  const onMac = ["Chromium", "Google Chrome"].map((name) => `/Applications/${name}.app/Contents/MacOS/${name}`);
  for (const name of ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"]) {
    const path = await onPath(name);
    if (path) return path;
  }
  for (const path of onMac) if (await exists(path)) return path;
  return null;
}

/**
 * @param {string} name of a command
 * @returns {Promise<string | null>} its path
 */
export async function onPath(name) {
  for (const folder of (process.env.PATH ?? "").split(":")) {
    const path = join(folder, name);
    if (await exists(path)) return path;
  }
  return null;
}

/** A Python that can make the environment. */
async function findPython() {
  const script = "import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 9))";
  const names = ["python3", ...[14, 13, 12, 11, 10, 9].map((minor) => `python3.${minor}`)];
  for (const name of names) if ((await tryRun(name, ["-c", script])).exitCode === 0) return name;
  throw new StepError(
    `No Python of at least 3.9 with venv was found; tried ${names.join(", ")}.`,
    process.platform === "darwin"
      ? "Install it and run the same again: brew install python"
      : "Install it and run the same again; on Debian and Ubuntu: sudo apt-get install python3 python3-venv",
  );
}

/** @param {string} path */
function exists(path) {
  return access(path).then(
    () => true,
    () => false,
  );
}

import { chmod, copyFile, lchown, mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { Clusters } from "../../src/remote/connectClusters";
import { distFolder, memento, npmArchive, programsWithoutNode } from "../integration/deploy/headNode";
import { type RealSshd, startSshd } from "../integration/remote/ssh/realSshd";
import { newKey, person } from "../integration/remote/ssh/ssh2Server";
import { configurationOf } from "../integration/remote/ssh/sshWorld";
import { temporaryFolder } from "../unit/scheduler/runFixture";
import { testCluster } from "./testCluster";

/** How a site lets a person in to the test cluster. */
export interface Site {
  user: string;
  shell: string;
  /** Lines of its sshd_config. */
  sshd: readonly string[];
  /** Files of the user's home, by name. */
  home: Readonly<Record<string, string>>;
  hasNode: boolean;
  /** What `adaptive.clusters` says of it. */
  profile: object;
}

/** A head node behind sshd, and the laptop of a person who calls it `hpc`. */
export interface Visit {
  home: string;
  sshd: RealSshd;
  clusters: Clusters;
  /** What the person was asked while logging in. */
  asked: readonly string[];
}

/** Admits a user to a site, who has a key with a passphrase, and types that once. */
export async function visit(site: Site): Promise<Visit> {
  const home = await admit(site);
  const path = site.hasNode ? "" : ` PATH=${join(home, "programs")}`;
  const settings = [`SetEnv SLURM_CONF=${process.env["SLURM_CONF"] ?? ""}${path}`, ...site.sshd];
  const sshd = await startSshd(() => settings, site.user);
  onTestFinished(() => sshd.stop());
  const passphrase = "open sesame";
  const key = newKey("locked", { passphrase });
  await writeFile(join(sshd.folder, "user_key"), key.private);
  await writeFile(join(sshd.folder, "user_key.pub"), `${key.public}\n`);
  const laptop = await temporaryFolder();
  const { prompts, asked } = person(passphrase);
  const memory = memento();
  const clusters = new Clusters({
    configuration: await configurationOf("hpc", sshd.host, laptop),
    setting: { get: () => ({ hpc: site.profile }), setSchedulerInJob: async () => undefined },
    distFolder,
    storage: laptop,
    ...{ memory, everywhere: memory },
    questions: {
      prompts,
      askForNode: async () => ({ kind: "file", path: npmArchive }),
      agreeToSend: async () => true,
      offerJob: async () => false,
    },
    log: () => undefined,
  });
  onTestFinished(() => clusters.dispose());
  return { home, sshd, clusters, asked };
}

/** @returns the new user's home */
async function admit({ user, shell, home: files, hasNode }: Site): Promise<string> {
  await testCluster.dismiss(user);
  await testCluster.admit(user, shell);
  const home = testCluster.home(user);
  onTestFinished(async ({ task: { result } }) => {
    if (result?.state === "fail") console.error(await whatRunsLeft(home));
    await testCluster.dismiss(user);
  });
  if (hasNode) {
    // That of the tests may lie where only root can read.
    await mkdir(join(home, "bin"));
    await copyFile(process.execPath, join(home, "bin", "node"));
    await chmod(join(home, "bin", "node"), 0o755);
  } else {
    await programsWithoutNode(join(home, "programs"));
    await writeFile(join(home, ".bash_profile"), "PATH=$HOME/programs\n");
  }
  for (const [name, content] of Object.entries(files)) await writeFile(join(home, name), content);
  const { uid, gid } = await stat(home);
  for (const name of await readdir(home, { recursive: true })) await lchown(join(home, name), uid, gid);
  return home;
}

/** Logs of the schedulers and output of the jobs. */
async function whatRunsLeft(home: string): Promise<string> {
  const names = await readdir(join(home, "adaptive-runs"), { recursive: true }).catch(() => []);
  const logs = names.filter((name) => /\.adaptive\/(scheduler\.log|jobs\/.*\.out)$/.test(name));
  const texts = logs.map(
    async (name) => `--- ${name}\n${(await readFile(join(home, "adaptive-runs", name), "utf8")).slice(-3000)}`,
  );
  return (await Promise.all(texts)).join("\n");
}

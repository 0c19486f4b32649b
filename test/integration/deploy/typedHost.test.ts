import { appendFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { Clusters } from "../../../src/remote/connectClusters";
import { temporaryFolder } from "../../unit/scheduler/runFixture";
import { python } from "../program";
import { startSshd } from "../remote/ssh/realSshd";
import { person } from "../remote/ssh/ssh2Server";
import { configurationOf } from "../remote/ssh/sshWorld";
import { createHome, distFolder, memento } from "./headNode";

test("a host that was typed is offered in every workspace from then on, once it has let the person in", async () => {
  const home = await createHome();
  const sshd = await startSshd(() => [`SetEnv HOME=${home}`]);
  onTestFinished(() => sshd.stop());
  const laptop = await temporaryFolder();
  const everywhere = memento();
  const typed = `${sshd.host.user}@127.0.0.1:${sshd.host.port}`;
  const configuration = await configurationOf("hpc", sshd.host, laptop);
  // Of the key and the known hosts, for hosts without a name.
  await appendFile(
    join(laptop, "config"),
    ["Host *", ...sshd.host.identityFiles.map((file) => `  IdentityFile ${file}`)]
      .concat(
        sshd.host.userKnownHostsFiles.map((file) => `  UserKnownHostsFile ${file}`),
        "",
      )
      .join("\n"),
  );
  const open = (setting: object): Clusters => {
    const clusters = new Clusters({
      ...{ configuration, distFolder, storage: laptop, memory: memento(), everywhere },
      setting: { get: () => setting, setSchedulerInJob: () => Promise.resolve() },
      questions: {
        prompts: person().prompts,
        askForNode: () => Promise.resolve(null),
        agreeToSend: () => Promise.resolve(true),
        offerJob: () => Promise.resolve(false),
      },
      log: () => undefined,
    });
    onTestFinished(() => clusters.dispose());
    return clusters;
  };
  const { signal } = new AbortController();
  await open({ [typed]: { python, node: process.execPath } })
    .host(typed)
    .ready({ isAsked: true, onStep: () => undefined, signal });
  expect(await open({}).names()).toEqual(["hpc", typed]);
});

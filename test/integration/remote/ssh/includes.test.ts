import { execFile } from "node:child_process";
import { mkdir, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { listHosts, resolveHost, type SshConfiguration } from "../../../../src/remote/ssh/resolveHost";
import { temporaryFolder } from "../../../unit/scheduler/runFixture";

const run = promisify(execFile);

/** A configuration that includes in every way there is: a host in each file, whose port tells that it was read. */
async function configuration(files: Record<string, string>): Promise<SshConfiguration & { at(name: string): string }> {
  const home = await temporaryFolder();
  const at = (name: string): string => join(home, ".ssh", name);
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(at(name)), { recursive: true });
    await writeFile(at(name), text.replaceAll("HOME", home), { mode: 0o600 });
  }
  const machine = { home, user: "ada", platform: process.platform, agentSocket: undefined };
  // Without ssh the files are read here.
  return { at, machine, files: [at("config")], isStandard: false, program: "ssh-that-is-not-there" };
}

const host = (name: string, port: number): string => `Host ${name}\n  Port ${port}\n  User u${port}\n`;

test("what is included is what ssh includes, for each host and file", async () => {
  const all = await configuration({
    config: [
      'Include HOME/.ssh/config.d/* "HOME/.ssh/vm.d/my vms.conf"',
      "Include HOME/.ssh/sites/*/config",
      "Include HOME/.ssh/nested",
      "Include HOME/.ssh/one.? HOME/.ssh/nothing/*",
      "Host inside",
      "  Include HOME/.ssh/inner",
      "Host *",
      "  Port 9",
    ].join("\n"),
    "config.d/.DS_Store": "\0\x01\x02Host hidden\nPort 1\n",
    "config.d/.hidden": host("dotted", 10),
    "config.d/a": host("first", 11),
    "config.d/b.conf": host("second", 12),
    "config.d/folder/x": host("deeper", 13),
    "sites/x/config": host("sitex", 14),
    "sites/y/config": host("sitey", 15),
    "sites/.z/config": host("sitez", 16),
    "vm.d/my vms.conf": host("vm", 17),
    "vm.d/other.conf": host("othervm", 18),
    nested: `Include HOME/.ssh/nested2\n${host("nested", 19)}`,
    nested2: host("nested2", 20),
    "one.x": host("one", 21),
    "one.xy": host("two", 22),
    inner: "Port 23\nUser u23\n",
  });
  const named = ["first", "second", "sitex", "sitey", "vm", "nested", "nested2", "one", "inside"];
  const problems: string[] = [];
  expect((await listHosts(all, (problem) => problems.push(problem))).sort()).toEqual([...named].sort());
  expect(problems).toEqual([]);
  for (const name of [...named, "dotted", "deeper", "sitez", "othervm", "two", "hidden"]) {
    const { stdout } = await run("ssh", ["-G", "-F", all.at("config"), name]);
    const { port } = await resolveHost(name, all);
    expect([name, String(port)]).toEqual([name, /^port (\d+)$/m.exec(stdout)?.[1]]);
  }
});

test("a file that cannot be read costs its own hosts, and says so", async () => {
  const all = await configuration({
    config: ["Include HOME/.ssh/d/*", host("own", 11)].join("\n"),
    "d/binary": "\0\x01Host bad\n",
    "d/good": host("good", 12),
    "d/loop": "Include HOME/.ssh/d/loop\nHost looped\n  Port 13\n",
    "d/mark": `\ufeff${host("marked", 14)}`,
  });
  await symlink("/dev/zero", all.at("d/zero"));
  await mkdir(all.at("d/folder"));
  const problems: string[] = [];
  const hosts = await listHosts(all, (problem) => problems.push(problem));
  expect(hosts).toEqual(expect.arrayContaining(["own", "good", "marked"]));
  expect(hosts).not.toContain("bad");
  const about = (name: string): boolean => problems.some((problem) => problem.startsWith(`${all.at(name)}: `));
  expect([about("d/binary"), about("d/loop"), about("d/zero"), about("d/folder")]).toEqual([true, true, true, false]);
});

test("what was typed holds, also where there is no ssh to ask", async () => {
  const none = await configuration({});
  expect(await resolveHost("eve@hpc:2222", none)).toMatchObject({ hostName: "hpc", user: "eve", port: 2222 });
  expect(await listHosts(none)).toEqual([]);
});

test("a certificate that the configuration names is known", async () => {
  const all = await configuration({ config: "Host hpc\n  CertificateFile ~/.ssh/id-cert.pub\n" });
  const host = await resolveHost("hpc", all);
  expect(host.certificateFiles).toEqual([all.at("id-cert.pub")]);
});

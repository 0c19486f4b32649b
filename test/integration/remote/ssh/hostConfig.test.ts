import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir, userInfo } from "node:os";
import { dirname, join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import type { HostConfig } from "../../../../src/remote/ssh/hostConfig";
import { listHosts, parseTarget, resolveHost, type SshConfiguration } from "../../../../src/remote/ssh/resolveHost";

/** A home with an SSH configuration and files that it includes. */
async function configuration(program: string, files: Record<string, string>): Promise<SshConfiguration> {
  const home = await mkdtemp(join(tmpdir(), "adaptive-home-"));
  onTestFinished(() => rm(home, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(home, ".ssh", name)), { recursive: true });
    await writeFile(join(home, ".ssh", name), text.replaceAll("HOME", home));
  }
  const machine = { home, user: userInfo().username, platform: process.platform, agentSocket: "/agent" };
  return { machine, files: [join(home, ".ssh/config")], isStandard: false, program };
}

const ssh = {
  "asked of ssh": "ssh",
  "read by ourselves, where there is no ssh": "/no/such/ssh",
};

/** Of each: the configuration, the host as it is called, and what is to come out. */
const table: Record<string, [string, string, Partial<HostConfig>]> = {
  "a host that is nowhere named": ["", "hpc1", { name: "hpc1", hostName: "hpc1", port: 22, user: userInfo().username }],
  "HostName, Port, User": [
    "Host hpc\n  HostName hpc1.example.org\n  Port 2222\n  User ada\n",
    "hpc",
    { name: "hpc", hostName: "hpc1.example.org", port: 2222, user: "ada" },
  ],
  "%h in HostName": ["Host hpc\n HostName %h.example.org\n", "hpc", { hostName: "hpc.example.org" }],
  "letters of the other case, = and quotes": [
    'host hpc\n PORT = 2222\n user="ada"\n',
    "hpc",
    { port: 2222, user: "ada" },
  ],
  "several names": ["Host gpu hpc\n Port 2222\n", "hpc", { port: 2222 }],
  "the first value counts": [
    "Host hpc\n Port 2222\nHost *\n Port 3333\n User ada\n",
    "hpc",
    { port: 2222, user: "ada" },
  ],
  "a pattern and what is taken out of it": ["Host *.org !gpu.org\n Port 2222\n", "gpu.org", { port: 22 }],
  Match: ['Match host "hpc*"\n Port 2222\n', "hpc1", { port: 2222 }],
  "Match by another host": ["Match host gpu\n Port 2222\n", "hpc1", { port: 22 }],
  Include: ["Include HOME/.ssh/config.d/*\nHost *\n User ada\n", "hpc", { port: 2222, user: "ada" }],
  "Include within a host": ["Host hpc\n Include HOME/.ssh/more\n User ada\n", "hpc", { port: 3333, user: "ada" }],
  ProxyJump: ["Host hpc\n ProxyJump ada@gate:2222,second\n", "hpc", { jumps: ["ada@gate:2222", "second"] }],
  "no ProxyJump": ["Host hpc\n ProxyJump none\nHost *\n ProxyJump gate\n", "hpc", { jumps: [] }],
  ProxyCommand: [
    "Host hpc\n User ada\n ProxyCommand nc -x proxy %h %p\n",
    "hpc",
    { proxyCommand: "nc -x proxy hpc 22" },
  ],
  "IdentityFile and IdentitiesOnly": [
    "Host hpc\n IdentityFile ~/.ssh/%h.key\n IdentityFile HOME/other\n IdentitiesOnly yes\n",
    "hpc",
    { identityFiles: ["HOME/.ssh/hpc.key", "HOME/other"], identitiesOnly: true },
  ],
  "known hosts": [
    "Host hpc\n UserKnownHostsFile HOME/mine HOME/ours\n GlobalKnownHostsFile /etc/theirs\n",
    "hpc",
    { userKnownHostsFiles: ["HOME/mine", "HOME/ours"], globalKnownHostsFiles: ["/etc/theirs"] },
  ],
  "HostKeyAlias and StrictHostKeyChecking": [
    "Host hpc\n HostKeyAlias cluster\n StrictHostKeyChecking accept-new\n",
    "hpc",
    { hostKeyAlias: "cluster", hostKeyChecking: "accept-new" },
  ],
  "StrictHostKeyChecking no": ["StrictHostKeyChecking no\n", "hpc", { hostKeyChecking: "accept-new" }],
  "StrictHostKeyChecking yes": ["StrictHostKeyChecking yes\n", "hpc", { hostKeyChecking: "yes" }],
  "the agent": ["", "hpc", { agent: "/agent" }],
  "an agent of its own": ["Host hpc\n IdentityAgent HOME/agent.sock\n", "hpc", { agent: "HOME/agent.sock" }],
  "no agent": ["Host hpc\n IdentityAgent none\n", "hpc", { agent: null }],
  "ways to log in": [
    "Host hpc\n PasswordAuthentication no\n PreferredAuthentications keyboard-interactive,password,publickey\n",
    "hpc",
    { methods: ["keyboard-interactive", "publickey"] },
  ],
  "no keys": ["PubkeyAuthentication no\n", "hpc", { methods: ["keyboard-interactive", "password"] }],
  ConnectTimeout: ["ConnectTimeout 7\n", "hpc", { connectTimeoutMs: 7000 }],
  "as a jump names it": [
    "Host gate\n HostName g.example.org\n User x\n",
    "ada@gate:2222",
    {
      name: "gate",
      hostName: "g.example.org",
      user: "ada",
      port: 2222,
    },
  ],
};

describe.each(Object.entries(ssh))("%s", (_, program) => {
  test.each(Object.entries(table))("%s", async (_, [config, name, expected]) => {
    const its = await configuration(program, {
      config,
      "config.d/one": "Host hpc\n Port 2222\n",
      more: "Port 3333\n",
    });
    const wanted = JSON.parse(JSON.stringify(expected).replaceAll("HOME", its.machine.home)) as Partial<HostConfig>;
    expect(await resolveHost(name, its)).toMatchObject(wanted);
  });
});

test("the standard keys and known hosts are the same either way", async () => {
  const [asked, read] = await Promise.all(
    Object.values(ssh).map(async (program) => {
      const its = await configuration(program, { config: "" });
      const { identityFiles } = await resolveHost("hpc", its);
      return identityFiles.map((file) => file.replace(its.machine.home, "HOME"));
    }),
  );
  // ssh also names kinds of keys that hardly anybody has.
  expect(asked).toEqual(expect.arrayContaining(read ?? []));
});

test("Match exec is decided by ssh", async () => {
  const config = ['Match host hpc exec "true"', " Port 2222", 'Match host hpc exec "false"', " User ada", ""].join(
    "\n",
  );
  const { port, user } = await resolveHost("hpc", await configuration("ssh", { config }));
  expect({ port, user }).toEqual({ port: 2222, user: userInfo().username });
});

test("what is relative is so to the home and its folder of ssh", async () => {
  const config = "Include more\nUserKnownHostsFile ~/mine\nIdentityAgent ~/agent.sock\n";
  const its = await configuration("/no/such/ssh", { config, more: "Port 3333\n" });
  const { home } = its.machine;
  expect(await resolveHost("hpc", its)).toMatchObject({
    port: 3333,
    userKnownHostsFiles: [join(home, "mine")],
    agent: join(home, "agent.sock"),
  });
});

test("what ssh cannot read is said in its words", async () => {
  const its = await configuration("ssh", { config: "Host hpc\n Prot 22\n" });
  await expect(resolveHost("hpc", its)).rejects.toMatchObject({
    code: "bad-ssh-config",
    message: expect.stringMatching(/config/),
  });
});

test("hosts are listed once each, without patterns, those of included files too", async () => {
  const its = await configuration("ssh", {
    config:
      "# ours\nInclude config.d/* missing\nHost hpc gpu *.org !x\n Include more\nHost gpu\nMatch host cpu\nHost last\n",
    "config.d/b": "Host from-b\n",
    "config.d/a": "Host from-a\n Port 22\n",
    more: "Host within\n",
  });
  expect(await listHosts(its)).toEqual(["from-a", "from-b", "hpc", "gpu", "within", "last"]);
});

test("no file, no hosts", async () => {
  expect(await listHosts(await configuration("ssh", {}))).toEqual([]);
});

test("a file that includes itself comes to an end", async () => {
  expect(await listHosts(await configuration("ssh", { config: "Host hpc\nInclude config\n" }))).toEqual(["hpc"]);
});

test.each([
  ["hpc", { host: "hpc", user: null, port: null }],
  ["ada@hpc", { host: "hpc", user: "ada", port: null }],
  ["ada@lab@hpc:2222", { host: "hpc", user: "ada@lab", port: "2222" }],
  ["ssh://ada@hpc:2222", { host: "hpc", user: "ada", port: "2222" }],
  ["::1", { host: "::1", user: null, port: null }],
  ["[::1]:2222", { host: "::1", user: null, port: "2222" }],
])("%s is a host", (name, target) => expect(parseTarget(name)).toEqual(target));

test.each(["", "-oProxyCommand=x", "ada@", "hpc:x"])("%j is none", (name) => {
  expect(() => parseTarget(name)).toThrowError(/is no name of a host/);
});

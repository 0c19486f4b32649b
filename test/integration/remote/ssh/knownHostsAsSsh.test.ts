import { execFile } from "node:child_process";
import { createHmac, randomBytes } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { decideHostKey, type HostKeyChecking } from "../../../../src/remote/ssh/hostKeyDecision";
import { matchKnownHosts } from "../../../../src/remote/ssh/knownHosts";
import { type RealSshd, startSshd } from "./realSshd";

const run = promisify(execFile);

/** The key that the server shows, another of its type, and one of another type: `TYPE BLOB`. */
let keys = { shown: "", other: "", rsa: "" };
let sshd: RealSshd;

beforeAll(async () => {
  sshd = await startSshd(() => []);
  const at = (name: string): string => join(sshd.folder, name);
  const make = async (type: string, name: string): Promise<string> => {
    await run("ssh-keygen", ["-q", "-t", type, "-N", "", "-f", at(name)]);
    return withoutComment(await readFile(`${at(name)}.pub`, "utf8"));
  };
  const shown = withoutComment(await readFile(at("host_key.pub"), "utf8"));
  keys = { shown, other: await make("ed25519", "other"), rsa: await make("rsa", "rsa") };
});
afterAll(() => sshd.stop());

function withoutComment(line: string): string {
  return line.split(" ").slice(0, 2).join(" ").trim();
}

function hashed(name: string): string {
  const salt = randomBytes(20);
  return `|1|${salt.toString("base64")}|${createHmac("sha1", salt).update(name).digest("base64")}`;
}

/** Ways in which a line may name the host, or not. */
const names = (port: number): Record<string, string> => ({
  "with its port": `[localhost]:${port}`,
  "without its port": "localhost",
  "in capitals": `[LOCALHOST]:${port}`,
  "with another port": "[localhost]:1",
  "among others": `a.example,[localhost]:${port},b.example`,
  "by a wildcard": "*",
  "by a wildcard for letters": `[local????]:${port}`,
  "without its port, by a wildcard": "local*",
  "not, by an exception": `*,![localhost]:${port}`,
  "with an exception of its bare name": `*,!localhost`,
  hashed: hashed(`[localhost]:${port}`),
  "hashed without its port": hashed("localhost"),
  "hashed in capitals": hashed(`[LOCALHOST]:${port}`),
});

/** What a line may say of which key. */
const saying = (): Record<string, (hosts: string) => string> => ({
  "the key": (hosts) => `${hosts} ${keys.shown}`,
  "another key": (hosts) => `${hosts} ${keys.other}`,
  "a key of another type": (hosts) => `${hosts} ${keys.rsa}`,
  "the key revoked": (hosts) => `@revoked ${hosts} ${keys.shown}`,
  "the key as an authority": (hosts) => `@cert-authority ${hosts} ${keys.shown}`,
  "the key as of another type": (hosts) => `${hosts} ${keys.shown.replace("ssh-ed25519", "ssh-rsa")}`,
  "the key with a comment": (hosts) => `  ${hosts}\t${keys.shown} somebody # on a computer`,
  "the key cut off": (hosts) => `${hosts} ${keys.shown.slice(0, -4)}`,
  "the key behind #": (hosts) => `# ${hosts} ${keys.shown}`,
  "the key behind a marker of the future": (hosts) => `@new ${hosts} ${keys.shown}`,
  "the key behind two markers": (hosts) => `@revoked @cert-authority ${hosts} ${keys.shown}`,
});

/** Whether ssh goes on with the server, by a file that holds this. */
async function asksSsh(text: string, checking: HostKeyChecking, name: string, alias: string | null): Promise<boolean> {
  const file = join(sshd.folder, name);
  await writeFile(file, text);
  const options = [
    ...[
      "BatchMode=yes",
      `StrictHostKeyChecking=${checking}`,
      `UserKnownHostsFile=${file}`,
      "GlobalKnownHostsFile=none",
    ],
    ...["PreferredAuthentications=none", "HostKeyAlgorithms=ssh-ed25519", "UpdateHostKeys=no", "AddressFamily=inet"],
    ...(alias === null ? [] : [`HostKeyAlias=${alias}`]),
  ];
  const args = ["-F", "none", ...options.flatMap((option) => ["-o", option]), "-p", String(sshd.host.port)];
  const { stderr } = await run("ssh", [...args, "localhost", "true"]).catch(
    (error: unknown) => error as { stderr: string },
  );
  if (stderr.includes("Permission denied")) return true;
  if (stderr.includes("Host key verification failed")) return false;
  throw new Error(`ssh said: ${stderr}`);
}

function decidesHere(text: string, checking: HostKeyChecking, alias: string | null): boolean {
  const blob = Buffer.from(keys.shown.split(" ")[1] ?? "", "base64");
  const host = { host: "localhost", port: sshd.host.port, ...(alias === null ? {} : { alias }) };
  return decideHostKey(matchKnownHosts([{ file: "f", text }], host, blob), checking, false).kind === "trust";
}

/** Every way to name it with everything to say, and then pairs of lines. */
function cells(): [string, string][] {
  const ways = Object.entries(names(sshd.host.port));
  const words = Object.entries(saying());
  const named = (way: string): string => names(sshd.host.port)[way] ?? "";
  const said = (what: string, hosts: string): string => saying()[what]?.(hosts) ?? "";
  const single = ways.flatMap(([way, hosts]) =>
    words
      .filter(
        ([what]) => way === "with its port" || way === "without its port" || /^(the|another) key$|revoked/.test(what),
      )
      .map(([what, line]): [string, string] => [`${what}, ${way}`, line(hosts)]),
  );
  const pairWays = ["with its port", "without its port", "by a wildcard"];
  const pairWords = [
    "the key",
    "another key",
    "a key of another type",
    "the key revoked",
    "the key as of another type",
  ];
  const pairs = pairWays.flatMap((way) =>
    pairWays.flatMap((otherWay) =>
      pairWords
        .filter((what) => what !== "the key")
        .map((what): [string, string] => [
          `${what}, ${way}, and the key, ${otherWay}`,
          `${said(what, named(way))}\n${said("the key", named(otherWay))}`,
        ]),
    ),
  );
  return [["nothing", ""], ...single, ...pairs];
}

/** We are stricter on purpose: a key that is revoked for the host is at no port, and what is vouched for is not accepted unseen. */
const isStricter = (cell: string, checking: HostKeyChecking): boolean =>
  /the key revoked, (hashed without its port|without its port|not, by an exception)/.test(cell) ||
  (checking === "accept-new" && cell.includes("authority"));

test.each<HostKeyChecking>(["yes", "accept-new"])(
  "with StrictHostKeyChecking=%s, who is trusted is whom ssh trusts",
  async (checking) => {
    const all = cells();
    const asked = await inTurns(all, 4, async ([cell, text], i) => {
      const [theirs, ours] = [
        await asksSsh(text, checking, `cell-${checking}-${i}`, null),
        decidesHere(text, checking, null),
      ];
      return { cell, theirs, ours };
    });
    expect(asked.filter(({ theirs }) => theirs).length).toBeGreaterThan(10);
    expect(asked.filter(({ theirs, ours }) => ours && !theirs)).toEqual([]);
    expect(asked.filter(({ cell, theirs, ours }) => theirs && !ours && !isStricter(cell, checking))).toEqual([]);
  },
);

test("an alias stands for the name and its port", async () => {
  for (const hosts of ["cluster", "localhost", `[localhost]:${sshd.host.port}`, "[cluster]:22"]) {
    const text = `${hosts} ${keys.shown}`;
    expect([hosts, decidesHere(text, "yes", "cluster")]).toEqual([
      hosts,
      await asksSsh(text, "yes", "alias", "cluster"),
    ]);
  }
});

/** A few at a time: each is a program. */
async function inTurns<T, R>(
  items: readonly T[],
  atOnce: number,
  act: (item: T, i: number) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  for (let i = 0; i < items.length; i += atOnce) {
    results.push(...(await Promise.all(items.slice(i, i + atOnce).map((item, k) => act(item, i + k)))));
  }
  return results;
}

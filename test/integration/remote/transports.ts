import { createHash, randomBytes } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { buffer, text } from "node:stream/consumers";
import { describe, expect, onTestFinished, test } from "vitest";
import {
  type ExecOptions,
  loginShell,
  type RunningProcess,
  type TerminalTransport,
} from "../../../src/remote/transport";
import { isAlive, shownBy } from "./shown";

/** What every transport to this machine must do. */
export function describeTransport(name: string, open: () => Promise<TerminalTransport>): void {
  describe(name, () => {
    test("words reach the program as they are", async () => {
      const words = [
        "",
        " a  b ",
        "it's",
        '"q"',
        "$HOME `x` $(x)",
        "a!b !!",
        "a\\b\\",
        "x\ny\n",
        "*?[a]{b,c}~#;&|<>",
        "é∂",
      ];
      const script = "process.stdout.write(JSON.stringify(process.argv.slice(1)))";
      expect(JSON.parse((await run([process.execPath, "-e", script, "--", ...words])).stdout)).toEqual(words);
    });

    test("output, errors and exit code are told apart", async () => {
      const result = await run(["sh", "-c", "echo out; echo err >&2; exit 7"]);
      expect(result).toEqual({ stdout: "out\n", stderr: "err\n", exit: { code: 7, signal: null } });
    });

    test("who is ended by a signal has no exit code", async () => {
      expect((await run(["sh", "-c", "kill -KILL $$"])).exit).toEqual({ code: null, signal: "SIGKILL" });
    });

    test("bytes pass unchanged in both directions", async () => {
      const bytes = randomBytes(3_000_000);
      const process = await start(["cat"], { stdin: bytes });
      expect((await buffer(process.stdout)).equals(bytes)).toBe(true);
      expect(await process.exit).toEqual({ code: 0, signal: null });
    });

    test("without an input of its own a command can be talked with", async () => {
      const { stdin, stdout, exit } = await start(["cat"]);
      for (const line of ["one\n", "two\n"]) {
        stdin.write(line);
        expect(await next(stdout)).toBe(line);
      }
      stdin.end();
      stdout.resume();
      expect((await exit).code).toBe(0);
    });

    test("a command that does not read its input ends", async () => {
      expect((await run(["true"], { stdin: Buffer.alloc(5_000_000) })).exit.code).toBe(0);
    });

    test("folder and environment are what was asked for", async () => {
      const cwd = await emptyFolder("a folder's");
      const result = await run(["sh", "-c", 'pwd; printf %s "$GREETING"'], { cwd, env: { GREETING: "it's $HOME" } });
      expect(result.stdout).toBe(`${cwd}\nit's $HOME`);
    });

    test("a program or a folder that does not exist is named", async () => {
      const missing = { code: "not-started", message: expect.stringContaining("/no/such/program") };
      await expect(start(["/no/such/program", "x"])).rejects.toMatchObject(missing);
      await expect(start(["true"], { cwd: "/no/such/folder" })).rejects.toMatchObject({
        code: "not-started",
        hint: expect.stringContaining("/no/such/folder"),
      });
    });

    test("aborting ends the process", async () => {
      const aborting = new AbortController();
      const process = await start(["sh", "-c", "echo up; exec sleep 1000"], { signal: aborting.signal });
      await next(process.stdout);
      aborting.abort();
      expect((await process.exit).code).toBeNull();
      await expect(start(["true"], { signal: aborting.signal })).rejects.toMatchObject({ code: "cancelled" });
    });

    test("several commands run at once", async () => {
      const transport = await open();
      const folder = await emptyFolder();
      const { signal } = new AbortController();
      // Each waits for all others.
      const script = 'touch "$1"; while [ "$(ls | wc -l)" -lt 4 ]; do sleep 0.05; done; echo "$1"';
      const names = ["a", "b", "c", "d"];
      const processes = await Promise.all(
        names.map((own) => transport.exec(["sh", "-c", script, "sh", own], { cwd: folder, signal })),
      );
      const outputs = await Promise.all(processes.map(({ stdout }) => text(stdout)));
      expect(outputs).toEqual(names.map((own) => `${own}\n`));
    });

    test("a terminal has a size, is resized, and ends with an exit code", async () => {
      const { input, output, resize, exit } = await openTerminal(["sh", "-c", "stty size; read x; stty size; exit 3"]);
      const shown = shownBy(output);
      await shown.until("24 80");
      resize({ rows: 30, columns: 100 });
      input.write("\r");
      await shown.until("30 100");
      expect(await exit).toEqual({ code: 3, signal: null });
    });

    test("a terminal with the person's own shell", async () => {
      const { input, output, exit } = await openTerminal(loginShell, { env: { SHELL: "/bin/sh" } });
      const shown = shownBy(output);
      input.write("echo 1$((1 + 1))3; exit 5\r");
      await shown.until("123");
      expect((await exit).code).toBe(5);
    });

    test("a terminal has a folder and an environment, and is ended by a signal", async () => {
      const cwd = await emptyFolder();
      const aborting = new AbortController();
      const { signal } = aborting;
      const wish = { cwd, env: { GREETING: "hello" }, signal };
      const argv = ["sh", "-c", 'pwd; echo "$GREETING"; echo "$TERM"; exec sleep 1000'];
      const { output, exit } = await openTerminal(argv, wish);
      const shown = shownBy(output);
      await shown.until(`${cwd}\r\nhello\r\nxterm-256color`);
      aborting.abort();
      expect((await exit).code).toBeNull();
      await expect(openTerminal(["/no/such/program"])).rejects.toMatchObject({ code: "not-started" });
    });

    test("an interactive shell, deaf to being told to end, ends with its terminal, and with it what it runs", async () => {
      const aborting = new AbortController();
      const shell = await openTerminal(["bash", "--norc", "-i"], { signal: aborting.signal });
      const shown = shownBy(shell.output);
      shell.input.write("sleep 1001 & sh -c 'echo pids: $$ $PPID; exec sleep 1002'\r");
      const [, ...pids] = await shown.match(/pids: (\d+) (\d+)\r/);
      aborting.abort();
      expect((await shell.exit).code).toBeNull();
      await expect.poll(() => pids.filter(isAlive), { timeout: 30_000 }).toEqual([]);
    });

    test("a file is there, whole, with its permissions, in a folder made for it", async () => {
      const transport = await open();
      const folder = await emptyFolder();
      const file = join(folder, "new folder", "it's $HOME");
      const { signal } = new AbortController();
      const content = randomBytes(2_500_000);
      const sent: number[] = [];
      await transport.upload(Buffer.from("older and longer or not"), file, { signal });
      expect((await stat(file)).mode & 0o777).toBe(0o600);
      await transport.upload(content, file, { signal, mode: 0o750, onProgress: (bytes) => sent.push(bytes) });
      expect(sha256(await readFile(file))).toBe(sha256(content));
      expect((await stat(file)).mode & 0o777).toBe(0o750);
      expect((await stat(join(folder, "new folder"))).mode & 0o777).toBe(0o700);
      expect(await readdir(join(folder, "new folder"))).toEqual(["it's $HOME"]);
      expect(sent.at(-1)).toBe(content.length);
    });

    test("an empty file", async () => {
      const file = join(await emptyFolder(), "empty");
      await (await open()).upload(Buffer.alloc(0), file, { signal: new AbortController().signal });
      expect((await stat(file)).size).toBe(0);
    });

    test("what cannot be written says so and leaves nothing", async () => {
      const transport = await open();
      const folder = await emptyFolder();
      await writeFile(join(folder, "file"), "");
      await mkdir(join(folder, "taken", "inside"), { recursive: true });
      const { signal } = new AbortController();
      for (const target of [join(folder, "file", "below"), join(folder, "taken")]) {
        await expect(transport.upload(Buffer.from("x"), target, { signal })).rejects.toMatchObject({
          code: "upload-failed",
          message: expect.stringContaining(target),
        });
      }
      expect((await readdir(folder)).sort()).toEqual(["file", "taken"]);
    });

    test("a cancelled upload changes nothing", async () => {
      const transport = await open();
      const folder = await emptyFolder();
      await expect(
        transport.upload(Buffer.from("x"), join(folder, "file"), { signal: AbortSignal.abort() }),
      ).rejects.toMatchObject({ code: "cancelled" });
      expect(await readdir(folder)).toEqual([]);
    });

    async function openTerminal(argv: readonly string[], options: Partial<ExecOptions> = {}) {
      const size = { rows: 24, columns: 80 };
      return (await open()).terminal(argv, { size, signal: new AbortController().signal, ...options });
    }

    async function start(argv: readonly string[], options: Partial<ExecOptions> = {}): Promise<RunningProcess> {
      return (await open()).exec(argv, { signal: new AbortController().signal, ...options });
    }

    async function run(argv: readonly string[], options: Partial<ExecOptions> = {}) {
      const process = await start(argv, { stdin: "", ...options });
      const [stdout, stderr, exit] = await Promise.all([text(process.stdout), text(process.stderr), process.exit]);
      return { stdout, stderr, exit };
    }
  });
}

async function next(stream: Readable): Promise<string> {
  return new Promise((resolve, reject) => {
    stream.once("data", (chunk: Buffer) => {
      stream.pause();
      resolve(chunk.toString());
    });
    stream.once("end", () => reject(new Error("it ended")));
    stream.resume();
  });
}

async function emptyFolder(prefix = "folder"): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), `adaptive-${prefix}-`));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

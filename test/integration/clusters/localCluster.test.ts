import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test, vi } from "vitest";
import { localCluster } from "../../../src/scheduler/clusters/local";
import { runCommand } from "../../../src/scheduler/clusters/runCommand";
import { areRunning, haveEnded, testContract } from "./contract";

const subject = testContract((folder) => localCluster(folder, "study"), "");

/** The command lines of this machine's processes. */
const processes = () =>
  runCommand({
    argv: ["ps", "-A", "-o", "args="],
    deadlineMs: 10_000,
    parse: ({ stdout }) => stdout.split("\n"),
  });

describe("a local job", () => {
  test("is in no terminal's session and not in ours", async () => {
    const { submit, until, outputOf } = subject();
    await submit(1, 1, `ps -o sid= -p $$; ps -o tty= -p $$; exit 0\n`);
    await until(haveEnded);
    const [session, terminal] = (await outputOf("1_1")).trim().split("\n");
    expect(Number(session)).not.toBe(process.pid);
    expect(terminal?.trim()).toBe("?");
  });

  test("is found by another scheduler: its identity lies in the folder", async () => {
    const { submit, until, folder } = subject();
    await submit(1, 1, "sleep 1000\n");
    const heir = localCluster(folder, "study");
    expect(await runCommand(heir.list(new Set()))).toMatchObject([{ id: "1_1", state: "running" }]);
    await runCommand(heir.cancel(["1_1"], false));
    expect(await until(haveEnded)).toMatchObject([{ id: "1_1", end: { exitCode: 143 } }]);
  });

  test("is not taken for a later process with its pid", async () => {
    const { cluster, submit, folder } = subject();
    await submit(1, 1, "sleep 1000\n");
    const path = join(folder, "1_1.pid");
    const identity = await readFile(path, "utf8");
    await writeFile(path, identity.replace(/^(\d+) \d+/, "$1 1"));
    expect(await runCommand(cluster.list(new Set()))).toMatchObject([
      { id: "1_1", state: "ended", end: { exitCode: null } },
    ]);
    await writeFile(path, identity);
  });

  test("lives as long as any of its group, also when its first process is killed alone", async () => {
    const { cluster, submit, until, outputOf, folder } = subject();
    await submit(1, 1, "echo ready; sleep 1000\n");
    while (!(await outputOf("1_1")).includes("ready")) await until(areRunning(1));
    process.kill(Number.parseInt(await readFile(join(folder, "1_1.pid"), "utf8")), "SIGKILL");
    for (let poll = 0; poll < 5; poll++) {
      expect(await runCommand(cluster.list(new Set()))).toMatchObject([{ id: "1_1", state: "running" }]);
    }
    await runCommand(cluster.cancel(["1_1"], false));
    expect(await until(haveEnded)).toMatchObject([{ id: "1_1", end: { exitCode: null } }]);
  });

  test("leaves nothing running when its script ends", async () => {
    const { submit, until } = subject();
    await submit(1, 1, `(trap "" TERM; exec sleep 1005) &\nexit 3\n`);
    expect(await until(haveEnded)).toMatchObject([{ id: "1_1", end: { exitCode: 3 } }]);
    await vi.waitUntil(async () => !(await processes()).includes("sleep 1005"), { timeout: 60_000 });
  });

  test("is cancelled with everything it started, also what left its process group", async () => {
    const { cluster, submit, until, outputOf } = subject();
    await submit(
      1,
      2,
      `setsid sleep 1006 & setsid bash -c 'trap "" TERM; sleep 1002; sleep 1003' & echo ready; wait\n`,
    );
    while (!(await outputOf("1_1")).includes("ready") || !(await outputOf("1_2")).includes("ready"))
      await until(areRunning(2));
    await runCommand(cluster.cancel(["1_1"], true));
    expect(await until(areRunning(1))).toMatchObject([
      { id: "1_1", state: "ended", end: { exitCode: null } },
      { id: "1_2", state: "running" },
    ]);
    expect((await processes()).filter((line) => line === "sleep 1006")).toHaveLength(1);
  });
});

describe("a command", () => {
  const command = { stdin: "", deadlineMs: 10_000, parse: (output: unknown) => output };

  test("that is missing is named", async () => {
    await expect(runCommand({ ...command, argv: ["no-such-queue"] })).rejects.toMatchObject({
      code: "command-missing",
    });
  });

  test("that hangs is ended at its deadline, with what it started", async () => {
    const argv = ["bash", "-c", "sleep 1004 & sleep 1004"];
    await expect(runCommand({ ...command, argv, deadlineMs: 50 })).rejects.toMatchObject({ code: "command-timeout" });
  });

  test("may end without reading its input", async () => {
    const output = await runCommand({ ...command, argv: ["true"], stdin: "x".repeat(1 << 20) });
    expect(output).toMatchObject({ exitCode: 0 });
  });
});

import type { Client } from "ssh2";

/** What is needed at a time: the link of a run, a command, a terminal. */
const wantedSessions = 3;

/** As much as the start-up files of its shell may print. */
const maxNoiseBytes = 1024 * 1024;

/**
 * Whether a server allows as many sessions on one connection as are needed (`MaxSessions` of sshd_config(5)): opens them
 * at once, each for a shell that ends. (A subsystem that does not exist would start none, but ssh2 keeps its session.)
 * @param signal gives up one that does not end: it was opened
 */
export async function hasSessions(client: Client, signal: AbortSignal): Promise<boolean> {
  const open = (): Promise<boolean> =>
    new Promise((resolve) => {
      client.exec("exit", (error, channel) => {
        if (error !== undefined) return resolve(!isRefusedSession(error));
        channel.on("close", () => resolve(true)).on("error", () => undefined);
        const giveUp = (): void => {
          channel.close();
          resolve(true);
        };
        if (signal.aborted) giveUp();
        else signal.addEventListener("abort", giveUp, { once: true });
        let bytes = 0;
        const count = (chunk: Buffer): void => {
          bytes += chunk.length;
          if (bytes > maxNoiseBytes) giveUp();
        };
        channel.on("data", count).stderr.on("data", count);
      });
    });
  return !(await Promise.all(Array.from({ length: wantedSessions }, open))).includes(false);
}

/** Whether an error says that the server allows no further session: only those that are not opened have a reason. */
export function isRefusedSession(error: unknown): boolean {
  return error instanceof Error && "reason" in error && typeof error.reason === "number";
}

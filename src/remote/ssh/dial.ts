import { spawn } from "node:child_process";
import { once } from "node:events";
import { createConnection } from "node:net";
import { Duplex } from "node:stream";
import type { HostConfig } from "./hostConfig";
import { cancelled, connectionError, lost, unreachable } from "./sshErrors";

/** A stream of bytes to a host's SSH server, straight or through its `ProxyCommand`. */
export async function dial(host: HostConfig, signal: AbortSignal): Promise<Duplex> {
  if (signal.aborted) throw cancelled();
  if (host.proxyCommand !== null) return throughCommand(host, host.proxyCommand);
  const socket = createConnection({ host: host.hostName, port: host.port, noDelay: true });
  const deadline = AbortSignal.timeout(host.connectTimeoutMs);
  try {
    await once(socket, "connect", { signal: AbortSignal.any([signal, deadline]) });
    return socket;
  } catch (error) {
    socket.on("error", () => undefined).destroy();
    if (signal.aborted) throw cancelled();
    throw deadline.aborted ? unreachable(host) : connectionError(host, error);
  }
}

/** As ssh does, by the person's shell; what it says on standard error explains why it ended. */
function throughCommand(host: HostConfig, command: string): Duplex {
  const child = spawn(process.platform === "win32" ? command : `exec ${command}`, {
    shell: true,
    stdio: "pipe",
    windowsHide: true,
  });
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (said = (said + text).slice(-2000)));
  const stream = new Duplex({
    read: () => child.stdout.resume(),
    // Of one that has ended its exit tells more than a broken pipe.
    write: (chunk, _encoding, done) => child.stdin.write(chunk, () => done()),
    final: (done) => child.stdin.end(() => done()),
    destroy: (error, done) => {
      child.kill();
      done(error);
    },
  });
  child.stdin.on("error", () => undefined);
  child.stdout.on("data", (chunk: Buffer) => {
    if (!stream.push(chunk)) child.stdout.pause();
  });
  child.on("error", (error) => stream.destroy(error));
  child.on("close", (code) => {
    const why = said.trim().split("\n").at(-1) ?? "";
    if (code === 0) stream.push(null);
    else stream.destroy(lost(host, `its ProxyCommand ended (${code ?? "by a signal"})${why === "" ? "" : `: ${why}`}`));
  });
  return stream;
}

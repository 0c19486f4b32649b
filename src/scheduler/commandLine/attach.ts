import { StreamMessageReader, StreamMessageWriter, type Message } from "vscode-jsonrpc/node";
import { openDealer } from "../control/dealer";
import { RunDirectory } from "../state/runDirectory";
import { findOrStartScheduler } from "./launch";
import { exitCodes, type Program } from "./program";

/**
 * Carries JSON-RPC between standard input and output and the run's scheduler, until either side
 * ends. Starts the scheduler when none serves the run.
 */
export async function attach(path: string, program: Program): Promise<number> {
  const directory = new RunDirectory(path);
  await directory.readRunFile();
  const dealer = openDealer(await findOrStartScheduler(directory, program));
  const ended = new Promise<number>((resolve) => {
    // Not reconnected: whoever attached finds the next scheduler by attaching again.
    dealer.events.on("disconnect", () => resolve(exitCodes.error));
    process.stdin.on("end", () => resolve(exitCodes.success));
    process.stdin.on("close", () => resolve(exitCodes.success));
    process.stdout.on("error", () => resolve(exitCodes.success));
  });
  const toScheduler = queue((message: Message) => dealer.send(JSON.stringify(message)));
  new StreamMessageReader(process.stdin).listen(toScheduler);
  void (async () => {
    const writer = new StreamMessageWriter(process.stdout);
    for await (const [frame] of dealer) {
      if (frame) await writer.write(JSON.parse(frame.toString("utf8")) as Message);
    }
  })();
  const exitCode = await ended;
  dealer.close();
  return exitCode;
}

/** A ZeroMQ socket takes one message at a time. */
function queue<T>(send: (item: T) => Promise<void>): (item: T) => void {
  let last = Promise.resolve();
  return (item) => {
    last = last.then(() => send(item));
  };
}

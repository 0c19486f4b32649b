import { StreamMessageReader, StreamMessageWriter, type Message } from "vscode-jsonrpc/node";
import { openDealer } from "../control/dealer";
import { AdaptiveError } from "../state/errors";
import type { RunDirectory } from "../state/runDirectory";
import { findOrStartScheduler, findScheduler } from "./launch";
import { exitCodes, type Program } from "./program";

/**
 * Carries JSON-RPC between standard input and output and the run's scheduler, until either side
 * ends.
 *
 * @param mayStart whether to start a scheduler when none serves the run
 * @throws AdaptiveError `no-scheduler`, or `scheduler-lost` when it ends meanwhile
 */
export async function attach(directory: RunDirectory, mayStart: boolean, program: Program): Promise<number> {
  const address = mayStart ? await findOrStartScheduler(directory, program) : await findScheduler(directory);
  if (!address) throw new AdaptiveError("no-scheduler", "No scheduler serves this run now.");
  const dealer = openDealer(address);
  const ended = new Promise<number>((resolve, reject) => {
    // Not reconnected: whoever attached finds the next scheduler by attaching again.
    dealer.events.on("disconnect", () => {
      reject(new AdaptiveError("scheduler-lost", "The connection to the scheduler was lost."));
    });
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
  return ended.finally(() => dealer.close());
}

/** A ZeroMQ socket takes one message at a time. */
function queue<T>(send: (item: T) => Promise<void>): (item: T) => void {
  let last = Promise.resolve();
  return (item) => {
    last = last.then(() => send(item));
  };
}

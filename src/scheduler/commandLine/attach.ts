import { once } from "node:events";
import { openDealer } from "../control/dealer";
import { framed, FrameReader } from "../control/framing";
import { refusal, rpcCodes } from "../control/jsonRpc";
import { DroppedInputs } from "../droppedInputs";
import { Log } from "../log";
import { maxMessageBytes } from "../state/bounds";
import { steadyClock } from "../state/clock";
import { AdaptiveError } from "../state/errors";
import type { RunDirectory } from "../state/runDirectory";
import { findOrStartScheduler, findScheduler } from "./launch";
import { exitCodes, type Program } from "./program";

/**
 * Carries JSON-RPC between standard input and output and the run's scheduler, until either side
 * ends. What a message says only these two read.
 *
 * @param mayStart whether to start a scheduler when none serves the run
 * @throws AdaptiveError `no-scheduler`, or `scheduler-lost` when it ends meanwhile
 */
export async function attach(directory: RunDirectory, mayStart: boolean, program: Program): Promise<number> {
  const address = mayStart ? await findOrStartScheduler(directory, program) : await findScheduler(directory);
  if (!address) throw new AdaptiveError("no-scheduler", "No scheduler serves this run now.");
  const dealer = openDealer(address);
  const log = new Log(directory.log);
  const dropped = new DroppedInputs((line) => log.write(line), steadyClock.now);
  const { stdin, stdout } = process;
  const say = async (message: string | Uint8Array): Promise<void> => {
    if (!stdout.write(framed(message))) await once(stdout, "drain");
  };
  const reader = new FrameReader(maxMessageBytes, (why) => {
    dropped.note("attach", why);
    // Which request it was is not known: it was not read.
    void say(JSON.stringify(refusal(null, rpcCodes.invalidRequest, new AdaptiveError("dropped", `Dropped: ${why}.`))));
  });
  const ended = new Promise<number>((resolve, reject) => {
    // Not reconnected: whoever attached finds the next scheduler by attaching again.
    dealer.events.on("disconnect", () => {
      reject(new AdaptiveError("scheduler-lost", "The connection to the scheduler was lost."));
    });
    const end = () => resolve(exitCodes.success);
    for (const event of ["end", "close", "error"]) stdin.on(event, end);
    stdout.on("error", end);
  });
  void dropped.guard("attach", async () => {
    for await (const chunk of stdin) {
      for (const message of reader.push(chunk as Buffer)) await dealer.send(message);
    }
  });
  void dropped.guard("attach", async () => {
    for await (const [frame] of dealer) if (frame) await say(frame);
  });
  try {
    return await ended;
  } finally {
    dealer.close();
    await log.flushed();
  }
}

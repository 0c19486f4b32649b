import * as zmq from "zeromq";
import { AdaptiveError, toAdaptiveError } from "../state/errors";
import { RpcClient } from "./jsonRpc";
import type { Method, Params, Results } from "./protocol";

/** Where a scheduler listens, and the keys to speak to it. */
export interface Address {
  host: string;
  pid: number;
  urls: readonly string[];
  serverKey: string;
  clientPublicKey: string;
  clientSecretKey: string;
}

/** Of the error that a scheduler did not answer. */
export const silentCode = "scheduler-silent";
const heartbeatMs = 5_000;
const answerDeadlineMs = 10_000;
const reachDeadlineMs = 5_000;

/** A person's socket to the scheduler. Messages are JSON texts, one a frame. */
export function openDealer(address: Address): zmq.Dealer {
  const dealer = new zmq.Dealer({
    curveServerKey: address.serverKey,
    curvePublicKey: address.clientPublicKey,
    curveSecretKey: address.clientSecretKey,
    linger: 0,
    heartbeatInterval: heartbeatMs,
    heartbeatTimeout: 3 * heartbeatMs,
  });
  const [url] = address.urls;
  if (url) dealer.connect(url);
  return dealer;
}

/** A connection to a scheduler, for questions one after the other. */
export interface Connection {
  /** @throws AdaptiveError `scheduler-silent` when there is no answer, or the scheduler's own error */
  ask<M extends Method>(method: M, params: Params<M>, deadlineMs?: number): Promise<Results[M]>;
  close(): void;
}

export function connect(address: Address): Connection {
  const dealer = openDealer(address);
  const rpc = new RpcClient((message) => void dealer.send(message).catch(() => undefined));
  void (async () => {
    for await (const [frame] of dealer) if (frame) rpc.receive(frame.toString("utf8"));
  })();
  const giveUp = () => rpc.end(silent(address, "takes no connection"));
  // It ends, or has ended: ZeroMQ would wait for another one at the same port.
  dealer.events.on("disconnect", giveUp);
  dealer.events.on("connect:retry", giveUp);
  return {
    ask: async <M extends Method>(method: M, params: Params<M>, deadlineMs = answerDeadlineMs) => {
      let deadline: NodeJS.Timeout | undefined;
      const silence = new Promise<never>((_, reject) => {
        const how = `has not answered for ${deadlineMs / 1000} s`;
        deadline = setTimeout(() => reject(silent(address, how)), deadlineMs);
      });
      try {
        return (await Promise.race([rpc.request(method, params), silence])) as Results[M];
      } catch (error) {
        throw toAdaptiveError(error);
      } finally {
        clearTimeout(deadline);
      }
    },
    close: () => dealer.close(),
  };
}

/**
 * Asks the scheduler one thing.
 *
 * @throws AdaptiveError `scheduler-silent` when there is no answer, or the scheduler's own error
 */
export async function ask<M extends Method>(
  address: Address,
  method: M,
  params: Params<M>,
  deadlineMs?: number,
): Promise<Results[M]> {
  const connection = connect(address);
  try {
    return await connection.ask(method, params, deadlineMs);
  } finally {
    connection.close();
  }
}

/** A scheduler on another machine by the first of its addresses at which it answers; null when it does at none. */
export async function reach<A extends Address>(address: A): Promise<A | null> {
  const answers = address.urls.map(async (url) => {
    const there = { ...address, urls: [url] };
    await ask(there, "ping", {}, reachDeadlineMs);
    return there;
  });
  return Promise.any(answers).catch(() => null);
}

function silent({ urls, host, pid }: Address, how: string): AdaptiveError {
  return new AdaptiveError(
    silentCode,
    `The scheduler on ${host} (pid ${pid}) ${how} at ${urls.join(", ")}.`,
    `Try again. If it stays so, it hangs, or its disk does: end it (adaptive-scheduler stop --shut-down) and start another one; jobs go on.`,
  );
}

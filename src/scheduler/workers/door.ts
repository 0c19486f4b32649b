import * as zmq from "zeromq";
import { maxMessageBytes } from "../state/bounds";
import { AdaptiveError } from "../state/errors";

/** Who sent a message: where an answer goes. Valid while the connection lasts. */
export type Peer = Buffer;

export interface DoorKeys {
  serverKey: string;
  clientPublicKey: string;
  clientSecretKey: string;
}

/** Connections that wait to be let in: thousands of jobs may start at once. The system may allow fewer. */
const backlog = 4096;

/** `tcp://127.0.0.1:*` for jobs of this machine, `tcp://*:*` for jobs of others. */
type Address = `tcp://${string}`;

/**
 * The socket through which workers and people speak to the scheduler. Messages are encrypted, and
 * only holders of the run's key are let in. What is not a JSON object is dropped.
 */
export class Door {
  private readonly outbox: [Peer, string][] = [];
  private isSending = false;

  private constructor(
    private readonly context: zmq.Context,
    private readonly socket: zmq.Router,
    private readonly guard: zmq.Reply,
    readonly port: number,
    readonly keys: DoorKeys,
  ) {}

  /** @throws AdaptiveError `port-taken`, `no-curve` */
  static async open(address: Address): Promise<Door> {
    if (!zmq.capability.curve) {
      throw new AdaptiveError(
        "no-curve",
        "The installed zeromq library cannot encrypt.",
        "Install this extension anew.",
      );
    }
    const server = zmq.curveKeyPair();
    const client = zmq.curveKeyPair();
    const context = new zmq.Context();
    const guard = new zmq.Reply({ context });
    // Before the socket is bound: a connection that nobody checks would be let in.
    await guard.bind("inproc://zeromq.zap.01");
    void admitOnly(client.publicKey, guard);
    const socket = new zmq.Router({
      context,
      curveServer: true,
      curveSecretKey: server.secretKey,
      maxMessageSize: maxMessageBytes,
      linger: 0,
      backlog,
      sendHighWaterMark: 10_000,
    });
    try {
      await socket.bind(address);
    } catch (error) {
      socket.close();
      guard.close();
      throw new AdaptiveError(
        "port-taken",
        `The scheduler cannot listen at ${address}: ${error instanceof Error ? error.message : String(error)}.`,
        "Another program may use the port: choose another one, or none to have a free one chosen.",
        { cause: error },
      );
    }
    const port = Number(/:(\d+)$/.exec(socket.lastEndpoint ?? "")?.[1]);
    return new Door(context, socket, guard, port, {
      serverKey: server.publicKey,
      clientPublicKey: client.publicKey,
      clientSecretKey: client.secretKey,
    });
  }

  /**
   * Passes each message on until the door is closed; the handler must not throw.
   * @param onDropped told of what is none
   */
  async serve(handle: (peer: Peer, message: object) => void, onDropped: () => void = () => undefined): Promise<void> {
    for await (const [peer, ...frames] of this.socket) {
      const message = frames.length === 1 && frames[0] ? parseObject(frames[0]) : null;
      if (peer && message) handle(peer, message);
      else onDropped();
    }
  }

  /** Queues a message; one to a peer that is gone is dropped. */
  send(peer: Peer, message: object): void {
    this.outbox.push([peer, JSON.stringify(message)]);
    if (!this.isSending) void this.flush();
  }

  async close(): Promise<void> {
    await this.flushed();
    this.socket.close();
    this.guard.close();
    this.context.blocky = false;
  }

  /** A ZeroMQ socket takes one message at a time. */
  private async flush(): Promise<void> {
    this.isSending = true;
    for (let next = this.outbox.shift(); next; next = this.outbox.shift()) {
      // Only a socket that is being closed refuses one.
      await this.socket.send(next).catch(() => undefined);
    }
    this.isSending = false;
  }

  private async flushed(): Promise<void> {
    while (this.isSending) await new Promise((resolve) => setImmediate(resolve));
  }
}

function parseObject(frame: Buffer): object | null {
  try {
    const value: unknown = JSON.parse(frame.toString("utf8"));
    return typeof value === "object" && value !== null && !Array.isArray(value) ? value : null;
  } catch {
    return null;
  }
}

/** Answers the authentication requests of ZeroMQ (RFC 27, ZAP): status 200 for this key, else 400. */
async function admitOnly(clientPublicKey: string, guard: zmq.Reply): Promise<void> {
  const admitted = z85Decode(clientPublicKey);
  for await (const [version, requestId, , , , mechanism, credentials] of guard) {
    const isAdmitted = mechanism?.toString() === "CURVE" && credentials?.equals(admitted) === true;
    await guard.send([
      version ?? "1.0",
      requestId ?? "",
      isAdmitted ? "200" : "400",
      isAdmitted ? "OK" : "This key is not the run's.",
      isAdmitted ? "run" : "",
      "",
    ]);
  }
}

const z85Alphabet = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#";

/** The bytes of a key in Z85 (RFC 32): five characters of base 85 are four bytes, big-endian. */
export function z85Decode(text: string): Buffer {
  const bytes = Buffer.alloc((text.length / 5) * 4);
  for (let i = 0; i < text.length; i += 5) {
    let value = 0;
    for (const character of text.slice(i, i + 5)) value = value * 85 + z85Alphabet.indexOf(character);
    bytes.writeUInt32BE(value, (i / 5) * 4);
  }
  return bytes;
}

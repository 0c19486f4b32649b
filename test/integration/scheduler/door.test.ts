import { once } from "node:events";
import { connect } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import * as zmq from "zeromq";
import { Door, z85Decode, type DoorKeys } from "../../../src/scheduler/workers/door";
import { maxMessageBytes } from "../../../src/scheduler/state/bounds";

let door: Door;
const heard: object[] = [];
const dealers: zmq.Dealer[] = [];

beforeEach(async () => {
  heard.length = 0;
  door = await Door.open("tcp://127.0.0.1:*");
  void door.serve((peer, message) => {
    heard.push(message);
    door.send(peer, { echo: message });
  });
});

afterEach(async () => {
  for (const dealer of dealers.splice(0)) dealer.close();
  await door.close();
});

function dealerWith({ serverKey, clientPublicKey, clientSecretKey }: DoorKeys): zmq.Dealer {
  const dealer = new zmq.Dealer({
    curveServerKey: serverKey,
    curvePublicKey: clientPublicKey,
    curveSecretKey: clientSecretKey,
    linger: 0,
  });
  dealers.push(dealer);
  dealer.connect(`tcp://127.0.0.1:${door.port}`);
  return dealer;
}

async function echo(dealer: zmq.Dealer, message: object): Promise<unknown> {
  await dealer.send(JSON.stringify(message));
  const [frame] = await dealer.receive();
  return JSON.parse(String(frame));
}

/** The door still serves whoever has the key: what was sent before has done no harm. */
async function stillServes(): Promise<void> {
  expect(await echo(dealerWith(door.keys), { last: 1 })).toEqual({ echo: { last: 1 } });
}

test("who has the run's key is let in", async () => {
  expect(await echo(dealerWith(door.keys), { hello: 1 })).toEqual({ echo: { hello: 1 } });
});

test("another key pair is refused, even with the right server key", async () => {
  const other = zmq.curveKeyPair();
  const dealer = dealerWith({ ...door.keys, clientPublicKey: other.publicKey, clientSecretKey: other.secretKey });
  const refused = new Promise((resolve) => dealer.events.on("handshake:error:auth", resolve));
  void dealer.send('{"let":"me in"}');
  await refused;
  await stillServes();
  expect(heard).toEqual([{ last: 1 }]);
});

test("a client without encryption is refused", async () => {
  const dealer = new zmq.Dealer({ linger: 0 });
  dealers.push(dealer);
  const refused = new Promise((resolve) => {
    for (const event of ["handshake:error:protocol", "handshake:error:other", "disconnect"] as const) {
      dealer.events.on(event, resolve);
    }
  });
  dealer.connect(`tcp://127.0.0.1:${door.port}`);
  void dealer.send('{"let":"me in"}');
  await refused;
  await stillServes();
  expect(heard).toEqual([{ last: 1 }]);
});

test("what is not a JSON object of one frame is dropped", async () => {
  const dealer = dealerWith(door.keys);
  const nonsense = ["", "\u0003", "null", "[1]", '"text"', "{", '{"a":1', Buffer.from([0xff, 0xfe, 0x80]), "NaN"];
  for (const frame of nonsense) await dealer.send(frame);
  await dealer.send(["{}", "{}"]);
  expect(await echo(dealer, { after: 1 })).toEqual({ echo: { after: 1 } });
  expect(heard).toEqual([{ after: 1 }]);
});

test("an oversized message ends its connection, and nobody else's", async () => {
  const other = dealerWith(door.keys);
  await echo(other, { before: 1 });
  const dealer = dealerWith(door.keys);
  const ended = new Promise((resolve) => dealer.events.on("disconnect", resolve));
  await dealer.send(Buffer.alloc(maxMessageBytes + 1, " "));
  await ended;
  expect(await echo(other, { after: 1 })).toEqual({ echo: { after: 1 } });
});

test("bytes that are not ZeroMQ do no harm", async () => {
  const socket = connect(door.port, "127.0.0.1");
  await once(socket, "connect");
  // The door may close or reset it, as it likes.
  socket.on("error", () => undefined);
  // Longer than the greeting of ZMTP, so that there is something to judge.
  socket.write(`GET / HTTP/1.1\r\n${"x".repeat(100)}\r\n\r\n`);
  socket.resume();
  // Not `once`, which an error of the socket would end.
  await new Promise((resolve) => socket.on("close", resolve));
  await stillServes();
});

test("a port that is taken is named", async () => {
  await expect(Door.open(`tcp://127.0.0.1:${door.port}`)).rejects.toMatchObject({
    code: "port-taken",
    message: expect.stringContaining(String(door.port)) as string,
  });
});

test("Z85 is decoded as RFC 32 has it", () => {
  expect(z85Decode("HelloWorld").toString("hex")).toBe("864fd26fb559f75b");
});

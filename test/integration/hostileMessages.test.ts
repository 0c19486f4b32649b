import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { ask, openDealer } from "../../src/scheduler/control/dealer";
import { framed } from "../../src/scheduler/control/framing";
import { readEndpoint } from "../../src/scheduler/workers/endpoint";
import { createStudy, eventually, init, output, peaks, type Study } from "./program";

/** A run that a scheduler serves, and where. */
async function served(study: Study) {
  await init(study);
  await output(study, "serve", study.folder, "--detach");
  const address = await readEndpoint(study.at(".adaptive", "endpoint.json"));
  if (!address) throw new Error("No scheduler serves it.");
  const log = () => readFile(study.at(".adaptive", "scheduler.log"), "utf8");
  return { address, log };
}

const rpc = (message: object) => JSON.stringify({ jsonrpc: "2.0", ...message });
const cancel = { method: "$/cancelRequest" };

const hostile: readonly (string | Buffer)[] = [
  rpc(cancel),
  rpc({ ...cancel, params: null }),
  rpc({ ...cancel, params: true }),
  rpc({ ...cancel, params: { id: null } }),
  rpc({ id: 1, method: { toString: 1 }, params: [] }),
  rpc({ id: "x", result: {} }),
  `{"jsonrpc":"2.0","id":1,"method":"watch","params":{"learners":[${"0,".repeat(400_000)}0]}}`,
  `{"jsonrpc":${"[".repeat(400_000)}${"]".repeat(400_000)}}`,
  `{"jsonrpc":"2.0","method":"x","id":1,"__proto__":{"a":1},"constructor":null,"id":{"valueOf":3}}`,
  '{"v":1,"n":1,"learner":77777}',
  '{"v":1,"n":1e308,"type":"report","job":"\\ud800","learner":-0.5}',
  `{"v":1,"n":2,"type":"tried","trials":[${"{},".repeat(100_000)}{}]}`,
  '{"v":1,"n":1,"n":{},"type":"__proto__"}',
  "[]",
  "not JSON",
  Buffer.from([0xff, 0xfe, 0x00, 0xd8]),
];

test("no message ends the scheduler, over its socket or through attach; what it drops is in its log", async () => {
  const study = await createStudy(peaks(1));
  const { address, log } = await served(study);
  const dealer = openDealer(address);
  for (const message of hostile) await dealer.send(message);
  dealer.close();
  const { child, printed } = study.start(["attach", study.folder, "--no-start"]);
  if (!child.stdin) throw new Error("It has no input.");
  for (const message of hostile) child.stdin.write(framed(message));
  child.stdin.write("Content-Length: -5\r\n\r\nContent-Length: 99999999999999\r\n\r\nGET / HTTP/1.1\r\n\r\n");
  child.stdin.write(`${"x".repeat(3 << 20)}\n`);
  child.stdin.write(framed(rpc({ id: "the last", method: "ping" })));
  await eventually(() => Promise.resolve(printed().includes('"id":"the last"')));
  child.kill();
  expect(await ask(address, "status", {})).toMatchObject({ pid: address.pid });
  const sources = ["a worker", "a client", "the socket", "attach"];
  const words = await eventually(async () => {
    const text = await log();
    return sources.every((source) => text.includes(`a message of ${source} was dropped`)) && text;
  });
  expect(words).not.toMatch(/not JSON|77777|GET/);
});

test("learners that there are not stand in nobody's way", async () => {
  const study = await createStudy(peaks(1));
  const { address } = await served(study);
  const dealer = openDealer(address);
  await dealer.send('{"v":1,"n":1,"learner":77777}');
  await dealer.receive();
  dealer.close();
  expect(await output(study, "stop", study.folder)).toContain("There are no jobs");
  await output(study, "pause", study.folder);
  expect(await ask(address, "stopJobs", { gently: true })).toBeNull();
  const learners = Array.from({ length: 200_000 }, (_, i) => 123_456_789_012 + i);
  expect(await ask(address, "retryLearners", { learners })).toEqual({ moved: 0 });
  const stars = { names: ["*a".repeat(30)], states: [], where: "" };
  await expect(ask(address, "findLearners", stars)).rejects.toThrow("No learner matches *a");
  await expect(ask(address, "jobOutput", { job: "../../secret", maxBytes: 10 })).rejects.toThrow("jobOutput: job");
  await expect(ask(address, "jobOutput", { job: "17", maxBytes: 10 })).rejects.toThrow("no job 17");
  await expect(ask(address, "jobOutput", { job: "17", maxBytes: -5 })).rejects.toThrow("jobOutput: maxBytes");
  const many = Array.from({ length: 500_000 }, (_, i) => 123_456_789_012 + i);
  await expect(ask(address, "stopLearners", { learners: many })).rejects.toThrow("more than fits into one request");
});

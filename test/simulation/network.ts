import type { WorkerReply } from "../../src/scheduler/workers/messages";
import type { SimulatedNode } from "./cluster";
import type { SimulatedProcess } from "./timeline";
import type { World } from "./world";

type Handler = (message: object, reply: (answer: WorkerReply) => void) => void;

/** What jobs and schedulers say to each other. It may be lost, said twice, or come late and out of order. */
export class Network {
  lossRate = 0;
  repeatRate = 0;
  lateRate = 0;
  private readonly listeners = new Map<string, { owner: SimulatedProcess; handle: Handler }>();
  private ports = 0;

  constructor(private readonly world: World) {}

  /** @returns the address to write down for jobs */
  listen(host: string, owner: SimulatedProcess, handle: Handler): string {
    const url = `tcp://${host}:${40_000 + this.ports++}`;
    this.listeners.set(url, { owner, handle });
    return url;
  }

  /** Says something from a node to whoever listens at an address, perhaps nobody. */
  send(node: SimulatedNode, url: string, message: object, onReply: (reply: WorkerReply) => void): void {
    const text = JSON.stringify(message);
    this.carry(node, () => {
      const listener = this.listeners.get(url);
      if (!listener?.owner.isAlive) return;
      const reply = (answer: WorkerReply): void => {
        const said = JSON.stringify(answer);
        this.carry(node, () => onReply(JSON.parse(said) as WorkerReply));
      };
      // In the scheduler's own time: a frozen one answers when it wakes up.
      this.world.timeline.after(0, () => listener.handle(JSON.parse(text) as object, reply), listener.owner);
    });
  }

  private carry(node: SimulatedNode, arrive: () => void): void {
    const { timeline, chance, count } = this.world;
    const deliver = (delayMs: number): void => {
      timeline.after(delayMs, () => {
        if (!node.isCutFromHead) arrive();
      });
    };
    if (node.isCutFromHead) return;
    if (chance.next() < this.lossRate) return count("message lost");
    if (chance.next() < this.repeatRate) {
      count("message repeated");
      deliver(60_000 * chance.next());
    }
    const isLate = chance.next() < this.lateRate;
    if (isLate) count("message late");
    deliver(isLate ? 90_000 * chance.next() : 1 + 30 * chance.next());
  }
}

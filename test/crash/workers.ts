import * as zmq from "zeromq";
import type { Endpoint } from "../../src/scheduler/workers/endpoint";
import { workerProtocol, type WorkerReply } from "../../src/scheduler/workers/messages";
import type { Chance } from "./chance";
import type { Exchange } from "./ledger";

const answerMs = 400;

/** The scheduler of the moment, or null while there is none. */
export interface Current {
  endpoint: Endpoint | null;
}

/** One scale of moments for all workers. */
let moment = 0;

/** A worker that speaks the real protocol for a job, and writes down what it was answered. */
export class Worker {
  readonly exchanges: Exchange[] = [];
  /** Repeated requests that were answered otherwise than before. */
  contradictions = 0;
  private n = 0;
  private dealer: zmq.Dealer | null = null;
  private connectedTo = "";
  private isEnding = false;

  constructor(
    private readonly job: string,
    private readonly current: Current,
    private readonly chance: Chance,
  ) {}

  /** Runs learners, or pretends to, until it is told to end or there are none. */
  async work(): Promise<void> {
    for (;;) {
      const given = await this.ask({ type: "start", resourceClass: "default", revision: "r1" });
      if (given?.type !== "assign") return;
      const { learner, epoch } = given;
      const progress = { learner, epoch, npoints: 10 * epoch, loss: 0.5 };
      for (let reports = this.chance.between(0, 3); reports > 0; reports--) {
        await this.ask({ type: "report", ...progress, npoints: 10 * epoch - 1 });
      }
      const last = this.chance.of(
        { type: "done" },
        { type: "failed", error: "ZeroDivisionError", traceback: "" },
        { type: "released", why: "deadline" },
      );
      await this.ask({ ...last, ...progress });
    }
  }

  /** No further request is begun or repeated. */
  end(): void {
    this.isEnding = true;
  }

  close(): void {
    this.dealer?.close();
  }

  private async ask(message: Exchange["request"] & Record<string, unknown>): Promise<WorkerReply | null> {
    const said = ++moment;
    const envelope = { v: workerProtocol, job: this.job, restart: 0, instance: `i-${this.job}`, host: "h", pid: 1 };
    const frame = JSON.stringify({ ...message, ...envelope, n: ++this.n });
    while (!this.isEnding) {
      const reply = await this.exchange(frame);
      if (!reply) continue;
      this.exchanges.push({ job: this.job, request: message, reply, said, answered: ++moment });
      if (message.type !== "report" && this.chance.next() < 0.1) await this.repeat(frame, reply);
      return reply;
    }
    return null;
  }

  /** The same request gets the same answer, whoever serves the run now. */
  private async repeat(frame: string, first: WorkerReply): Promise<void> {
    const again = await this.exchange(frame);
    if (again && essence(again) !== essence(first)) this.contradictions++;
  }

  private async exchange(frame: string): Promise<WorkerReply | null> {
    const { endpoint } = this.current;
    if (!endpoint) {
      await new Promise((resolve) => setTimeout(resolve, 5));
      return null;
    }
    const dealer = this.connect(endpoint);
    try {
      await dealer.send(frame);
      for (;;) {
        const [answer] = await dealer.receive();
        const reply = JSON.parse(String(answer)) as WorkerReply | { type: "wish" };
        if ("n" in reply && reply.n === this.n) return reply;
      }
    } catch {
      // No answer in time.
      this.close();
      this.dealer = null;
      return null;
    }
  }

  private connect({ urls: [url = ""], serverKey, clientPublicKey, clientSecretKey }: Endpoint): zmq.Dealer {
    if (this.dealer && this.connectedTo === serverKey) return this.dealer;
    this.close();
    this.dealer = new zmq.Dealer({
      curveServerKey: serverKey,
      curvePublicKey: clientPublicKey,
      curveSecretKey: clientSecretKey,
      linger: 0,
      receiveTimeout: answerMs,
      sendTimeout: answerMs,
    });
    this.dealer.connect(url);
    this.connectedTo = serverKey;
    return this.dealer;
  }
}

function essence(reply: WorkerReply): string {
  return reply.type === "assign" ? `assign ${reply.learner} ${reply.epoch}` : reply.type;
}

import { asJobId, asLearnerId, type LearnerId } from "../state/rows";
import type { Model } from "../state/model";
import type { WorkerDesk } from "./desk";
import type { Peer } from "./door";
import { workerProtocol, type WishMessage, type WorkerReply, type WorkerRequest } from "./messages";

interface Holder {
  peer: Peer;
  job: string;
  instance: string;
}

/**
 * The connections of the workers that hold learners: where wishes go. A learner's is that from which its job's newest
 * instance spoke last; whoever else speaks of the learner gets an answer and nothing more.
 */
export class WorkerPeers {
  private readonly holders = new Map<LearnerId, Holder>();

  constructor(
    private readonly model: Model,
    private readonly desk: Pick<WorkerDesk, "answer" | "wishFor">,
    private readonly send: (peer: Peer, message: object) => void,
  ) {}

  /** How many connections are known. */
  get size(): number {
    return this.holders.size;
  }

  /** Answers a worker. */
  async hear(peer: Peer, message: object): Promise<void> {
    const reply = await this.desk.answer(message);
    if (!reply) return;
    // Only what was understood is answered so.
    if (reply.type === "assign" || reply.type === "ok") this.note(message as WorkerRequest, reply, peer);
    this.send(peer, reply);
  }

  /** Tells the worker of a learner what is wished of it now, if it holds one and has spoken. */
  wish(learner: LearnerId): void {
    const peer = this.of(learner);
    if (!peer) return;
    const wish = this.desk.wishFor(learner);
    this.send(peer, { v: workerProtocol, type: "wish", learner, wish } satisfies WishMessage);
  }

  wishAll(): void {
    for (const learner of this.holders.keys()) this.wish(learner);
  }

  /** The connection of the worker that holds a learner now. */
  of(learner: LearnerId): Peer | null {
    const holder = this.holders.get(learner);
    if (holder && this.holds(learner, holder)) return holder.peer;
    this.holders.delete(learner);
    return null;
  }

  private note(request: WorkerRequest, reply: WorkerReply, peer: Peer): void {
    const id = reply.type === "assign" ? reply.learner : "learner" in request ? request.learner : null;
    if (id === null) return;
    const learner = asLearnerId(id);
    const speaker = { peer, job: request.job, instance: request.instance };
    if (this.holds(learner, speaker)) this.holders.set(learner, speaker);
    else this.of(learner);
  }

  private holds(learner: LearnerId, { job, instance }: Holder): boolean {
    return this.model.learners.get(learner)?.jobId === job && this.model.jobs.get(asJobId(job))?.instance === instance;
  }
}

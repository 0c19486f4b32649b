import type { Clock } from "../scheduler/state/clock";
import { changedNodes, type TreeNode } from "./treeNodes";

/** An editor that has not asked by then hides the view, or knows the node no longer. */
const patienceMs = 5_000;
const theRoots = null;

/**
 * Tells the editor what of a tree to draw again: the next change once it has asked about the last one. It queues all
 * it is told, and on a machine too slow for that its trees would stand still while the run goes on.
 */
export class Redraws {
  private roots: readonly TreeNode[] = [];
  /** What it has been told of. */
  private told: readonly TreeNode[] = [];
  /** Nodes that it has. It asks for others by itself when somebody opens what they are in. */
  private readonly had = new Set<string>();
  /** What it is waited to ask for. */
  private awaited: { id: string | typeof theRoots; cancel: () => void } | null = null;

  /** @param tell ids of the nodes to draw again with what is in them, or `null` for the whole tree */
  constructor(
    private readonly clock: Clock,
    private readonly tell: (ids: string[] | null) => void,
  ) {}

  show(roots: readonly TreeNode[]): void {
    this.roots = roots;
    if (this.awaited === null) this.next();
  }

  rootsAsked(): void {
    this.asked(theRoots);
  }

  nodeAsked(id: string): void {
    this.had.add(id);
    this.asked(id);
  }

  dispose(): void {
    this.awaited?.cancel();
  }

  private asked(id: string | typeof theRoots): void {
    if (this.awaited === null || this.awaited.id !== id) return;
    this.awaited.cancel();
    this.awaited = null;
    this.next();
  }

  private next(): void {
    const changes = changedNodes(this.told, this.roots);
    const ids = changes?.filter((id) => this.had.has(id)) ?? null;
    this.told = this.roots;
    if (ids?.length === 0) return;
    if (ids === null) this.had.clear();
    const id = ids?.[0] ?? theRoots;
    this.awaited = { id, cancel: this.clock.after(patienceMs, () => this.asked(id)) };
    this.tell(ids);
  }
}

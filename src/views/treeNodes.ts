/** One line of a tree, as plain data: what to show is decided without the editor. */
export interface TreeNode {
  /** Stable, so that selection and expansion survive a refresh. */
  id: string;
  label: string;
  description: string;
  tooltip: string;
  icon: { codicon: string; color: string | null } | null;
  /** What the menus' `viewItem` matches: words separated by blanks. */
  context: string;
  /** Null for a leaf. */
  children: { isExpanded: boolean; nodes: readonly TreeNode[] } | null;
  /** What a click does. */
  command?: { id: string; title: string; argument: unknown };
}

/** Far more than change between two looks of an editor. */
const maxGone = 1000;

/**
 * The nodes of a tree. An editor may draw a row a while after it was told that it changed: one that has gone meanwhile
 * stays as it was until the editor has drawn that too, and is never an empty row.
 */
export class NodesById {
  private shown = new Map<string, TreeNode>();
  private gone = new Map<string, TreeNode>();

  replace(roots: readonly TreeNode[]): void {
    const known = new Map([...this.gone, ...this.shown]);
    this.shown = new Map(withDescendants(roots).map((node) => [node.id, node]));
    for (const id of this.shown.keys()) known.delete(id);
    this.gone = new Map([...known].slice(-maxGone));
  }

  get(id: string): TreeNode | undefined {
    return this.shown.get(id) ?? this.gone.get(id);
  }

  childrenOf(id: string): readonly TreeNode[] {
    return this.shown.get(id)?.children?.nodes ?? [];
  }
}

/**
 * What has to be drawn again, as ids: `null` for the whole tree when its top has other nodes, else
 * the nodes whose line or list of children has changed. Nothing below a changed list is named: it
 * is drawn with it.
 */
export function changedNodes(before: readonly TreeNode[], after: readonly TreeNode[]): string[] | null {
  if (!hasSameIds(before, after)) return null;
  return after.flatMap((node, i) => {
    const old = before[i];
    return old === undefined ? [] : changedIn(old, node);
  });
}

function changedIn(before: TreeNode, after: TreeNode): string[] {
  const inside = changedNodes(before.children?.nodes ?? [], after.children?.nodes ?? []);
  return inside === null || lineOf(before) !== lineOf(after) ? [after.id] : inside;
}

function hasSameIds(before: readonly TreeNode[], after: readonly TreeNode[]): boolean {
  return before.length === after.length && before.every((node, i) => node.id === after[i]?.id);
}

function lineOf({ children, ...line }: TreeNode): string {
  return JSON.stringify([line, children?.isExpanded]);
}

function withDescendants(nodes: readonly TreeNode[]): TreeNode[] {
  return nodes.flatMap((node) => [node, ...withDescendants(node.children?.nodes ?? [])]);
}

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

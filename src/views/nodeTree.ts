import { EventEmitter, ThemeColor, ThemeIcon, TreeItem, TreeItemCollapsibleState, type TreeDataProvider } from "vscode";
import { systemClock } from "../scheduler/state/clock";
import { plain } from "./plain";
import { Redraws } from "./redraws";
import { NodesById, type TreeNode } from "./treeNodes";

const longestLine = 300;

/** Shows nodes in a tree view, whose elements are their ids. */
export class NodeTree implements TreeDataProvider<string> {
  private readonly changed = new EventEmitter<string[] | undefined>();
  readonly onDidChangeTreeData = this.changed.event;
  private readonly redraws = new Redraws(systemClock, (ids) => this.changed.fire(ids ?? undefined));
  private roots: readonly TreeNode[] = [];
  private readonly nodes = new NodesById();

  /** @param onDidAsk the children of this node are looked at */
  constructor(private readonly onDidAsk: (id: string) => void) {}

  show(roots: readonly TreeNode[]): void {
    this.roots = roots;
    this.nodes.replace(roots);
    this.redraws.show(roots);
  }

  getChildren(id?: string): string[] {
    if (id === undefined) {
      this.redraws.rootsAsked();
      return this.roots.map((node) => node.id);
    }
    this.onDidAsk(id);
    return this.nodes.childrenOf(id).map((node) => node.id);
  }

  getTreeItem(id: string): TreeItem {
    this.redraws.nodeAsked(id);
    const node = this.nodes.get(id);
    if (node === undefined) return new TreeItem("");
    const item = new TreeItem(plain(node.label, longestLine), collapsible(node));
    item.id = node.id;
    item.description = plain(node.description, longestLine);
    item.contextValue = node.context;
    item.accessibilityInformation = { label: [node.label, node.description].filter((part) => part !== "").join(", ") };
    // As a text: one that Markdown escapes breaks lines within words.
    if (node.tooltip !== "") item.tooltip = plain(node.tooltip);
    if (node.icon !== null) item.iconPath = iconOf(node.icon);
    if (node.command !== undefined) {
      const { id: command, title, argument } = node.command;
      item.command = { command, title, arguments: [argument] };
    }
    return item;
  }

  dispose(): void {
    this.redraws.dispose();
    this.changed.dispose();
  }
}

function collapsible({ children }: TreeNode): TreeItemCollapsibleState {
  if (children === null) return TreeItemCollapsibleState.None;
  return children.isExpanded ? TreeItemCollapsibleState.Expanded : TreeItemCollapsibleState.Collapsed;
}

function iconOf({ codicon, color }: { codicon: string; color: string | null }): ThemeIcon {
  return color === null ? new ThemeIcon(codicon) : new ThemeIcon(codicon, new ThemeColor(color));
}

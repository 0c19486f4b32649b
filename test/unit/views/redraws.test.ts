import { expect, test } from "vitest";
import { Redraws } from "../../../src/views/redraws";
import type { TreeNode } from "../../../src/views/treeNodes";
import { FakeClock } from "../remote/fakeClock";
import { group, leaf } from "./rows";

/** An editor that is told faster than it draws: all it is told waits in its queue. */
function slowEditor() {
  const queue: (string[] | null)[] = [];
  const clock = new FakeClock();
  const redraws = new Redraws(clock, (ids) => queue.push(ids));
  let roots: readonly TreeNode[] = [];
  /** What is on the screen, by id. */
  const screen = new Map<string, string>();
  const draw = (nodes: readonly TreeNode[]): void => {
    for (const node of nodes) {
      redraws.nodeAsked(node.id);
      screen.set(node.id, node.description);
      draw(node.children?.nodes ?? []);
    }
  };
  return {
    clock,
    queue,
    screen,
    show(next: readonly TreeNode[]) {
      roots = next;
      redraws.show(next);
    },
    drawNext() {
      const ids = queue.shift();
      const all = roots.flatMap((node) => [node, ...(node.children?.nodes ?? [])]);
      if (ids === null) {
        redraws.rootsAsked();
        screen.clear();
        draw(roots);
      } else if (ids !== undefined) draw(all.filter((node) => ids.includes(node.id)));
    },
  };
}

test("an editor that draws slowly is told the next change once it asks about the last, and shows the newest in the end", () => {
  const editor = slowEditor();
  editor.show([group("running", leaf("a"), leaf("b"))]);
  for (let second = 1; second <= 50; second += 1) {
    editor.show([group("running", leaf("a", `${second} points`), leaf("b"))]);
    expect(editor.queue.length).toBe(1);
    if (second % 10 === 0) editor.drawNext();
  }
  editor.show([group("running", leaf("a", "done")), group("done", leaf("b", "2 s ago"))]);
  while (editor.queue.length > 0) editor.drawNext();
  expect(Object.fromEntries(editor.screen)).toEqual({ running: "", a: "done", done: "", b: "2 s ago" });
});

test("what the editor has never asked for is not told", () => {
  const editor = slowEditor();
  editor.show([leaf("a")]);
  editor.drawNext();
  editor.show([group("a", leaf("b"))]);
  editor.drawNext();
  editor.show([group("a", leaf("b", "1")), leaf("c")]);
  expect(editor.queue).toEqual([null]);
});

test("an editor that does not ask, because the view is hidden, is told again after a while", () => {
  const editor = slowEditor();
  editor.show([leaf("a")]);
  editor.show([leaf("a"), leaf("b")]);
  expect(editor.queue).toEqual([null]);
  editor.clock.advance(5_000);
  expect(editor.queue).toEqual([null, null]);
});

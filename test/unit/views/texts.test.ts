import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import { describe, expect, test } from "vitest";
import { root } from "../../../scripts/steps.mjs";
import { runTitle } from "../../../src/views/statusText";

/** The texts that a TypeScript file holds: its string literals, and what stands between the values of its templates. */
function textsOf(file: string): string[] {
  const texts: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isStringLiteralLike(node) || ts.isTemplateHead(node) || ts.isTemplateMiddleOrTemplateTail(node)) {
      texts.push(node.text);
    }
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(file, readFileSync(file, "utf8"), ts.ScriptTarget.Latest));
  return texts;
}

/** The strings of the manifest: titles, descriptions, words of empty views. */
function stringsIn(value: unknown): string[] {
  if (typeof value === "string") return [value];
  return value !== null && typeof value === "object" ? Object.values(value).flatMap(stringsIn) : [];
}

const sources = readdirSync(join(root, "src"), { recursive: true, encoding: "utf8" })
  .filter((file) => file.endsWith(".ts"))
  .map((file) => join(root, "src", file));
const manifest: unknown = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
const all = [...sources.flatMap(textsOf), ...stringsIn(manifest)];

describe("texts", () => {
  test("that go on end in one ellipsis, which no stop follows", () => {
    expect(all.length).toBeGreaterThan(2000);
    expect(all.filter((text) => /…\s*[.…]|\w ?\.{3}|…\.{2}/.test(text))).toEqual([]);
  });

  const { viewsWelcome, views } = (
    manifest as {
      contributes: {
        viewsWelcome: { view: string; when: string; contents: string }[];
        views: { adaptive: { id: string }[] };
      };
    }
  ).contributes;

  test("of empty views have no marks that these show as they are", () => {
    expect(viewsWelcome.length).toBeGreaterThan(0);
    expect(viewsWelcome.filter(({ contents }) => /[`*]/.test(contents))).toEqual([]);
  });

  test("of views that nobody has filled yet are ours, not the editor's word that there is no data provider", () => {
    const early = viewsWelcome.filter(({ when }) => when.includes("!adaptive.state"));
    expect(early.map(({ view }) => view)).toEqual(views.adaptive.map(({ id }) => id));
  });

  test.each([
    ["local", "peaks"],
    ["hpc1", "peaks on hpc1"],
  ])("tabs of a run on %s are called %s", (cluster, title) => {
    expect(runTitle("peaks", cluster)).toBe(title);
  });
});

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { editedParts, editedSince } from "../../../../src/remote/studySync/sentFiles";
import { temporaryFolder } from "../../scheduler/runFixture";

const sent = { "_learners.py": "a", "adaptive.json": "b", "tables/x.csv": "c", "notes.md": "d" };

describe("what was edited of a study since it was sent", () => {
  test.each([
    ["nothing", {}, { code: false, settings: false }],
    ["the learners file", { "_learners.py": "A" }, { code: true, settings: false }],
    ["a new module", { "model/field.py": "e" }, { code: true, settings: false }],
    ["the settings", { "adaptive.json": "B" }, { code: false, settings: true }],
    ["what is included", { "tables/x.csv": "C" }, { code: true, settings: false }],
    ["what no job gets", { "notes.md": "D" }, { code: false, settings: false }],
  ])("%s", (_, different, parts) => {
    expect(editedParts(sent, { ...sent, ...different }, ["tables/"])).toEqual(parts);
  });

  test("a module that is gone", () => {
    expect(editedParts({ ...sent, "old.py": "e" }, sent, [])).toEqual({ code: true, settings: false });
  });

  test("is told from the files' content, and an edit that is undone is none", async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, "_learners.py"), "one\n");
    // sha256sum
    const first = { "_learners.py": "2c8b08da5ce60398e1f19af0e5dccc744df274b826abe585eaba68c525434806" };
    expect(await editedSince(first, folder)).toEqual({ code: false, settings: false });
    await writeFile(join(folder, "_learners.py"), "two\n");
    expect(await editedSince(first, folder)).toEqual({ code: true, settings: false });
    await writeFile(join(folder, "_learners.py"), "one\n");
    await writeFile(join(folder, "adaptive.json"), "{}");
    expect(await editedSince(first, folder)).toEqual({ code: false, settings: true });
  });
});

/** What deleting a run does where something stands in its way. */
import { access, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { moveToTrash } from "../../../src/scheduler/study/deletion";
import { createRunOnDisk } from "./runFixture";

test("a trash that cannot be hidden from git, as on a full disk, takes a run all the same", async () => {
  const directory = await createRunOnDisk(1);
  await mkdir(join(directory.trash, ".gitignore"), { recursive: true });
  const run = { version: 1 as const, runId: "0123456789", name: "study", study: "", cluster: "local", created: "" };
  const place = await moveToTrash(directory, run, [], new Date(0));
  await access(join(place, directory.folder, "database.sqlite"));
  await expect(access(directory.own)).rejects.toThrow();
});

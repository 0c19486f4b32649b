import { describe, expect, test } from "vitest";
import { installError, placeProblem } from "../../../../src/remote/deploy/placeProblem";

const path = "/home/ada/.adaptive-scheduler";

describe("what keeps anything from being installed", () => {
  test.each<[string, number | null, string | null, string | null]>([
    ["enough room", 9e6, null, null],
    ["nobody knows how much room", null, null, null],
    ["too little room", 1.23e6, null, "disk-full"],
    ["a quota", 9e9, "printf: write error: Disk quota exceeded", "disk-full"],
    ["a full disk", 0, "printf: write error: No space left on device", "disk-full"],
    ["no permission", 9e9, "sh: 12: cannot create /home/ada/x: Permission denied", "not-writable"],
    ["a disk to read", 9e9, "sh: cannot create /home/ada/x: Read-only file system", "not-writable"],
    ["a file in the way", 9e9, "sh: 19: cannot create /home/ada/x: Directory nonexistent", "not-writable"],
    ["something else", 9e9, "Input/output error", "install-failed"],
  ])("%s", (_, freeBytes, problem, code) => {
    expect(placeProblem({ place: { path, freeBytes, problem } }, 8e6)?.code ?? null).toBe(code);
  });

  test("it says what is the matter and what to do", () => {
    const full = placeProblem({ place: { path, freeBytes: 1.23e6, problem: null } }, 8e6);
    expect(full?.message).toBe(
      "There is no room for the scheduler in /home/ada/.adaptive-scheduler on the head node (1.2 MB are free, 8.0 MB are needed).",
    );
    expect(full?.hint).toBe(
      'Delete something there, ask the site for a larger quota, or choose another place: "installFolder" of this host in adaptive.clusters.',
    );
    const denied = installError(path, "noise\nmkdir: cannot create directory: Permission denied\n");
    expect(denied.message).toBe(
      "Nothing can be written to /home/ada/.adaptive-scheduler on the head node (mkdir: cannot create directory: Permission denied).",
    );
  });
});

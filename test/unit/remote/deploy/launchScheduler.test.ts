import { describe, expect, test } from "vitest";
import { ownEnd, whileQueued } from "../../../../src/remote/deploy/launchScheduler";
import { AdaptiveError } from "../../../../src/scheduler/state/errors";

describe("a scheduler that is not there any more", () => {
  const logged = "2026-01-31T14:02:00.000Z [42] serving /home/ada/peaks as incarnation 1 at port 4711\n";

  test.each([
    ["was killed", logged, null],
    ["was told to end", "2026-01-31T14:02:00.000Z [42] ended; jobs go on\n", null],
    ["said why in its log", "2026-01-31T14:02:00.000Z [42] ends at once: The disk failed.\n", "The disk failed."],
    ["printed why", `${logged}adaptive-scheduler: The disk failed.\n`, "The disk failed."],
    ["failed", `${logged}main.js:1\nTypeError: x is not a function\n    at y\n`, "TypeError: x is not a function"],
    ["ran out of memory", `${logged}FATAL ERROR: Reached heap limit\n`, "FATAL ERROR: Reached heap limit"],
  ])("%s", (_, lines, why) => {
    expect(ownEnd(lines)).toBe(why);
  });
});

describe("what needs a scheduler", () => {
  const queued = new AdaptiveError("scheduler-queued", "It waits in the queue as job 7 (Resources).");

  test("is done again while that waits in the queue", async () => {
    const heard: string[] = [];
    let left = 2;
    const act = () => (left-- > 0 ? Promise.reject(queued) : Promise.resolve("done"));
    expect(await whileQueued(act, (why) => heard.push(why))).toBe("done");
    expect(heard).toEqual([queued.message, queued.message]);
  });

  test("ends with the queue's word when that takes too long, and with any other error at once", async () => {
    let looks = 0;
    const act = () => {
      looks += 1;
      return Promise.reject(queued);
    };
    await expect(whileQueued(act, () => undefined)).rejects.toBe(queued);
    expect(looks).toBe(100);
    const refused = new AdaptiveError("submission-refused", "no");
    await expect(
      whileQueued(
        () => Promise.reject(refused),
        () => undefined,
      ),
    ).rejects.toBe(refused);
  });
});

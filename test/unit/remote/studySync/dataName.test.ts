import { posix, win32 } from "node:path";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { judgeDataName } from "../../../../src/remote/studySync/dataName";
import { planDownload } from "../../../../src/remote/studySync/planDownload";

describe("a name that a head node gives for a data file", () => {
  test.each([
    ["data/offset=0.1.pickle", "data/*.pickle"],
    ["a/b/x.PKL", "a/b/*.pkl"],
    ["space.pickle", "*.pickle"],
    ["data/x.npz.gz", "data/*.npz.gz"],
    ["data/x.pickle.json", "data/*.pickle.json"],
    ["data/x.csv", "data/*.csv"],
    ["data/{'a': 1.0, 'b': 2}.pickle", "data/*.pickle"],
    ["dätä/größe=1.pickle", "dätä/*.pickle"],
    ["data/offset=0.5", "data/*"],
    ["data/ü é/run 1.txt", "data/ü é/*"],
    ["run1", "run1"],
    ["contents/auxiliary.pickle", "contents/*.pickle"],
  ])("%j may be written", (path, place) => {
    const judged = judgeDataName(path, "linux");
    expect(judged.kind === "data" && judged.place.toLowerCase()).toBe(place);
  });

  test.each([
    ...[
      ".git/config",
      "data/.git/x.pickle",
      ".vscode/tasks.json",
      ".vscode/settings.json",
      ".envrc",
      ".ADAPTIVE/x.pickle",
    ],
    ...[".adaptive/run.json", ".adaptive-sent.json", "data/.pickle", ".pickle"],
    ...["_learners.py", "_LEARNERS.PY", "data/x.py", "data/x.so.1", "data/x.pickle.py", "conftest.pyc", "data/x.sh"],
    ...[
      "adaptive.json",
      "package.json",
      "data/a.json",
      "pyproject.toml",
      "x.code-workspace",
      "Makefile",
      "sub/Dockerfile",
    ],
    ...["requirements.txt", "data/index.html", "data/authorized_keys", "a.ipynb", "x.ps1", "data/x.desktop"],
    ...[
      "",
      "/etc/x.pickle",
      "//host/share/x.pickle",
      "../x.pickle",
      "data/../../x.pickle",
      "data//x.pickle",
      "./x.pickle",
    ],
    ...["data/", "data/.", "data/..", "a\\b.pickle", "..\\x.pickle", "data\\..\\x.pickle"],
    ...[
      "C:/evil",
      "C:/evil.pickle",
      "c:evil.pickle",
      "data/c:x.pickle",
      ":x.pickle",
      "_learners.py:x.pickle",
      ".git::$INDEX_ALLOCATION/x.pickle",
    ],
    ...[
      "CON",
      "con.pickle",
      "data/NUL.pickle",
      "aux/x.pickle",
      "COM1.pickle",
      "LPT³.pickle",
      "CON .pickle",
      "con.tents/x.pickle",
      "conin$",
    ],
    ...[
      "data./x.pickle",
      "data /x.pickle",
      " data/x.pickle",
      ".git./x.pickle",
      "x.pickle.",
      "x.pickle ",
      "x.pickle . .",
    ],
    ...["GIT~1/x.pickle", "git~1", "_LEARN~1.PY", "data/ADAPTI~1.pickle"],
    ...[
      "a\0.pickle",
      "a\n.pickle",
      "a\r.pickle",
      "a\x1b[2J.pickle",
      "a\x7f.pickle",
      "a\u0085.pickle",
      "a\u2028.pickle",
    ],
    ...[
      ".g\u200cit/x.pickle",
      "\u200c.git/x.pickle",
      "\ufeffdata/x.pickle",
      "data/\u202egnp.pickle",
      "a\u00ad.pickle",
      "a\ufe0f.pickle",
    ],
    ...[
      "\ud800.pickle",
      "data/\udcff.pickle",
      "\uff0egit/x.pickle",
      "\u2024\u2024/x.pickle",
      "a\uff0fb.pickle",
      "a\uff3cb.pickle",
    ],
    ...["data/x.ｐｙ", "．vscode/x.pickle", `${"a".repeat(240)}.pickle`, `${"a/".repeat(600)}x.pickle`, "__proto__"],
  ])("%j may not", (path) => {
    expect(judgeDataName(path, "linux")).toEqual({ kind: "refused", why: expect.stringMatching(/\w/) });
  });

  test("on Windows, what cannot be a name there is refused before anything is written", () => {
    expect(judgeDataName("data/{'a': 1.0}.pickle", "win32").kind).toBe("refused");
    expect(judgeDataName("data/a=1.pickle", "win32").kind).toBe("data");
  });

  /** Names as an attacker would make them: what means something to anybody, put together by chance. */
  const piece = fc.oneof(
    fc.constantFrom(
      "..",
      ".",
      "",
      "/",
      "\\",
      ":",
      "C:",
      "~",
      "~1",
      " ",
      "\0",
      "\n",
      "\u200c",
      "\ufeff",
      "\uff0e",
      "\u2024",
    ),
    fc.constantFrom(
      ".git",
      ".GIT",
      "git~1",
      ".vscode",
      ".ssh",
      "con",
      "NUL",
      "data",
      "config",
      "_learners",
      "adaptive",
    ),
    fc.constantFrom(".py", ".json", ".PY", ".sh", ".pickle", ".npz", ".csv", ".so", ".exe", "settings.json"),
    fc.string({ unit: "binary", maxLength: 4 }),
  );
  const path = fc.array(piece, { maxLength: 8 }).map((pieces) => pieces.join(""));

  test("whatever it is, what may be written stays in the folder, hides nothing and is no code, on every platform", () => {
    fc.assert(
      fc.property(path, (path) => {
        if (judgeDataName(path, "linux").kind !== "data") return;
        expect(posix.resolve("/home/ada/study", path)).toBe(`/home/ada/study/${path}`);
        expect(win32.resolve("C:\\study", path).toLowerCase()).toBe(
          `c:\\study\\${path.replaceAll("/", "\\")}`.toLowerCase(),
        );
        // As HFS+, APFS and Windows read it: ignorable code points left out, compatibility forms, case, trailing dots.
        const visible = path.replace(/\p{Default_Ignorable_Code_Point}/gu, "");
        for (const read of [path, visible, visible.normalize("NFKC"), visible.normalize("NFD")]) {
          for (const name of read.toLowerCase().split(/[/\\]/)) {
            const trimmed = name.replace(/[\s.]+$/, "").replace(/^\s+/, "");
            expect(trimmed).not.toMatch(/^(\.|$)/);
            expect(trimmed).not.toMatch(/^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/);
            expect(trimmed).not.toMatch(/\p{Cc}/u);
          }
          expect(read.toLowerCase()).not.toMatch(/(?<!\.(pickle|npz|csv))\.(py|json|sh|exe|so)(:[^/]*)?$/);
        }
      }),
      { numRuns: 3000 },
    );
  });

  test("what was judged is what is planned: nothing is fetched that was refused, and the rest only when agreed to", () => {
    const file = fc.record({ path, size: fc.nat(), modifiedMs: fc.nat() });
    fc.assert(
      fc.property(fc.array(file), fc.array(path), fc.boolean(), (files, own, foldsNames) => {
        const circumstances = { ledger: {}, here: new Map(), own: new Set(own), agreed: new Set<string>(), foldsNames };
        const { fetch, refused, toAgree } = planDownload(files, circumstances);
        for (const { path } of fetch) expect(judgeDataName(path).kind).toBe("data");
        for (const { path } of fetch) expect(own).not.toContain(path);
        const names = fetch.map(({ path }) => (foldsNames ? path.normalize("NFC").toLowerCase() : path));
        expect(new Set(names).size).toBe(names.length);
        expect(toAgree.reduce((sum, place) => sum + place.files, 0)).toBe(fetch.length);
        expect(fetch.length + refused.length).toBe(new Set(files.map(({ path }) => path)).size);
      }),
    );
  });
});

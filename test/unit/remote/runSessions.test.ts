import type { CancellationToken, Uri } from "vscode";
import { describe, expect, onTestFinished, test } from "vitest";
import { systemClock } from "../../../src/scheduler/state/clock";
import { type ClusterRun, ClusterRuns } from "../../../src/remote/clusterRuns";
import { Emitter } from "../../../src/remote/event";
import { localTransport } from "../../../src/remote/localTransport";
import { AdaptiveError } from "../../../src/scheduler/state/errors";
import { chooseActive } from "../../../src/remote/chooseActive";
import { RunSessions } from "../../../src/remote/runSessions";
import type { FoundRun, RunSession } from "../../../src/remote/runSession";
import type { Study } from "../../../src/remote/studies";
import type { TerminalTransport } from "../../../src/remote/transport";

const newer = "2026-02-02T00:00:00.000Z";
const older = "2026-01-01T00:00:00.000Z";

const studyIn = (folder: string): Study => ({
  folder: { fsPath: folder } as Uri,
  learnersFile: `${folder}/_learners.py`,
  name: "peaks",
  learnersLine: null,
});

const nothingTyped = { set: {}, unset: [] };

const token = (isCancellationRequested = false): CancellationToken => ({
  isCancellationRequested,
  onCancellationRequested: () => ({ dispose: () => undefined }),
});

/** A program that prints what `init` prints, or fails with this error. */
const initPrints = (answer: object, code = 0): string[] => [
  process.execPath,
  "-e",
  `console.log(${JSON.stringify(JSON.stringify(answer))}); process.exitCode = ${code}`,
  "--",
];

function open({
  isTrusted = true,
  isSearched = true,
  argv = initPrints({ run: "/tmp", runId: "u", resumed: false }),
} = {}) {
  const studiesChanged = new Emitter<void>();
  const runsChanged = new Emitter<void>();
  const trustGranted = new Emitter<void>();
  let endSearch = (): void => undefined;
  const firstSearch = new Promise<void>((resolve) => (endSearch = resolve));
  if (isSearched) endSearch();
  const there = {
    studies: [studyIn("/tmp")],
    runs: [] as FoundRun[],
    remembered: null as string | null,
    isTrusted,
    connectFails: false,
  };
  const events: string[] = [];
  const transport: TerminalTransport = {
    ...localTransport,
    exec: (words, options) => {
      events.push("exec");
      return localTransport.exec(words, options);
    },
  };
  let remembered: readonly ClusterRun[] = [];
  const clusters = new ClusterRuns({
    clock: systemClock,
    sender: () => "",
    host: () => {
      throw new Error("there is no host");
    },
    settings: () => ({ profile: {}, runRoot: "~" }),
    agree: () => Promise.resolve(true),
    memory: { get: () => remembered, set: (runs) => (remembered = runs) },
  });
  clusters.discover = (host, studies) => {
    remembered = studies.map(({ learnersFile }) => ({
      directory: `${host}:/home/ada/.adaptive`,
      name: "peaks",
      created: newer,
      learnersFile,
    }));
    return Promise.resolve(remembered);
  };
  const sessions = new RunSessions({
    source: {
      get studies() {
        return there.studies;
      },
      firstSearch,
      onDidChangeStudies: studiesChanged.event,
      onDidChangeRuns: runsChanged.event,
    },
    isTrusted: () => there.isTrusted,
    onDidGrantTrust: trustGranted.event,
    findRuns: (folder) => Promise.resolve(there.runs.filter(({ directory }) => directory === folder)),
    profileFor: () => Promise.resolve({ python: "python3" }),
    remembered: { get: () => there.remembered, set: (directory) => (there.remembered = directory) },
    connect: (directory) => {
      if (there.connectFails) throw new Error("the view of this run is broken");
      events.push(`connect ${directory}`);
      return {
        directory,
        dispose: () => void events.push(`dispose ${directory}`),
      } as RunSession;
    },
    transport,
    program: { argv, env: {} },
    clusters,
    clock: systemClock,
    log: () => undefined,
  });
  onTestFinished(() => sessions.dispose());
  const settle = () => new Promise((resolve) => setImmediate(resolve));
  return { sessions, clusters, there, events, endSearch, studiesChanged, runsChanged, trustGranted, settle };
}

describe("runs of the workspace", () => {
  test("a run that is there is connected at once; one that goes is let go", async () => {
    const { sessions, there, events, studiesChanged, runsChanged, settle } = open();
    await settle();
    expect(sessions.active).toBeNull();
    there.runs = [{ directory: "/tmp", name: "peaks", created: newer }];
    studiesChanged.fire();
    await settle();
    expect(sessions.active?.directory).toBe("/tmp");
    there.runs = [];
    runsChanged.fire();
    await settle();
    expect(sessions.active).toBeNull();
    expect(events).toEqual(["connect /tmp", "dispose /tmp"]);
  });

  test.each([true, false])(
    "whether there is a run is not known before it was looked for (trusted: %s)",
    async (isTrusted) => {
      const { sessions, there, events, endSearch, settle } = open({ isSearched: false, isTrusted });
      there.runs = [{ directory: "/tmp", name: "peaks", created: newer }];
      sessions.onDidChangeStudies(() => events.push(`looked: ${sessions.hasLooked}`));
      await settle();
      expect(sessions.hasLooked).toBe(false);
      endSearch();
      await settle();
      expect(events).toEqual([...(isTrusted ? ["connect /tmp"] : []), "looked: true"]);
    },
  );

  test("a run started elsewhere is connected when it appears", async () => {
    const { sessions, there, events, runsChanged, settle } = open();
    there.studies = [studyIn("/tmp"), studyIn("/other")];
    there.runs = [{ directory: "/tmp", name: "peaks", created: newer }];
    runsChanged.fire();
    await settle();
    there.runs = [...there.runs, { directory: "/other", name: "peaks", created: older }];
    runsChanged.fire();
    await settle();
    expect(sessions.active?.directory).toBe("/other");
    expect(events).toEqual(["connect /tmp", "dispose /tmp", "connect /other"]);
  });

  test("prepare makes the run and connects to it; whether jobs start is decided then", async () => {
    const { sessions, there, events, runsChanged, settle } = open();
    const { session, isResumed } = await sessions.prepare(studyIn("/tmp"), nothingTyped, token());
    expect(isResumed).toBe(false);
    expect(sessions.active).toBe(session);
    expect(events).toEqual(["exec", "connect /tmp"]);
    there.runs = [{ directory: "/tmp", name: "peaks", created: newer }];
    runsChanged.fire();
    await settle();
    expect(sessions.active).toBe(session);
  });

  test("a start that fails says why and connects to nothing", async () => {
    const error = { code: "python-missing", message: "There is no python3.", hint: "Set adaptive.clusters." };
    const { sessions, events } = open({ argv: initPrints({ error }, 2) });
    await expect(sessions.prepare(studyIn("/tmp"), nothingTyped, token())).rejects.toMatchObject(error);
    expect(events).toEqual(["exec"]);
  });

  test("a start that was cancelled starts nothing", async () => {
    const { sessions, events } = open();
    const starting = sessions.prepare(studyIn("/tmp"), nothingTyped, token(true));
    await expect(starting).rejects.toMatchObject({ code: "cancelled" });
    expect(events).toEqual(["exec"]);
  });

  test("in a workspace that is not trusted nothing is started, until it is", async () => {
    const { sessions, there, events, runsChanged, trustGranted, settle } = open({ isTrusted: false });
    there.runs = [{ directory: "/tmp", name: "peaks", created: newer }];
    runsChanged.fire();
    await settle();
    const starting = sessions.prepare(studyIn("/tmp"), nothingTyped, token());
    await expect(starting).rejects.toMatchObject({ code: "not-trusted" });
    expect(events).toEqual([]);
    there.isTrusted = true;
    trustGranted.fire();
    await settle();
    expect(events).toEqual(["connect /tmp"]);
  });
});

describe("a run as a whole", () => {
  const two = [
    { directory: "/tmp", name: "peaks", created: older },
    { directory: "/other", name: "waves", created: newer },
  ];

  test("one that a person chooses is shown, and remembered", async () => {
    const { sessions, there, runsChanged, settle } = open();
    there.studies = [studyIn("/tmp"), studyIn("/other")];
    there.runs = two;
    runsChanged.fire();
    await settle();
    expect(sessions.active?.directory).toBe("/other");
    sessions.show("/tmp");
    runsChanged.fire();
    await settle();
    expect(sessions.active?.directory).toBe("/tmp");
    expect(there.remembered).toBe("/tmp");
  });

  test("runs are those of the workspace, newest first, with how they stand", async () => {
    const listed = {
      ...{ name: "peaks", created: older, stateFolder: "/tmp" },
      ...{ state: "running", learners: { done: 3, running: 1 } },
    };
    const { sessions, there } = open({
      argv: initPrints({ runs: [listed, { ...listed, stateFolder: "/elsewhere" }] }),
    });
    there.studies = [studyIn("/tmp"), studyIn("/other")];
    there.runs = two;
    expect(await sessions.runs()).toEqual([two[1], { ...listed, ...two[0] }]);
  });

  test("who is quicker than the first search waits for it; that there is no study is said after it", async () => {
    const { sessions, there, endSearch } = open({ isSearched: false, argv: initPrints({ runs: [] }) });
    const studies = there.studies;
    there.studies = [];
    const [known, runs] = [sessions.knownStudies(), sessions.runs()];
    there.studies = studies;
    endSearch();
    expect(await known).toEqual(studies);
    expect(await runs).toEqual([]);
    there.studies = [];
    await expect(sessions.knownStudies()).rejects.toMatchObject({ code: "no-study" });
  });

  test("stands in the workspace as shown, not shown or gone, once the runs were looked for", async () => {
    const { sessions, there, runsChanged, endSearch, settle } = open({ isSearched: false });
    there.studies = [studyIn("/tmp"), studyIn("/other")];
    there.runs = two;
    expect(sessions.standing("/tmp")).toBeNull();
    endSearch();
    runsChanged.fire();
    await settle();
    expect(["/other", "/tmp", "/nowhere"].map((run) => sessions.standing(run))).toEqual(["shown", "notShown", "gone"]);
    there.isTrusted = false;
    expect(sessions.standing("/tmp")).toBe("untrusted");
  });

  test("one that is found on a cluster is no news: it is shown only when none is, and may be switched to", async () => {
    const { sessions, there, runsChanged, settle } = open();
    there.runs = two.slice(0, 1);
    runsChanged.fire();
    await settle();
    expect(await sessions.lookOn("hpc", null)).toMatchObject([{ directory: "hpc:/home/ada/.adaptive" }]);
    await settle();
    expect(sessions.active?.directory).toBe("/tmp");
    expect(sessions.standing("hpc:/home/ada/.adaptive")).toBe("notShown");
    there.runs = [];
    runsChanged.fire();
    await settle();
    expect(sessions.active?.directory).toBe("hpc:/home/ada/.adaptive");
  });

  test("none is looked for on a cluster in a workspace that is not trusted", async () => {
    expect(await open({ isTrusted: false }).sessions.lookOn("hpc", null)).toEqual([]);
  });

  test("one that was deleted is let go", async () => {
    const { sessions, there, runsChanged, settle } = open({ argv: initPrints({ trash: "/tmp/.adaptive-trash/x" }) });
    there.runs = two.slice(0, 1);
    runsChanged.fire();
    await settle();
    there.runs = [];
    expect(await sessions.delete("/tmp", true)).toBe("/tmp/.adaptive-trash/x");
    await settle();
    expect(sessions.active).toBeNull();
  });

  test("a copy that is in the way of a start is shown, so that what is asked then is about it", async () => {
    const error = { code: "copied-run", message: "It is a copy.", hint: "" };
    const { sessions } = open({ argv: initPrints({ error }, 2) });
    await expect(sessions.prepare(studyIn("/tmp"), nothingTyped, token())).rejects.toMatchObject(error);
    expect(sessions.active?.directory).toBe("/tmp/.adaptive");
  });

  test("a copy on a cluster is shown there, not the folder of the same study on this computer", async () => {
    const { sessions, clusters } = open();
    clusters.prepare = () => Promise.reject(new AdaptiveError("copied-run", "It is a copy."));
    clusters.remember = (host) => `${host}:/home/ada/tmp/.adaptive`;
    const place = { cluster: "hpc", onStep: () => undefined };
    const prepared = sessions.prepare(studyIn("/tmp"), nothingTyped, token(), place);
    await expect(prepared).rejects.toMatchObject({ code: "copied-run" });
    expect(sessions.active?.directory).toBe("hpc:/home/ada/tmp/.adaptive");
  });

  test("a search that goes wrong is not the last", async () => {
    const { sessions, there, runsChanged, settle } = open();
    await settle();
    there.runs = [{ directory: "/tmp", name: "peaks", created: newer }];
    there.connectFails = true;
    runsChanged.fire();
    await settle();
    there.connectFails = false;
    runsChanged.fire();
    await settle();
    expect(sessions.active?.directory).toBe("/tmp");
  });
});

describe("the run that is shown", () => {
  const a = { directory: "/a", name: "peaks", created: older };
  const b = { directory: "/b", name: "peaks", created: newer };

  test.each([
    ["the newest at first", null, null, [], [a, b], "/b"],
    ["the one chosen last comes first", null, "/a", [], [a, b], "/a"],
    ["one chosen last that is gone says nothing", null, "/c", [], [a, b], "/b"],
    ["the one shown stays", "/a", null, ["/a", "/b"], [a, b], "/a"],
    ["one that appears is shown, though older", "/b", null, ["/b"], [a, b], "/a"],
    ["one that appears is shown, though another was chosen", "/b", "/b", ["/b"], [a, b], "/a"],
    ["the one shown stays when word of it comes", "/a", null, [], [a, b], "/a"],
    ["the one chosen stays although others are newer", "/a", "/a", ["/a", "/b"], [a, b], "/a"],
    ["another when the one shown is gone", "/a", "/a", ["/a", "/b"], [b], "/b"],
    ["none when there is none", "/a", "/a", ["/a"], [], null],
  ] as [string, string | null, string | null, string[], FoundRun[], string | null][])(
    "%s",
    (_, active, remembered, seen, runs, chosen) => {
      expect(chooseActive({ active, remembered, seen: new Set(seen), runs })).toBe(chosen);
    },
  );
});

import { expect, test } from "vitest";
import { bestFirst, type FoundPython, needsPython, packageWords } from "../../../src/scheduler/control/foundPythons";
import { stepOf } from "../../../src/scheduler/pythons/environmentScript";
import { candidatesIn, type Files, type Places } from "../../../src/scheduler/pythons/places";

/** A disk with these programs, and nothing else. */
function disk(programs: readonly string[], texts: Readonly<Record<string, readonly string[]>> = {}): Files {
  return {
    list: (folder) =>
      Promise.resolve(
        [
          ...new Set(
            programs
              .filter((file) => file.startsWith(`${folder}/`))
              .map((file) => file.slice(folder.length + 1).split("/")[0] ?? ""),
          ),
        ].sort(),
      ),
    isExecutable: (file) => Promise.resolve(programs.includes(file)),
    lines: (file) => Promise.resolve(texts[file] ?? []),
  };
}

const nowhere: Places = {
  home: "/home/ada",
  set: { python: null, prelude: ["source site"] },
  known: [],
  folders: ["/study"],
  variables: {},
  modules: [],
};
const found = async (places: Partial<Places>, files: Files) =>
  (await candidatesIn({ ...nowhere, ...places }, files)).map(({ source, python }) => `${source} ${python}`);

test("Pythons are where people have them, the nearest first", async () => {
  const files = disk(
    [
      "/study/.venv/bin/python",
      "/usr/bin/python3",
      "/usr/bin/python3.9",
      "/usr/bin/python3.12",
      "/usr/bin/python3-config",
      "/usr/bin/python3.12-gdb.py",
      "/opt/conda/bin/python",
      "/home/ada/miniforge3/envs/sim/bin/python",
      "/scratch/envs/big/bin/python",
      "/home/ada/.virtualenvs/old/bin/python",
    ],
    { "/home/ada/.conda/environments.txt": ["/scratch/envs/big", "not a path", ""] },
  );
  const places = {
    set: { python: "python3", prelude: [] },
    known: ["/home/ada/chosen"],
    variables: { PATH: "/usr/bin:.:/none:/usr/bin" },
  };
  expect(await found(places, files)).toEqual([
    "setting python3",
    "editor /home/ada/chosen",
    "study /study/.venv/bin/python",
    "PATH /usr/bin/python3",
    "PATH /usr/bin/python3.12",
    "PATH /usr/bin/python3.9",
    "conda /scratch/envs/big/bin/python",
    "conda /opt/conda/bin/python",
    "conda /home/ada/miniforge3/envs/sim/bin/python",
    "environment /home/ada/.virtualenvs/old/bin/python",
  ]);
});

test("modules are loaded after what is set, and only those whose name says nothing to a shell", async () => {
  const modules = ["python/3.9", "Python/3.12.3-GCCcore-13.2.0", "python/$(reboot)", "; rm", "python/3.11"];
  const all = await candidatesIn({ ...nowhere, modules }, disk([]));
  expect(all.map(({ prelude }) => prelude)).toEqual([
    ["source site", "module load python/3.11"],
    ["source site", "module load Python/3.12.3-GCCcore-13.2.0"],
    ["source site", "module load python/3.9"],
  ]);
});

test("a folder with very many does not hide all others", async () => {
  const many = Array.from({ length: 500 }, (_, i) => `/home/ada/envs/${String(i).padStart(3, "0")}/bin/python`);
  const all = await found({}, disk([...many, "/home/ada/venvs/mine/bin/python"]));
  expect(all).toContain("environment /home/ada/venvs/mine/bin/python");
  expect(all.length).toBeLessThan(20);
});

const python = (more: Partial<FoundPython>): FoundPython => ({
  ...{ source: "PATH", python: "/usr/bin/python3", prelude: [], version: "3.11.2" },
  ...{ packages: {}, missing: [], hasMpi: false, ...more },
});

test("those that can run learners come first, and what each has is said", () => {
  const lacking = python({ source: "setting", missing: ["adaptive", "pyzmq"] });
  const packages = { adaptive: "1.5.2", pyzmq: "27.3.0", cloudpickle: "3", mpi4py: "4.1.2" };
  const good = python({ source: "conda", packages });
  expect(bestFirst([lacking, good])).toEqual([good, lacking]);
  expect([lacking, good, { ...good, hasMpi: true }].map(packageWords)).toEqual([
    "without adaptive, pyzmq",
    "adaptive 1.5.2, pyzmq 27.3.0, mpi4py 4.1.2 without an MPI library",
    "adaptive 1.5.2, pyzmq 27.3.0, mpi4py 4.1.2",
  ]);
});

test.each([
  ["Collecting scipy>=1.0 (from adaptive)", "Installing scipy"],
  ["Collecting adaptive", "Installing adaptive"],
  ["Installing collected packages: sortedcontainers, scipy", "Unpacking packages"],
  ["  Downloading scipy-1.17.whl (35.1 MB)", null],
  ["", null],
])("of pip's line %j a person reads %j", (line, words) => {
  expect(stepOf(line)).toBe(words);
});

test.each([
  ["missing-packages", true],
  ["python-missing", true],
  ["bad-setting", false],
])("an error %s is mended by another Python: %j", (code, isSo) => {
  expect(needsPython(code)).toBe(isSo);
});

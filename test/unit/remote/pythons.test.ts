import { describe, expect, test } from "vitest";
import { downloadArguments, platformTags } from "../../../src/remote/deploy/wheels";
import { pythonProblem } from "../../../src/remote/deploy/pythonProblem";
import { interpretersOf } from "../../../src/remote/interpreters";
import { choosePython } from "../../../src/remote/python";

const nobody = () => Promise.resolve(false);
const places = { home: "/home/ada", folders: ["/work/studies/peaks", "/work"] };

test.each([
  ["~/env/bin/python", "/home/ada/env/bin/python"],
  [".venv/bin/python", "/work/.venv/bin/python"],
  ["/opt/python", "/opt/python"],
  ["python3.12", "python3.12"],
  ["", "python3"],
  [undefined, "python3"],
])("the setting %j names %s", async (setting, python) => {
  expect(await choosePython({ ...places, setting }, nobody)).toBe(python);
});

describe("the interpreters of the Python extension", () => {
  const environment = (fsPath: string) => ({ executable: { uri: { fsPath } } });

  test("begin with the chosen one", async () => {
    const api = {
      environments: {
        chosen: "/study/.venv",
        getActiveEnvironmentPath(this: { chosen: string }) {
          return { path: this.chosen };
        },
        resolveEnvironment: ({ path }: { path: string }) => Promise.resolve(environment(`${path}/bin/python`)),
        known: [environment("/usr/bin/python3"), environment("/study/.venv/bin/python"), { executable: {} }, 7],
      },
    };
    expect(await interpretersOf(api, null)).toEqual(["/study/.venv/bin/python", "/usr/bin/python3"]);
  });

  test.each([
    undefined,
    {},
    { environments: {} },
    {
      environments: { getActiveEnvironmentPath: () => ({}), resolveEnvironment: () => Promise.reject(new Error("no")) },
    },
  ])("are none where it is something else: %#", async (api) => {
    expect(await interpretersOf(api, null)).toEqual([]);
  });
});

test("packages are fetched for the machine there", () => {
  expect(platformTags("x86_64", "2.19")).toEqual([
    "manylinux_2_19_x86_64",
    "manylinux_2_18_x86_64",
    "manylinux_2_17_x86_64",
    "manylinux2014_x86_64",
  ]);
  expect(platformTags("arm64", "2.17")).toEqual(["manylinux_2_17_aarch64", "manylinux2014_aarch64"]);
  expect(platformTags("x86_64", null)).toEqual(["musllinux_1_2_x86_64", "musllinux_1_1_x86_64"]);
  const args = downloadArguments({ folder: "/tmp/w", version: "3.9", tags: ["a", "b"], names: ["adaptive", "pip"] });
  expect(args.join(" ")).toMatch(
    /^download .*--dest \/tmp\/w --only-binary=:all: --implementation cp --python-version 3\.9 --platform a --platform b adaptive pip$/,
  );
});

test.each([
  ["3.6.8", "python-old"],
  ["2.7.5", "python-old"],
  ["3.9.1", "python-packages"],
  ["3.14.0", "python-packages"],
])("a Python %s of a head node without adaptive is %s", (version, code) => {
  const python = { path: "/opt/my python", version, missing: ["adaptive"] };
  const problem = pythonProblem({ host: "hpc", python }, "python3");
  expect(problem?.code).toBe(code);
  expect(problem?.command).toBe(code === "python-old" ? null : "'/opt/my python' -m pip install adaptive");
});

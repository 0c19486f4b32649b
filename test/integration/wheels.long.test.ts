import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { wheelsFor } from "../../src/remote/deploy/wheels";
import { localTransport } from "../../src/remote/localTransport";
import { makeEnvironment } from "../../src/remote/pythons";
import { systemClock } from "../../src/scheduler/state/clock";
import { temporaryFolder } from "../unit/scheduler/runFixture";
import { createStudy, peaks, programFile, python } from "./program";
import { tinyWheels } from "./tinyWheels";

test(
  "an environment is made on a machine that reaches no packages, of those that this computer fetches",
  { timeout: 300_000 },
  async () => {
    const study = await createStudy(peaks(1, 0));
    const place = await temporaryFolder();
    const remote = { host: "hpc", architecture: "x86_64", glibc: "2.36", place };
    const machine = {
      ...{ transport: localTransport, clock: systemClock, folder: study.folder, python, remote },
      program: { argv: [process.execPath, programFile], env: { HOME: study.home } },
      prelude: ["export PIP_NO_INDEX=1; unset PIP_FIND_LINKS"],
    };
    // What this computer reaches, and that one does not.
    vi.stubEnv("PIP_NO_INDEX", "1");
    vi.stubEnv("PIP_FIND_LINKS", await tinyWheels(python));
    const { signal } = new AbortController();
    const steps: string[] = [];
    let version = "";
    const making = { onStep: (step: string) => steps.push(step), onVersion: (one: string) => (version = one), signal };
    const wish = {
      folder: study.at(".venv"),
      python,
      prelude: machine.prelude,
      withMpi: false,
      mayAdd: false,
      wheels: null,
    };
    await expect(makeEnvironment(machine, wish, making)).rejects.toMatchObject({ code: "no-index" });

    const made = await wheelsFor(
      machine,
      remote,
      { withMpi: false, version },
      { ...making, cause: "no route to host" },
      (wheels) => makeEnvironment(machine, { ...wish, wheels }, making),
    );
    expect(made).toBe(study.at(".venv/bin/python"));
    expect(steps).toEqual(
      expect.arrayContaining([expect.stringContaining("Fetching"), expect.stringContaining("Sending")]),
    );
    // What was sent is gone again.
    expect(await readdir(join(place, "incoming"))).toEqual([]);
    vi.unstubAllEnvs();
  },
);

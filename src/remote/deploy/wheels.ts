import { randomUUID } from "node:crypto";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { formatBytes } from "../../scheduler/control/bytes";
import { type EnvironmentWish, mpiPackages, packages } from "../../scheduler/control/environmentWish";
import { systemClock } from "../../scheduler/state/clock";
import { AdaptiveError } from "../../scheduler/state/errors";
import { type CommandOutput, outputOf } from "../launch";
import { localTransport } from "../localTransport";
import type { Machine, RemotePlace } from "../pythons";
import { runScript } from "./install";
import { layout } from "./installScript";
import { shellQuote } from "../../scheduler/jobs/quote";

const askDeadlineMs = 30_000;
const downloadDeadlineMs = 1_800_000;

interface Fetching {
  onStep(step: string): void;
  signal: AbortSignal;
  /** Why the machine there cannot fetch them itself. */
  cause: string;
}

/**
 * Fetches packages on this computer for a machine that reaches none, and sends them there; they are deleted when they
 * have been made use of.
 * @param use is given their folder there
 * @throws AdaptiveError `no-pip-here`, `packages-not-fetched`, or that of the transport
 */
export async function wheelsFor<T>(
  machine: Machine,
  { host, architecture, glibc, place }: RemotePlace,
  { withMpi, version }: Pick<EnvironmentWish, "withMpi"> & { version: string },
  { onStep, signal, cause }: Fetching,
  use: (folder: string) => Promise<T>,
): Promise<T> {
  const { transport, clock } = machine;
  const asked = { clock, signal, deadlineMs: askDeadlineMs };
  onStep("Fetching packages here");
  const pip = await pipHere(asked, host, cause);
  const here = await mkdtemp(join(tmpdir(), "adaptive-wheels-"));
  const there = layout.incoming(place, `wheels-${randomUUID()}`);
  try {
    // The installer too, which the Python there may lack.
    const names = [...packages, "pip", ...(withMpi ? mpiPackages : [])];
    const fetched = await outputOf(
      localTransport,
      [...pip, ...downloadArguments({ folder: here, version, tags: platformTags(architecture, glibc), names })],
      { clock: systemClock, signal, deadlineMs: downloadDeadlineMs, what: "pip", env: { PIP_USER: "0" } },
    );
    if (fetched.code !== 0) throw notFetched(host, fetched);
    const files = await Promise.all(
      (await readdir(here)).map(async (name) => ({ name, content: await readFile(join(here, name)) })),
    );
    const totalBytes = files.reduce((sum, { content }) => sum + content.length, 0);
    let sentBytes = 0;
    for (const { name, content } of files) {
      const onProgress = (bytes: number): void =>
        onStep(`Sending packages: ${formatBytes(sentBytes + bytes)} of ${formatBytes(totalBytes)}`);
      await transport.upload(content, `${there}/${name}`, { signal, onProgress });
      sentBytes += content.length;
    }
    return await use(there);
  } finally {
    await rm(here, { recursive: true, force: true });
    // Also after a cancel: nobody else would.
    await runScript({ transport, clock, signal: new AbortController().signal }, `rm -rf ${shellQuote(there)}\n`).catch(
      () => undefined,
    );
  }
}

/** The words after `pip` that fetch packages for another machine than this. */
export function downloadArguments({
  folder,
  version,
  tags,
  names,
}: {
  folder: string;
  /** Such as `3.11`. */
  version: string;
  tags: readonly string[];
  names: readonly string[];
}): string[] {
  const forThere = ["--only-binary=:all:", "--implementation", "cp", "--python-version", version];
  const platforms = tags.flatMap((tag) => ["--platform", tag]);
  const quiet = ["--disable-pip-version-check", "--no-input", "--quiet"];
  return ["download", ...quiet, "--dest", folder, ...forThere, ...platforms, ...names];
}

/**
 * Names of the platforms whose wheels run on a Linux machine, newest first (PEP 600).
 * @param architecture as `uname -m` says it
 * @param glibc its version, or null for musl
 */
export function platformTags(architecture: string, glibc: string | null): string[] {
  const name = { amd64: "x86_64", arm64: "aarch64" }[architecture] ?? architecture;
  if (glibc === null) return [2, 1].map((minor) => `musllinux_1_${minor}_${name}`);
  const minor = Number(/^2\.(\d+)/.exec(glibc)?.[1] ?? oldestMinor);
  const minors = Array.from({ length: Math.max(0, minor - oldestMinor + 1) }, (_, i) => minor - i);
  return [...minors.map((one) => `manylinux_2_${one}_${name}`), `manylinux2014_${name}`];
}
const oldestMinor = 17;

type Asked = Omit<Parameters<typeof outputOf>[2], "what">;

/** A pip of this computer. */
async function pipHere(asked: Asked, host: string, cause: string): Promise<string[]> {
  for (const pip of [["python3", "-m", "pip"], ["python", "-m", "pip"], ["py", "-m", "pip"], ["pip3"]]) {
    const { code } = await outputOf(localTransport, [...pip, "--version"], { ...asked, what: "pip" }).catch(() => ({
      code: null,
    }));
    if (code === 0) return pip;
  }
  throw new AdaptiveError(
    "no-pip-here",
    `${host} reaches no packages (${cause}), and this computer has no Python with pip that could fetch them for it.`,
    `Install Python on this computer, or make the environment on ${host} in the way its site recommends and choose it.`,
  );
}

function notFetched(host: string, { stderr, code }: CommandOutput): AdaptiveError {
  const lines = stderr.trim().split("\n");
  const said = lines.filter((line) => line.startsWith("ERROR")).at(-1) ?? lines.at(-1) ?? `exit code ${code ?? "none"}`;
  return new AdaptiveError(
    "packages-not-fetched",
    `The packages could not be fetched for ${host}: ${said}`,
    "See the log.",
    { cause: stderr },
  );
}

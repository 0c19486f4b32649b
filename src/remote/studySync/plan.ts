/** A file of the study's folder on this computer. */
export interface StudyEntry {
  /** Relative to the folder, with `/`. */
  path: string;
  size: number;
  isIgnored: boolean;
}

export interface StudyPlan {
  send: readonly StudyEntry[];
  leftOut: readonly (StudyEntry & { why: "ignored by git" | "data" | "large" | "kept aside" })[];
}

const maxFileBytes = 10 << 20;
/** Files that hold data by their names. */
const dataName = /\.(pickle|pkl|npy|npz|h5|hdf5|nc|parquet|feather|sqlite|db)(\.(csv|json|gz|bz2|xz|zst))*$/i;
/** Files that we have kept beside another, or that were on their way: no version of anything that jobs should get. */
const keptName = /\.(before|edited)-[0-9a-f]{8}$|\.unreadable-\d+$|\.\d+\.part$|\.\d+\.[^./]+\.tmp$/;

/**
 * Which files of a study go to the cluster: all, without what git ignores, data, and what is large; but what
 * `include` names goes in any case. What came from the cluster never goes back, for there it may have grown since; nor
 * does what was kept aside, unless it is named itself.
 * @param include files and folders, relative to the study's folder
 * @param downloaded files that a run's data was downloaded into
 */
export function planStudy(
  entries: readonly StudyEntry[],
  include: readonly string[],
  downloaded: ReadonlySet<string> = new Set(),
): StudyPlan {
  const reason = (entry: StudyEntry): StudyPlan["leftOut"][number]["why"] | null => {
    if (downloaded.has(entry.path)) return "data";
    if (include.some((name) => normalised(name) === entry.path)) return null;
    if (keptName.test(entry.path)) return "kept aside";
    return isNamedBy(include, entry.path) ? null : reasonAgainst(entry);
  };
  const judged = entries.map((entry) => ({ entry, why: reason(entry) }));
  return {
    send: judged.filter(({ why }) => why === null).map(({ entry }) => entry),
    leftOut: judged.flatMap(({ entry, why }) => (why === null ? [] : [{ ...entry, why }])),
  };
}

/** Whether names of files and folders name a file, or a folder around it. */
export function isNamedBy(names: readonly string[], path: string): boolean {
  return names.map(normalised).some((name) => path === name || path.startsWith(`${name}/`));
}

function reasonAgainst({ path, size, isIgnored }: StudyEntry): StudyPlan["leftOut"][number]["why"] | null {
  if (isIgnored) return "ignored by git";
  if (dataName.test(path)) return "data";
  return size > maxFileBytes ? "large" : null;
}

function normalised(name: string): string {
  return name.replace(/^(\.\/)+/, "").replace(/\/+$/, "");
}

/** A file, or a whole folder, that was left out. */
type LeftOut = Pick<StudyPlan["leftOut"][number], "path" | "why">;

/**
 * What was left out and the study's code looks for on the cluster, or null.
 * @param message why the learners file could not be read there, as Python said it
 */
export function findMissing(message: string, { leftOut }: StudyPlan): LeftOut | null {
  const module = /No module named '([\w.]+)'/.exec(message)?.[1]?.split(".")[0];
  if (module !== undefined) {
    const inFolder = leftOut.find(({ path }) => path.startsWith(`${module}/`));
    if (inFolder !== undefined) return { path: module, why: inFolder.why };
    return leftOut.find(({ path }) => path === `${module}.py` || isNative(path, module)) ?? null;
  }
  const file = /No such file or directory: '([^']+)'/.exec(message)?.[1];
  return leftOut.find(({ path }) => file === path || file?.endsWith(`/${path}`) === true) ?? null;
}

/** `fast.cpython-311-x86_64-linux-gnu.so`. */
function isNative(path: string, module: string): boolean {
  return path.startsWith(`${module}.`) && path.endsWith(".so");
}

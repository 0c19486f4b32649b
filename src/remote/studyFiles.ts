const maxDepth = 4;
const foreignFolders = new Set(["node_modules", "site-packages", "__pycache__", "venv", "env", "envs"]);

/** The glob that finds learners files of this name, which may be a relative path, in a workspace folder. */
export function learnersGlob(name: string): string {
  return `{${Array.from({ length: maxDepth + 1 }, (_, depth) => "*/".repeat(depth) + name).join(",")}}`;
}

/**
 * Whether a learners file found at this path is somebody's study. Not so in hidden folders (one of
 * them, `.adaptive`, holds copies of the study's own code), nor in environments and packages.
 * @param path relative to the workspace folder, with `/`
 */
export function isStudyPath(path: string): boolean {
  const folders = path.split("/").slice(0, -1);
  return folders.length <= maxDepth && !folders.some((name) => name.startsWith(".") || foreignFolders.has(name));
}

/**
 * Whether this may be a folder that a study or run came with, as far as a path tells: data files, of
 * which many may appear, have an extension, and in a run's state folder there is neither.
 */
export function mayBeFolder(path: string): boolean {
  return !/\/\.adaptive[^/]*\//.test(path) && !path.slice(path.lastIndexOf("/") + 2).includes(".");
}

/** The line of a learners file that says what its learners are, or null when there is none: shown before anything is run. */
export function learnersLineOf(text: string): string | null {
  return /^(?:learners\s*(?::[^=\n]*)?=|def make_learner\b).*$/m.exec(text)?.[0].trim() ?? null;
}

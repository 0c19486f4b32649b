/** The folder, inside the one that was chosen, where nothing of an example would lie on something: "" for itself. */
export function freeFolder(taken: readonly string[], files: readonly string[]): string {
  // As on a disk that takes `A` and `a` for one.
  const names = new Set(taken.map((name) => name.toLowerCase()));
  if (!files.some((file) => names.has(file.toLowerCase()))) return "";
  for (let number = 1; ; number += 1) {
    const folder = number === 1 ? "example-study" : `example-study-${number}`;
    if (!names.has(folder)) return folder;
  }
}

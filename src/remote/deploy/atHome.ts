/** A path on a head node as a person writes it, with `~/` for their home directory there. */
export function atHome(path: string, home: string): string {
  return path === "~" || path.startsWith("~/") ? home + path.slice(1) : path;
}

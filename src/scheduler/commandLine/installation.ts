import { utimes } from "node:fs/promises";
import { basename, dirname } from "node:path";

const everyMs = 12 * 3_600_000;

/**
 * Says now and then that this program is in use, by the time of its folder: on a cluster, where several versions lie
 * side by side, whoever installs another one deletes those that nobody has used for two weeks.
 * @param folder of the program with all it brings along
 */
export function keepInstalled(folder: string): void {
  if (basename(dirname(folder)) !== "bundles") return;
  const touch = (): void => {
    const now = new Date();
    // Where it cannot be said, the program goes on; what it still needs from its folder it has read.
    utimes(folder, now, now).catch(() => undefined);
  };
  touch();
  setInterval(touch, everyMs).unref();
}

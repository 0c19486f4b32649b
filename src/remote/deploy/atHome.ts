import { AdaptiveError } from "../../scheduler/state/errors";
import type { Probe } from "./probe";

/** A path on a head node as a person writes it, with `~/` for their home directory there. */
export function atHome(path: string, home: string): string {
  return path === "~" || path.startsWith("~/") ? home + path.slice(1) : path;
}

/**
 * As `atHome`, and with `$SCRATCH` or `${SCRATCH}` for what a login there has it mean.
 * @throws AdaptiveError `bad-user-setting` for a variable that names no path there
 */
export function withVariables(
  path: string,
  { host, home, variables }: Pick<Probe, "host" | "home" | "variables">,
): string {
  return atHome(path, home).replace(/\$(?:(\w+)|\{(\w+)\})/g, (_, bare?: string, braced?: string) => {
    const name = bare ?? braced ?? "";
    const value = variables[name];
    if (value !== undefined) return value.replace(/\/+$/, "");
    throw new AdaptiveError(
      "bad-user-setting",
      `The user setting adaptive.clusters has ${path}, but a login on ${host} has no $${name} that names a folder`,
      `Look with echo $${name} there, or write the path out.`,
    );
  });
}

import * as v from "valibot";
import { parseSettings } from "../scheduler/state/parseSettings";
import { clusterSchema, hostDefaults, type Layer, profileSchema } from "../scheduler/state/settings";

const place = { name: "The user setting adaptive.clusters", code: "bad-user-setting" };

/**
 * What the user setting `adaptive.clusters` says of this computer.
 *
 * @param clusters its value, which a person wrote
 * @throws AdaptiveError `bad-user-setting` naming what is wrong
 */
export function profileOf(clusters: unknown, cluster: "local"): Layer {
  const schema = v.looseObject({ [cluster]: v.optional(profileSchema, {}) }, "expected an object");
  return parseSettings(schema, clusters ?? {}, place)[cluster];
}

/** What is known of a cluster: what its runs go by, and how the editor makes use of it. */
export interface HostProfile {
  profile: Layer;
  /** The Node that runs the scheduler; null to look for one. */
  node: string | null;
  installFolder: string;
  runRoot: string;
  /** Schedulers there are jobs of the queue. */
  schedulerInJob: boolean;
}

/**
 * What that setting says of a host.
 *
 * @throws AdaptiveError `bad-user-setting` naming what is wrong
 */
export function hostProfileOf(clusters: unknown, host: string): HostProfile {
  const schema = v.looseObject({ [host]: v.optional(clusterSchema, {}) }, "expected an object");
  const {
    node = null,
    installFolder = hostDefaults.installFolder,
    runRoot = hostDefaults.runRoot,
    schedulerInJob = hostDefaults.schedulerInJob,
    ...profile
  } = parseSettings(schema, clusters ?? {}, place)[host] ?? {};
  return { profile, node, installFolder, runRoot, schedulerInJob };
}

import * as v from "valibot";
import { parseSettings } from "../scheduler/state/parseSettings";
import { profileSchema, type Layer } from "../scheduler/state/settings";

/**
 * What the user setting `adaptive.clusters` says of a cluster.
 *
 * @param clusters its value, which a person wrote
 * @throws AdaptiveError `bad-user-setting` naming what is wrong
 */
export function profileOf(clusters: unknown, cluster: "local"): Layer {
  const schema = v.looseObject({ [cluster]: v.optional(profileSchema, {}) }, "expected an object");
  const place = { name: "The user setting adaptive.clusters", code: "bad-user-setting" };
  return parseSettings(schema, clusters ?? {}, place)[cluster];
}

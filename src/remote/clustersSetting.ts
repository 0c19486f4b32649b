import { ConfigurationTarget, workspace } from "vscode";
import type { ClustersSetting } from "./connectClusters";

/** The user setting `adaptive.clusters`. */
export const clustersSetting: ClustersSetting = {
  get: () => workspace.getConfiguration("adaptive").get("clusters"),
  setSchedulerInJob: async (host) => {
    const configuration = workspace.getConfiguration("adaptive");
    const set = configuration.inspect<Record<string, object>>("clusters")?.globalValue ?? {};
    const clusters = { ...set, [host]: { ...set[host], schedulerInJob: true } };
    await configuration.update("clusters", clusters, ConfigurationTarget.Global);
  },
};

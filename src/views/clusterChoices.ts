import { typedHost } from "../remote/ssh/resolveHost";
import { plural } from "../scheduler/state/counts";
import { plain } from "./plain";

/** A line of the list of clusters; one without a cluster only says something. */
export interface ClusterChoice {
  label: string;
  description: string;
  cluster: string | null;
}

/**
 * Where jobs may run: here, on the hosts that are known, and on the one that a person types.
 * @param problems files of the SSH configuration that cannot be read
 */
export function clusterChoices(
  typed: string,
  { cores, hosts, problems }: { cores: number; hosts: readonly string[]; problems: readonly string[] },
): ClusterChoice[] {
  const host = typedHost(typed);
  const onHost = (cluster: string, description: string): ClusterChoice => ({
    label: `$(remote) ${plain(cluster)}`,
    description,
    cluster,
  });
  const words = (label: string): ClusterChoice => ({ label, description: "", cluster: null });
  return [
    {
      label: `$(device-desktop) This computer (${plural(cores, "core")})`,
      description: "jobs as processes here",
      cluster: "local",
    },
    ...hosts.map((name) => onHost(name, "over SSH")),
    ...(host === null || hosts.includes(host) ? [] : [onHost(host, "over SSH, as typed")]),
    ...(hosts.length === 0
      ? [words("Your SSH configuration names no host: type one, as user@host or user@host:port")]
      : []),
    ...problems.map((problem) => words(unread(problem))),
  ];
}

/**
 * Hosts to look on for runs; a line without a host only says something.
 * @param problems files of the SSH configuration that cannot be read
 */
export function hostsToLookOn(
  hosts: readonly string[],
  problems: readonly string[],
): { label: string; host: string | null }[] {
  const lines = [
    ...hosts.map((host) => ({ label: `$(remote) Look on ${plain(host)}`, host })),
    ...problems.map((problem) => ({ label: unread(problem), host: null })),
  ];
  return lines.length === 0 ? [] : [{ label: "Started from elsewhere", host: null }, ...lines];
}

function unread(problem: string): string {
  return plain(`Not read: ${problem}`, 200);
}

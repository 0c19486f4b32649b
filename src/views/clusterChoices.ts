import { typedHost } from "../remote/ssh/resolveHost";
import { plural } from "../scheduler/state/counts";
import { plain } from "./plain";

/** A line of the list of clusters; one without a cluster only says something. */
export interface ClusterChoice {
  label: string;
  description: string;
  cluster: string | null;
  /** Made of what was typed, so that no filter of the list hides it. */
  isTyped: boolean;
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
  const onHost = (cluster: string, isTyped: boolean): ClusterChoice => ({
    label: `$(remote) ${plain(cluster)}`,
    description: isTyped ? "over SSH, as typed" : "over SSH",
    cluster,
    isTyped,
  });
  const words = (label: string): ClusterChoice => ({ label, description: "", cluster: null, isTyped: false });
  return [
    {
      label: `$(device-desktop) This computer (${plural(cores, "core")})`,
      description: "jobs as processes here",
      cluster: "local",
      isTyped: false,
    },
    ...hosts.map((name) => onHost(name, false)),
    ...(host === null || hosts.includes(host) ? [] : [onHost(host, true)]),
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

import type { Link } from "./runSession";

const allowed: Record<Link["at"], readonly Link["at"][]> = {
  offline: ["connecting"],
  connecting: ["connecting", "online", "retrying", "offline"],
  online: ["retrying", "offline"],
  retrying: ["connecting", "offline"],
};

/**
 * The one place where a link changes.
 * @throws Error when the step is not one a link can take: a bug
 */
export function transition(from: Link, to: Link, log: (line: string) => void): Link {
  if (!allowed[from.at].includes(to.at)) throw new Error(`A link cannot go from ${from.at} to ${to.at}`);
  log(`link: ${from.at} → ${to.at}${reasonOf(to)}`);
  return to;
}

function reasonOf(link: Link): string {
  switch (link.at) {
    case "online":
      return "";
    case "connecting":
      return ` (${link.step})`;
    case "offline":
      return ` (${link.why})`;
    case "retrying":
      return ` (${link.why}; attempt ${link.attempt} in ${Math.round(link.nextInMs)} ms)`;
  }
}

import { AdaptiveError, errnoOf } from "../../scheduler/state/errors";
import type { HostConfig } from "./hostConfig";
import type { HostKeyVerdict } from "./hostKeyDecision";

/** What went wrong on the way to a host, from an error of the network or of the protocol. */
export function connectionError(host: HostConfig, error: unknown): AdaptiveError {
  if (error instanceof AdaptiveError) return error;
  const { name, hostName, port } = host;
  const options = { cause: error };
  const errno = errnoOf(error);
  const where = hostName === name ? name : `${name} (${hostName})`;
  switch (errno) {
    case "ENOTFOUND":
    case "EAI_AGAIN":
    case "EAI_NODATA":
      return new AdaptiveError(
        "no-such-host",
        `No host of the name ${hostName} was found`,
        hostName === name
          ? "Check the name, your network and your VPN."
          : `Check HostName of ${name} in your SSH configuration, your network and your VPN.`,
        options,
      );
    case "ECONNREFUSED":
      return new AdaptiveError(
        "refused",
        `${where} refuses connections on port ${port}`,
        "Check the port, and that its SSH server runs.",
        options,
      );
    case "EHOSTUNREACH":
    case "ENETUNREACH":
    case "ETIMEDOUT":
      return unreachable(host, options);
    default:
  }
  const message = error instanceof Error ? error.message : String(error);
  if (message.includes("no matching")) {
    return new AdaptiveError(
      "no-common-algorithm",
      `${where} and this editor have no ${/no matching (.+?)(?: algorithm)?$/.exec(message)?.[1] ?? "algorithm"} in common`,
      "Its SSH server is very old or very strict: ask its administrators.",
      options,
    );
  }
  return lost(host, message, options);
}

export function unreachable({ name, hostName, port }: HostConfig, options?: ErrorOptions): AdaptiveError {
  const where = hostName === name ? name : `${name} (${hostName})`;
  return new AdaptiveError(
    "unreachable",
    `${where} does not answer on port ${port}`,
    "Check your network and your VPN.",
    options,
  );
}

/** A connection that was there and is no more. */
export function lost({ name }: HostConfig, why: string, options?: ErrorOptions): AdaptiveError {
  return new AdaptiveError("connection-lost", `The connection to ${name} was lost${why === "" ? "" : `: ${why}`}`, "", {
    ...options,
  });
}

export function cancelled(): AdaptiveError {
  return new AdaptiveError("cancelled", "Cancelled");
}

/** Only a person can help, and none has just asked for the connection. */
export function needsUser({ name }: HostConfig, what: string): AdaptiveError {
  return new AdaptiveError("needs-user", `${name} ${what}`, "Connect again by hand.");
}

export function hostKeyRefused(
  { name }: HostConfig,
  verdict: Extract<HostKeyVerdict, { kind: "refuse" }>,
  fingerprint: string,
): AdaptiveError {
  switch (verdict.why) {
    case "changed":
      return new AdaptiveError(
        "host-key-changed",
        `${name} shows another key (${fingerprint}) than the one in ${verdict.at.file}:${verdict.at.line}`,
        "Somebody may be listening in. Only when its administrators say that they changed it, delete that line.",
      );
    case "revoked":
      return new AdaptiveError(
        "host-key-revoked",
        `${name} shows a key (${fingerprint}) that is revoked in ${verdict.at.file}:${verdict.at.line}`,
        "Ask its administrators.",
      );
    case "unknown":
      return new AdaptiveError(
        "host-key-unknown",
        `${name} shows a key (${fingerprint}) that is in none of your known hosts files`,
        "Connect to it by hand once, and compare the key with what its administrators publish.",
      );
  }
}

/**
 * @param tried in words, in order
 * @param certificates that ssh would have shown
 */
export function nothingLeft(
  host: HostConfig,
  tried: readonly string[],
  offered: readonly string[],
  certificates: readonly string[],
): AdaptiveError {
  const { name, methods, identityFiles } = host;
  if (!offered.some((method) => methods.some((own) => own === method))) {
    return new AdaptiveError(
      "no-auth-left",
      `${name} wants ${offered.join(" or ")}, which cannot be done here`,
      "Connect the editor to it with Remote-SSH, and start the jobs there.",
    );
  }
  if (tried.length === 0) {
    return new AdaptiveError(
      "no-auth-left",
      `${name} wants a key, and there is none: neither in an agent nor in ${identityFiles.join(", ")}`,
      "Name yours with IdentityFile in your SSH configuration, or make one with ssh-keygen and have it added there.",
    );
  }
  return new AdaptiveError(
    "no-auth-left",
    `${name} lets ${host.user} in with none of: ${tried.join(", ")}`,
    certificates.length > 0
      ? `It may want your certificate (${certificates.join(", ")}), which only ssh itself can show: let the key in by ssh-copy-id ${name} in a terminal, or connect the editor to it with Remote-SSH and start the jobs there.`
      : `Check the user's name and the key, and that ssh ${name} works in a terminal.`,
  );
}

export function wrongAnswer({ name, user }: HostConfig): AdaptiveError {
  return new AdaptiveError(
    "wrong-password",
    `${name} did not accept what was typed for ${user}`,
    "Check the user's name and try again.",
  );
}

export function noSession({ name }: HostConfig, cause: unknown): AdaptiveError {
  return new AdaptiveError(
    "no-session",
    `${name} allows no more sessions on one connection`,
    "Close a terminal there, or ask its administrators to raise MaxSessions.",
    { cause },
  );
}

/** @param missing its `program` or `folder`; null when the host runs no commands at all, but says something */
export function notStarted(
  { name }: HostConfig,
  missing: string | null,
  program: string,
  cwd: string | undefined,
  said: string,
): AdaptiveError {
  if (missing === null) {
    const words = said.trim().split("\n").at(-1)?.trim() ?? "";
    const message = `${name} runs no commands${words === "" ? "" : `: ${words}`}`;
    return new AdaptiveError("not-started", message, `Check that ssh ${name} works in a terminal.`, { cause: said });
  }
  const what = missing === "program" ? program : `the folder ${cwd ?? ""}`;
  return new AdaptiveError(
    "not-started",
    `${program} could not be started on ${name} (ENOENT)`,
    `Check that ${what} exists there.`,
  );
}

/** @param said the beginning of what came instead of the command's own output */
export function tooMuchNoise({ name }: HostConfig, said: string): AdaptiveError {
  return new AdaptiveError(
    "too-much-noise",
    `${name} prints without end before it runs a command: ${JSON.stringify(said.trim().slice(0, 80))}`,
    `A start-up file of your shell there does: correct it, and see that ssh ${name} true ends in a terminal.`,
  );
}

export function beginsNothing({ name }: HostConfig): AdaptiveError {
  return new AdaptiveError(
    "timeout",
    `${name} lets one in, but runs no command`,
    `A start-up file of your shell there may wait for something: see that ssh ${name} true ends in a terminal.`,
  );
}

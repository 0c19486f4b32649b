import type { HostKeyQuestion } from "../remote/ssh/prompts";

/** What a person is asked about a host's key. */
export function hostKeyWords({ host, fingerprint, keyType, why, at }: HostKeyQuestion): {
  message: string;
  detail: string;
  trust: string;
} {
  const place = at === undefined ? "" : `${at.file}:${at.line}`;
  const reasons = {
    unknown: "You have not connected to it before.",
    "ca-only": `It is vouched for by a certificate authority (${place}), whose certificates cannot be checked here.`,
  };
  return {
    message: `Is this ${host}?`,
    detail: [
      reasons[why],
      `Its ${keyType} key is\n${fingerprint}`,
      "Compare it with what its administrators publish. A key that you trust is kept among your known hosts.",
    ].join("\n\n"),
    trust: "Trust and Connect",
  };
}

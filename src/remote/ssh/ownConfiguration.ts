import { homedir, userInfo } from "node:os";
import { join } from "node:path";
import type { SshConfiguration } from "./resolveHost";

/** The SSH configuration of whoever runs the editor. */
export function ownConfiguration(): SshConfiguration {
  const home = homedir();
  const { username: user, homedir: account } = userInfo();
  const own = join(home, ".ssh", "config");
  // ssh looks in the account's home, whatever HOME says.
  const isStandard = home === account;
  return {
    machine: { home, user, platform: process.platform, agentSocket: process.env["SSH_AUTH_SOCK"] },
    files: isStandard ? [own, systemFile()] : [own],
    isStandard,
    program: "ssh",
  };
}

function systemFile(): string {
  return process.platform === "win32"
    ? join(process.env["ProgramData"] ?? "C:\\ProgramData", "ssh", "ssh_config")
    : "/etc/ssh/ssh_config";
}

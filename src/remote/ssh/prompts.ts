import type { KnownHostsPlace } from "./knownHosts";

/** What a person is asked while a connection is made; null means that they cancelled. */
export interface Prompts {
  /** Whether to trust a host that is not known by this key. */
  hostKey(question: HostKeyQuestion, signal: AbortSignal): Promise<boolean>;
  passphrase(question: PassphraseQuestion, signal: AbortSignal): Promise<string | null>;
  password(question: LoginQuestion, signal: AbortSignal): Promise<string | null>;
  /** One answer for each prompt. */
  keyboardInteractive(question: InteractiveQuestion, signal: AbortSignal): Promise<string[] | null>;
}

export interface HostKeyQuestion {
  host: string;
  /** As `ssh-keygen -l` prints it. */
  fingerprint: string;
  keyType: string;
  why: "unknown" | "ca-only";
  /** Where the host is known by something else. */
  at?: KnownHostsPlace;
}

export interface PassphraseQuestion {
  file: string;
  /** The last answer was wrong. */
  isRetry: boolean;
}

export interface LoginQuestion {
  user: string;
  host: string;
  isRetry: boolean;
}

export interface InteractiveQuestion extends LoginQuestion {
  /** The server's own words, often empty. */
  name: string;
  instructions: string;
  prompts: readonly { text: string; isEchoed: boolean }[];
}

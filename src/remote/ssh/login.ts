import { basename } from "node:path";
import type { AnyAuthMethod, AuthenticationType, Prompt } from "ssh2";
import { AdaptiveError } from "../../scheduler/state/errors";
import type { HostConfig } from "./hostConfig";
import { type Identity, type KeySources, listCertificates, listIdentities } from "./identities";
import { type KeyOffer, offerKey, signedKey } from "./keyOffer";
import { type Attempt, type LoginStep, nextMethod, type Outcome } from "./nextMethod";
import type { Prompts } from "./prompts";
import { cancelled, needsUser, nothingLeft, wrongAnswer } from "./sshErrors";

export interface LoginWorld extends Omit<KeySources, "askPassphrase"> {
  /** Null when nobody has just asked for the connection. */
  prompts: Prompts | null;
  signal: AbortSignal;
}

/** Logs in to one host: tries what `nextMethod` says, and asks the person what is needed for it. */
export class Login {
  private readonly attempts: Attempt[] = [];
  private identities: readonly Identity[] = [];
  private certificates: readonly string[] = [];
  private offered: readonly string[] | null = null;
  /** Takes in the server's answer to what was sent last. */
  private pending: Pending | null = null;

  constructor(
    private readonly host: HostConfig,
    private readonly world: LoginWorld,
    /** Ends the connection: a server cannot be told that nobody answers its question. */
    private readonly fail: (error: AdaptiveError) => void,
  ) {}

  /**
   * What to send next, after the server's answer to the last one.
   * @param offered what it takes now; null before it has said so
   * @throws AdaptiveError why there is nothing more to try
   */
  async next(offered: readonly AuthenticationType[] | null, isPartial: boolean): Promise<AnyAuthMethod> {
    const { pending, host } = this;
    this.pending = null;
    if (pending?.kind === "offer") {
      const signature = await this.signatureOf(pending);
      if (signature !== null) {
        const { step } = pending;
        this.pending = { kind: "sent", attempt: (outcome) => ({ ...step, outcome }) };
        return signedKey(host.user, this.identity(step.key), signature);
      }
      this.attempts.push({ ...pending.step, outcome: "failed" });
      // With an offer ssh2 does not pass on what the server takes now; it has not changed.
    } else {
      const isFirst = this.offered === null;
      this.offered = offered;
      if (pending !== null) this.attempts.push(pending.attempt(isPartial ? "partial" : "failed"));
      if (isFirst && offered !== null && host.methods.includes("publickey")) {
        this.identities = await listIdentities(host, {
          ...this.world,
          askPassphrase: (file, isRetry) => this.passphrase(file, isRetry),
        });
        this.certificates = await listCertificates(host);
      }
    }
    return this.take(
      nextMethod({
        offered: this.offered,
        methods: host.methods,
        attempts: this.attempts,
        keys: this.identities.length,
        mayAsk: this.world.prompts !== null,
      }),
    );
  }

  /** Why, when the server hung up instead of answering to a key or a password; null when it was not asked for anything. */
  hungUp(): AdaptiveError | null {
    const { pending } = this;
    if (pending === null) return null;
    const attempt =
      pending.kind === "offer" ? ({ ...pending.step, outcome: "failed" } as const) : pending.attempt("failed");
    if (attempt.method !== "publickey" && attempt.method !== "password") return null;
    this.attempts.push(attempt);
    return this.failure();
  }

  /** Why the server lets nobody in, as far as it is known. */
  failure(): AdaptiveError {
    const last = this.attempts.at(-1);
    if (last !== undefined && "hasAsked" in last && last.hasAsked && last.outcome === "failed") {
      return wrongAnswer(this.host);
    }
    const tried = this.attempts.flatMap((attempt) => {
      if (attempt.method === "publickey") return [`key ${this.identity(attempt.key).name}`];
      return attempt.method === "none" ? [] : [attempt.method];
    });
    return nothingLeft(this.host, [...new Set(tried)], this.offered ?? [], this.certificates);
  }

  private async take(step: LoginStep): Promise<AnyAuthMethod> {
    const { name: host, user: username } = this.host;
    switch (step.method) {
      case "none":
        this.pending = { kind: "sent", attempt: (outcome) => ({ method: "none", outcome }) };
        return { type: "none", username };
      case "publickey": {
        const offer = offerKey(this.world.ssh2, username, this.identity(step.key));
        this.pending = { kind: "offer", step, offer };
        return offer.method;
      }
      case "password": {
        const question = { host, user: username, isRetry: step.isRetry };
        const password = await this.ask((prompts, signal) => prompts.password(question, signal));
        this.pending = { kind: "sent", attempt: (outcome) => ({ method: "password", hasAsked: true, outcome }) };
        return { type: "password", username, password };
      }
      case "keyboard-interactive": {
        let hasAsked = false;
        this.pending = { kind: "sent", attempt: (outcome) => ({ method: "keyboard-interactive", hasAsked, outcome }) };
        const prompt = (
          name: string,
          instructions: string,
          _language: string,
          prompts: Prompt[],
          finish: (answers: string[]) => void,
        ): void => {
          hasAsked = true;
          const asked = prompts.map(({ prompt: text, echo = false }) => ({ text, isEchoed: echo }));
          const question = { host, user: username, isRetry: step.isRetry, name, instructions, prompts: asked };
          this.ask((own, signal) => own.keyboardInteractive(question, signal)).then(finish, this.fail);
        };
        return { type: "keyboard-interactive", username, prompt };
      }
      case "needs-user":
        throw needsUser(this.host, "asks for a password or a code");
      case "give-up":
        throw this.failure();
    }
  }

  /** Null when the server did not want the key, or when it could not be signed with. */
  private async signatureOf({ step, offer }: Offered): Promise<Buffer | null> {
    try {
      return await offer.signature();
    } catch (error) {
      if (error instanceof AdaptiveError) throw error;
      this.world.log(`${this.identity(step.key).name}: ${String(error)}`);
      return null;
    }
  }

  private passphrase(file: string, isRetry: boolean): Promise<string> {
    if (this.world.prompts === null) throw needsUser(this.host, `wants the passphrase of ${basename(file)}`);
    return this.ask((prompts, signal) => prompts.passphrase({ file, isRetry }, signal));
  }

  private async ask<T>(question: (prompts: Prompts, signal: AbortSignal) => Promise<T | null>): Promise<T> {
    const { prompts, signal } = this.world;
    const answer = prompts && (await question(prompts, signal));
    if (answer === null || signal.aborted) throw cancelled();
    return answer;
  }

  private identity(key: number): Identity {
    const identity = this.identities[key];
    if (identity === undefined) throw new Error(`There is no key ${key}`);
    return identity;
  }
}

interface Offered {
  kind: "offer";
  step: Extract<LoginStep, { method: "publickey" }>;
  offer: KeyOffer;
}

type Pending = Offered | { kind: "sent"; attempt: (outcome: Outcome) => Attempt };

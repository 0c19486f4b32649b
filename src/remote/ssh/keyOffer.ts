import type * as Ssh2 from "ssh2";
import type { AgentAuthMethod, ParsedKey, PublicKeyAuthMethod, SignCallback, SigningRequestOptions } from "ssh2";
import type { Identity } from "./identities";

/** A public key that is offered to a server. */
export interface KeyOffer {
  method: AgentAuthMethod;
  /** Null when the server did not want the key. */
  signature(): Promise<Buffer | null>;
}

/**
 * Offers a public key, and signs once the server wants it: only then is a passphrase asked for. That takes two of ssh2's
 * methods. `agent` can wait for a signature, but does not tell when it was right and something else is wanted too;
 * `publickey` tells, but must sign at once. So the first one gets the signature and the second one sends it.
 */
export function offerKey(ssh2: typeof Ssh2, username: string, identity: Identity): KeyOffer {
  let signing: Promise<Buffer> | null = null;
  class Offer extends ssh2.BaseAgent<ParsedKey> {
    getIdentities(done: (error: null, keys: ParsedKey[]) => void): void {
      done(null, [identity.publicKey]);
    }
    sign(_key: ParsedKey, data: Buffer, options: SigningRequestOptions | SignCallback, done?: SignCallback): void {
      const hash = typeof options === "function" ? undefined : options.hash;
      signing = identity.sign(data, hash);
      const goOn = (): void => done?.(new Error("Signed, to be sent by the next method"));
      signing.then(goOn, goOn);
    }
  }
  return {
    method: { type: "agent", username, agent: new Offer() },
    signature: () => signing ?? Promise.resolve(null),
  };
}

/** Sends the signature of a key that the server wants. */
export function signedKey(username: string, { publicKey }: Identity, signature: Buffer): PublicKeyAuthMethod {
  const key = Object.create(publicKey, {
    isPrivateKey: { value: () => true },
    sign: { value: () => signature },
  }) as ParsedKey;
  return { type: "publickey", username, key };
}

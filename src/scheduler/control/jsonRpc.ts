/**
 * JSON-RPC 2.0, as far as it is spoken here: people's clients send requests, the scheduler answers them and sends
 * notifications. Both sides read what came by these schemas, and take in nothing else.
 */
import * as v from "valibot";
import { maxMessageBytes } from "../state/bounds";
import { AdaptiveError } from "../state/errors";
import { formatBytes } from "./bytes";

const idSchema = v.union([v.pipe(v.string(), v.maxLength(256)), v.pipe(v.number(), v.safeInteger())]);

/** What the scheduler takes in. */
export const requestSchema = v.object({
  jsonrpc: v.literal("2.0"),
  id: idSchema,
  method: v.pipe(v.string(), v.maxLength(64)),
  params: v.optional(v.unknown()),
});

/** What an error that comes from elsewhere may call itself: that somebody here cancelled something only is known here. */
export const foreignCode = v.fallback(
  v.pipe(v.string(), v.regex(/^(?!cancelled$)[a-z][a-z-]{0,63}$/)),
  "request-refused",
);

const errorSchema = v.object({
  message: v.string(),
  data: v.optional(v.object({ code: foreignCode, hint: v.optional(v.string(), "") })),
});

/** What a client takes in. */
const answerSchema = v.union([
  v.object({ id: v.number(), error: errorSchema }),
  v.object({ id: v.number(), result: v.unknown() }),
  v.object({ method: v.string(), params: v.optional(v.unknown(), null) }),
]);

/** Codes of JSON-RPC. */
export const rpcCodes = { invalidRequest: -32600, noMethod: -32601, invalidParams: -32602, failed: -32603 } as const;

/** The answer to a request that was not carried out. */
export function refusal(
  id: v.InferOutput<typeof idSchema> | null,
  rpcCode: number,
  { code, message, hint }: AdaptiveError,
): object {
  return { jsonrpc: "2.0", id, error: { code: rpcCode, message, data: { code, hint } } };
}

/** The client's end: sends requests and hears their answers, and what the scheduler sends unasked. */
export class RpcClient {
  private lastId = 0;
  private readonly waiting = new Map<number, { resolve: (result: unknown) => void; reject: (why: Error) => void }>();
  private endedBy: AdaptiveError | null = null;

  /** @param hear told of notifications */
  constructor(
    private readonly send: (message: string) => void,
    private readonly hear: (method: string, params: unknown) => void = () => undefined,
  ) {}

  /** @throws AdaptiveError what the scheduler answered, or why there will be no answer */
  request(method: string, params: unknown): Promise<unknown> {
    if (this.endedBy) return Promise.reject(this.endedBy);
    const id = ++this.lastId;
    const message = JSON.stringify({ jsonrpc: "2.0", id, method, params });
    // The scheduler's socket would end the connection.
    if (Buffer.byteLength(message) > maxMessageBytes) return Promise.reject(tooLarge(method));
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      this.send(message);
    });
  }

  /** Takes in a message of the scheduler; returns whether it was understood. */
  receive(text: string): boolean {
    const parsed = v.safeParse(answerSchema, parseJson(text));
    if (!parsed.success) return false;
    const said = parsed.output;
    // A parameter may be given by its position.
    if ("method" in said) this.hear(said.method, Array.isArray(said.params) ? (said.params[0] ?? null) : said.params);
    else {
      const waiting = this.waiting.get(said.id);
      this.waiting.delete(said.id);
      if ("error" in said) waiting?.reject(errorOf(said.error));
      else waiting?.resolve(said.result);
    }
    return true;
  }

  /** What waits for an answer, or will, hears why there is none. */
  end(why: AdaptiveError): void {
    this.endedBy ??= why;
    for (const { reject } of this.waiting.values()) reject(this.endedBy);
    this.waiting.clear();
  }
}

function errorOf({ message, data }: v.InferOutput<typeof errorSchema>): AdaptiveError {
  return new AdaptiveError(data?.code ?? "request-refused", message, data?.hint ?? "");
}

function tooLarge(method: string): AdaptiveError {
  return new AdaptiveError(
    "too-large",
    `${method} names more than fits into one request of ${formatBytes(maxMessageBytes)}.`,
    "Name fewer at a time.",
  );
}

/** Undefined for what is no JSON. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

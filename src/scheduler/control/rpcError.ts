import { ErrorCodes, ResponseError } from "vscode-jsonrpc/node";
import * as v from "valibot";
import { AdaptiveError, toAdaptiveError } from "../state/errors";

/** An error as it passes from the scheduler to a person's client. */
export function toRpcError({ code, message, hint }: AdaptiveError): ResponseError<{ code: string; hint: string }> {
  return new ResponseError(ErrorCodes.InternalError, message, { code, hint });
}

/** The scheduler's error as its client got it; any other as it is. */
export function fromRpcError(error: unknown): AdaptiveError {
  if (!(error instanceof ResponseError)) return toAdaptiveError(error);
  const data = v.safeParse(errorDataSchema, error.data);
  const { code, hint } = data.success ? data.output : { code: "request-refused", hint: "" };
  return new AdaptiveError(code, error.message, hint, { cause: error });
}

const errorDataSchema = v.object({ code: v.string(), hint: v.optional(v.string(), "") });

import * as v from "valibot";
import { type FromPage, pageStateSchema, type ToPage, toPageSchema } from "../messages";

declare function acquireVsCodeApi(): {
  postMessage(message: unknown): void;
  getState(): unknown;
  setState(state: unknown): void;
};

type PageState = v.InferOutput<typeof pageStateSchema>;

const editor = acquireVsCodeApi();

export function tell(message: FromPage): void {
  editor.postMessage(message);
}

/** Calls back with each message of the extension that this page understands. */
export function listen(hear: (message: ToPage) => void): void {
  window.addEventListener("message", (event: MessageEvent<unknown>) => {
    for (const data of Array.isArray(event.data) ? (event.data as unknown[]) : []) {
      const message = v.safeParse(toPageSchema, data);
      if (message.success) hear(message.output);
      else console.warn("A message of another kind came", v.flatten(message.issues));
    }
  });
}

/** What this page kept when it was last closed or reloaded. */
export function keptState(): PageState | null {
  const state = v.safeParse(pageStateSchema, editor.getState());
  return state.success ? state.output : null;
}

export function keepState(state: PageState): void {
  editor.setState(state);
}

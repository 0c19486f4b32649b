import { readFile } from "node:fs/promises";
import { join } from "node:path";

/** What the program brings along, beside its own code. */
export interface Assets {
  /** Holds `python/adaptive_scheduler/` and `sql-wasm.wasm`. */
  folder: string;
  wasm(): Promise<Uint8Array>;
}

export function assetsIn(folder: string): Assets {
  return { folder, wasm: () => readFile(join(folder, "sql-wasm.wasm")) };
}

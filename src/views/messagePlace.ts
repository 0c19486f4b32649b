export interface Place {
  file: string;
  /** From 1. */
  line: number;
}

/** The file and line that a message begins with, as `/study/adaptive.json:4: goal: …`; null when it has none. */
export function placeIn(message: string): Place | null {
  const [, file, line] = /^(\/[^\n]*?):(\d+): /.exec(message) ?? [];
  return file === undefined ? null : { file, line: Number(line) };
}

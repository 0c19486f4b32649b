import type { Assets } from "../assets";

/** What a command of the program needs of the world. */
export interface Program {
  assets: Assets;
  /** Starts this program anew: the runtime and its first arguments. */
  self: readonly string[];
  /** One line for a program that reads us. */
  printJson: (value: object) => void;
  print: (text: string) => void;
  /** Beside what is printed, which a program may read. */
  warn: (text: string) => void;
  /** Asks a person; false where there is none to ask. */
  confirm: (question: string) => Promise<boolean>;
}

/** The exit codes of all commands. */
export const exitCodes = { success: 0, learnersFailed: 1, error: 2, interrupted: 130 } as const;

import type { Program } from "./program";
import type { CommandTransport } from "./transport";

/** A run within reach: the machine it is on, the scheduler program there, and the run's state folder. */
export interface Reached<T extends CommandTransport = CommandTransport> {
  transport: T;
  program: Program;
  path: string;
}

import type { FuzzedDoor } from "./door";
import { hostDoors } from "./doors/host";
import { processDoors } from "./doors/processes";
import { readerDoors } from "./doors/readers";
import { schedulerDoors } from "./doors/scheduler";
import { shownDoors } from "./doors/shown";
import { stateDoors } from "./doors/state";

/** Those that need no process of their own. */
export const doorsHere: readonly FuzzedDoor[] = [
  ...readerDoors,
  ...schedulerDoors,
  ...stateDoors,
  ...hostDoors,
  ...shownDoors,
];

export const doors: readonly FuzzedDoor[] = [...doorsHere, ...processDoors];

import type { FuzzedDoor } from "./door";
import { readerDoors } from "./doors/readers";

export const doors: readonly FuzzedDoor[] = [...readerDoors];

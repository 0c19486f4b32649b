import { doorsHere } from "../fuzz/doors";
import { testDoors } from "../fuzz/testDoors";

testDoors(doorsHere, 40);

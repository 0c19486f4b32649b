import { processDoors } from "../fuzz/doors/processes";
import { testDoors } from "../fuzz/testDoors";

testDoors(processDoors, 30);

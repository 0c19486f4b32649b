import { testVersion } from "./testVersion";

testVersion("26.05", "sid");

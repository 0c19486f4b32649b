import { testVersion } from "./testVersion";

testVersion("24.11", "trixie");

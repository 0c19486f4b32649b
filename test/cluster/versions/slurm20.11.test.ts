import { testVersion } from "./testVersion";

testVersion("20.11", "bullseye");

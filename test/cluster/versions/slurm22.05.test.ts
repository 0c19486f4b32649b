import { testVersion } from "./testVersion";

testVersion("22.05", "bookworm");

import { test } from "vitest";
import { deaths, testDeath } from "./deaths";

test("a line of the prelude exits: few jobs, one message that stays, and it goes on once mended", () =>
  testDeath(deaths["a line of the prelude exits"]));

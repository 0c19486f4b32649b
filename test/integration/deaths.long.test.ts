import { test } from "vitest";
import { type Death, deaths, testDeath } from "./deaths";

const others = Object.entries<Death>(deaths).filter(([name]) => name !== "a line of the prelude exits");

test.each(others)("%s: few jobs, one message that stays, and it goes on once mended", (_, death) => testDeath(death));

/**
 * Tests that start real processes have a home of their own: what they leave there is deleted, and
 * what somebody's shell does at login is not part of what they test.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";

const home = mkdtempSync(join(tmpdir(), "adaptive-home-"));
process.env["HOME"] = home;
afterAll(() => rmSync(home, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 }));

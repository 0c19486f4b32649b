import { onTestFinished } from "vitest";
import { Session, type SessionWorld } from "../../../src/remote/session";
import { systemClock } from "../../../src/scheduler/state/clock";
import { workerReplica } from "./workerReplica";

/** A session as the extension opens it, until the test ends. */
export async function openSession(run: string, reach: SessionWorld["reach"]): Promise<Session> {
  const replica = await workerReplica();
  const session = new Session(run, { reach, replica, clock: systemClock, random: Math.random, log: () => undefined });
  onTestFinished(() => session.dispose());
  return session;
}

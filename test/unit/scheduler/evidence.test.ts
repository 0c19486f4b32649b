import { expect, test } from "vitest";
import { howItEnded, type Evidence } from "../../../src/scheduler/jobs/evidence";

const hour = 3600;
const own = (exitCode: number, ...signals: string[]) => ({ exitCode, restart: 0, signals });
const told = (cause: NonNullable<Evidence["told"]>["cause"], exitCode: number | null = null) => ({ cause, exitCode });

test.each<
  [what: string, evidence: Partial<Evidence> & { lived?: number; cancelledAt?: number }, ending: string, how: string]
>([
  ["its own exit code", { own: own(3) }, "exit", "failed"],
  ["its own good end, with a learner in hand", { own: own(0) }, "exit", "failed"],
  ["a crash of a rank", { own: own(139) }, "exit", "failed"],
  ["signal 9 as a shell tells it", { own: own(137) }, "memory", "failed"],
  ["signal 9 as an MPI launcher tells it", { own: own(9) }, "memory", "failed"],
  ["the warning before its walltime", { own: own(143, "USR1", "TERM") }, "walltime", "cut short"],
  ["SIGTERM early", { own: own(143, "TERM"), lived: 60 }, "preempted", "cut short"],
  ["SIGTERM at the end of its time", { own: own(143, "TERM"), lived: hour - 100 }, "walltime", "cut short"],
  ["SIGTERM, and the queue says why", { own: own(143, "TERM"), told: told("cancelled") }, "cancelled", "cut short"],
  ["the queue: time limit", { told: told("walltime") }, "walltime", "cut short"],
  ["the queue: node failure", { told: told("node failure") }, "node failure", "cut short"],
  ["the queue: out of memory", { told: told("memory", 137) }, "memory", "failed"],
  ["the queue: an exit code", { told: told("exit", 2) }, "exit", "failed"],
  ["nothing, near its walltime", { lived: hour - 100 }, "walltime", "cut short"],
  ["nothing, early", { lived: 60 }, "lost", "cut short"],
  ["nothing, without a walltime", { lived: 1e6, walltimeSeconds: null }, "lost", "cut short"],
  ["that we cancelled it, whatever else", { own: own(143, "USR1"), cancelledAt: 5 }, "cancelled by us", "given back"],
])("%s", (_, { lived = 60, cancelledAt, ...evidence }, ending, how) => {
  const job = { cancelledAt: cancelledAt ?? null, startedAt: 0 };
  const all = { own: null, told: null, walltimeSeconds: hour, now: lived * 1000, ...evidence };
  expect(howItEnded(job, all)).toMatchObject({ ending, how });
});

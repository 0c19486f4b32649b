import { describe, expect, test } from "vitest";
import { ClusterHost, type Need, type OpenTransport } from "../../../../src/remote/deploy/clusterHost";
import { AdaptiveError } from "../../../../src/scheduler/state/errors";
import { probeWith } from "./probes";

const need = (more: Partial<Need> = {}): Need => ({
  isAsked: false,
  onStep: () => undefined,
  signal: new AbortController().signal,
  ...more,
});

function open() {
  const opened: { isAsked: boolean; end: () => void }[] = [];
  const there = { refusal: null as AdaptiveError | null, needsUser: false, prepareError: null as Error | null };
  const ready = { count: 0 };
  const host = new ClusterHost("hpc", {
    open: (isAsked) => {
      if (there.refusal) return Promise.reject(there.refusal);
      if (there.needsUser && !isAsked) return Promise.reject(new AdaptiveError("needs-user", "A password is needed"));
      let end = (): void => undefined;
      const ended = new Promise<void>((resolve) => (end = resolve));
      opened.push({ isAsked, end });
      return Promise.resolve({ ended } as unknown as OpenTransport);
    },
    prepare: (_, { onStep }) => {
      onStep("Checking");
      if (there.prepareError) return Promise.reject(there.prepareError);
      const wish = { place: "~/ours", node: null, python: "python3", prelude: [] };
      return Promise.resolve({ probe: probeWith({}), program: { argv: ["node"], env: {} }, wish });
    },
  });
  host.onDidConnect(() => ready.count++);
  return { host, opened, there, ready };
}

describe("a cluster that several sessions need", () => {
  test("is connected once for all of them, and again when it was lost", async () => {
    const { host, opened, ready } = open();
    const steps: string[] = [];
    const [one, two] = await Promise.all([
      host.ready(need({ onStep: (step) => steps.push(`1 ${step}`) })),
      host.ready(need({ onStep: (step) => steps.push(`2 ${step}`) })),
    ]);
    expect(one.transport).toBe(two.transport);
    expect(steps).toEqual(["1 Connecting", "1 Checking", "2 Checking"]);
    expect((await host.ready(need())).transport).toBe(one.transport);
    expect(opened).toHaveLength(1);
    expect(ready.count).toBe(1);
    expect(host.connected?.transport).toBe(one.transport);
    opened[0]?.end();
    await Promise.resolve();
    await Promise.resolve();
    expect(host.connected).toBeNull();
    expect((await host.ready(need())).transport).not.toBe(one.transport);
  });

  test("asks a person only when one has just asked for something", async () => {
    const { host, opened, there } = open();
    there.needsUser = true;
    await expect(host.ready(need())).rejects.toMatchObject({ code: "needs-user" });
    // The background's attempt is under way: the person's own comes after it.
    const [background, asked] = await Promise.allSettled([host.ready(need()), host.ready(need({ isAsked: true }))]);
    expect(background.status).toBe("rejected");
    expect(asked.status).toBe("fulfilled");
    expect(opened.map(({ isAsked }) => isAsked)).toEqual([true]);
  });

  test("that cannot be reached is tried anew the next time", async () => {
    const { host, there } = open();
    there.refusal = new AdaptiveError("unreachable", "No route");
    await expect(host.ready(need({ isAsked: true }))).rejects.toMatchObject({ code: "unreachable" });
    there.refusal = null;
    await host.ready(need());
  });

  test("that cannot be made ready is looked at anew the next time", async () => {
    const { host, there } = open();
    there.prepareError = new AdaptiveError("disk-full", "Full");
    await expect(host.ready(need())).rejects.toMatchObject({ code: "disk-full" });
    there.prepareError = null;
    await host.ready(need());
  });

  test("who does not want to wait any more leaves the others alone", async () => {
    const { host } = open();
    const leaving = new AbortController();
    const waits = [host.ready(need({ signal: leaving.signal })), host.ready(need())];
    leaving.abort();
    const [left, stayed] = await Promise.allSettled(waits);
    expect(left).toMatchObject({ status: "rejected", reason: { code: "cancelled" } });
    expect(stayed?.status).toBe("fulfilled");
  });
});

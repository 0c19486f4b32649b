import { expect, test } from "vitest";
import { typedHost } from "../../../src/remote/ssh/resolveHost";
import { clusterChoices, hostsToLookOn } from "../../../src/views/clusterChoices";

test.each([
  ["ada@login.hpc.example.org", "ada@login.hpc.example.org"],
  ["ada@login.hpc.example.org:2222", "ada@login.hpc.example.org:2222"],
  ["ssh://ada@hpc:2222", "ada@hpc:2222"],
  ["ssh://hpc/", "hpc"],
  [" hpc ", "hpc"],
  ["[2001:db8::1]:22", "[2001:db8::1]:22"],
  ["ada@2001:db8::1", "ada@[2001:db8::1]"],
  ["::1", "[::1]"],
  ["", null],
  ["-oProxyCommand=x", null],
  ["two words", null],
  ["hpc:/home", null],
  ["../x", null],
])("what is typed as %j is the host %j", (typed, host) => {
  expect(typedHost(typed)).toBe(host);
});

test("a person without a configuration reads what to type, and what they type can be chosen", () => {
  const known = { cores: 2, hosts: [], problems: [] };
  const labels = (typed: string): string[] => clusterChoices(typed, known).map(({ label }) => label);
  const empty = "Your SSH configuration names no host: type one, as user@host or user@host:port";
  expect(labels("")).toEqual(["$(device-desktop) This computer (2 cores)", empty]);
  expect(clusterChoices("ada@hpc", known)[1]).toMatchObject({ label: "$(remote) ada@hpc", cluster: "ada@hpc" });
});

test("a file of the configuration that cannot be read has a word in the list; a known host is there once", () => {
  const choices = clusterChoices("hpc", { cores: 1, hosts: ["hpc"], problems: ["/home/ada/.ssh/x: it is no text"] });
  expect(choices.map(({ label, cluster }) => [label, cluster])).toEqual([
    ["$(device-desktop) This computer (1 core)", "local"],
    ["$(remote) hpc", "hpc"],
    ["Not read: /home/ada/.ssh/x: it is no text", null],
  ]);
});

test("where a run is looked for the files that could not be read are named too, also without a host", () => {
  expect(hostsToLookOn(["hpc"], ["/home/ada/.ssh/x: it is no text"])).toEqual([
    { label: "Started from elsewhere", host: null },
    { label: "$(remote) Look on hpc", host: "hpc" },
    { label: "Not read: /home/ada/.ssh/x: it is no text", host: null },
  ]);
  expect(hostsToLookOn([], ["/home/ada/.ssh/x: it is no text"])).toHaveLength(2);
  expect(hostsToLookOn([], [])).toEqual([]);
});

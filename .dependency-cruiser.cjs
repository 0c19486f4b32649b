/** Who may import whom: the rules of docs/architecture.md. */
const mayNotImport = (name, from, to, comment) => ({
  name,
  comment,
  severity: "error",
  from: { path: from },
  to: Array.isArray(to) ? { path: to[0], pathNot: to[1] } : { path: to },
});

module.exports = {
  forbidden: [
    { name: "no-cycles", severity: "error", from: {}, to: { circular: true } },
    { name: "nothing-unresolved", severity: "error", from: {}, to: { couldNotResolve: true, pathNot: "^vscode$" } },
    mayNotImport("scheduler-alone", "^src/scheduler/", "^src/(remote|views|extension)", "It runs on the head node."),
    mayNotImport(
      "remote-uses-contracts",
      "^src/remote/",
      ["^src/", "^src/(remote|scheduler/(control|state|workers|jobs/(quote|loginShell))|messages)"],
      "It knows the scheduler by its protocol and its state only.",
    ),
    mayNotImport("remote-not-views", "^src/remote/", "^src/(views|extension)"),
    mayNotImport(
      "views-use-contracts",
      "^src/views/",
      ["^src/", "^src/(views|remote|scheduler/(control|state)/|scheduler/workers/messages)"],
      "What they know of the scheduler comes through remote.",
    ),
    mayNotImport("state-alone", "^src/scheduler/state/", ["^src/", "^src/scheduler/state/"]),
    mayNotImport("clusters-alone", "^src/scheduler/clusters/", [
      "^src/",
      "^src/scheduler/(clusters/|state/(rows|errors|processIdentity))",
    ]),
    mayNotImport("workers-use-state", "^src/scheduler/workers/", ["^src/", "^src/scheduler/(workers|state)/"]),
    mayNotImport("jobs-use-clusters", "^src/scheduler/jobs/", [
      "^src/",
      "^src/scheduler/(jobs|clusters|workers|state)/",
    ]),
    mayNotImport("control-uses-state", "^src/scheduler/control/", ["^src/", "^src/scheduler/(control|workers|state)/"]),
    mayNotImport(
      "native-code-in-scheduler-only",
      "^src/(remote|views|extension)",
      "^node_modules/zeromq",
      "One universal package serves every desktop.",
    ),
    {
      name: "vscode-at-the-edges",
      comment: "Only the composition root, the views and thin edges of remote know the editor.",
      severity: "error",
      from: { pathNot: "^src/(extension\\.ts|views/|remote/)" },
      to: { path: "^vscode$|@types/vscode", dependencyTypesNot: ["type-only"] },
    },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["import", "require", "node", "default", "types"],
      extensions: [".ts", ".mjs", ".js", ".d.ts"],
    },
  },
};

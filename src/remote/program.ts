/** How the scheduler program is called on some machine: the words before its own arguments, and what its environment needs. */
export interface Program {
  argv: readonly string[];
  env: Readonly<Record<string, string>>;
}

/**
 * The scheduler run by the editor's own runtime, so that a desktop without Node works: in the
 * desktop editor that is Electron, which behaves as Node when told so; elsewhere it is Node.
 * @param runtime `process.execPath` and `process.versions.electron`
 * @param mainFile the bundled scheduler, `dist/scheduler/main.js`
 */
export function localProgram(runtime: { execPath: string; electron: string | undefined }, mainFile: string): Program {
  return {
    argv: [runtime.execPath, mainFile],
    env: runtime.electron === undefined ? {} : { ELECTRON_RUN_AS_NODE: "1" },
  };
}

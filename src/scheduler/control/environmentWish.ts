/** What a job imports, and what brings MPI along: mpi4py with a library and launcher of its own, all from wheels. */
export const packages = ["adaptive", "pyzmq", "cloudpickle"];
export const mpiPackages = ["mpi4py", "mpich"];

/** A Python environment that is asked for. */
export interface EnvironmentWish {
  /** Where it is made, absolute. */
  folder: string;
  /** What it is made of. */
  python: string;
  prelude: readonly string[];
  withMpi: boolean;
  /** Installs into one that is there already. */
  mayAdd: boolean;
  /** A folder of all that is installed, on its machine; null to have it fetched. */
  wheels: string | null;
}

/** Who waits for it. */
export interface Making {
  /** Says in a few words what is being done. */
  onStep(step: string): void;
  /** Told which version of Python it is made of, such as `3.11`. */
  onVersion(version: string): void;
  signal: AbortSignal;
}

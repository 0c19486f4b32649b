import { type FoundPython, packageWords } from "../scheduler/control/foundPythons";
import type { AdaptiveError } from "../scheduler/state/errors";
import { plain } from "./plain";
import type { Question } from "./studyWords";

/** A row of Choose Python: one that was found, or another way to one. */
export interface PythonRow {
  label: string;
  description: string;
  detail: string;
  choice: { kind: "python"; python: FoundPython } | { kind: "environment" } | { kind: "path" };
}

const sources: Record<FoundPython["source"], string> = {
  setting: "as it is set now",
  editor: "known to the Python extension",
  study: "beside the study",
  PATH: "on PATH",
  conda: "conda",
  environment: "an environment of yours",
  module: "a module",
};

/** What there is to choose from; those that lack something come last, and say what. */
export function pythonRows(pythons: readonly FoundPython[], prelude: readonly string[]): PythonRow[] {
  return [
    ...pythons.map((python): PythonRow => {
      const extra = python.prelude.slice(prelude.length);
      const lines = extra.length === 0 ? "" : `${extra.join("; ")}; `;
      return {
        label: `${python.missing.length === 0 ? "$(check)" : "$(circle-slash)"} Python ${plain(python.version, 30)}`,
        description: sources[python.source],
        detail: plain(`${lines}${python.python} · ${packageWords(python)}`, 300),
        choice: { kind: "python", python },
      };
    }),
    {
      label: "$(add) Make an Environment…",
      description: "",
      detail: "A Python environment of its own, with all that jobs need",
      choice: { kind: "environment" },
    },
    { label: "$(edit) Enter a Path…", description: "", detail: "of another Python", choice: { kind: "path" } },
  ];
}

/** The words on the buttons of a message that the Python lacks something. */
export const mendSteps = {
  choose: "Choose Python…",
  make: "Make an Environment…",
  copy: "Copy Command",
} as const;

/** Whether an environment of ours would have what is missing. */
const isMendedByEnvironment = (code: string): boolean => code !== "module-missing" && code !== "no-dataframes";

/** What can be done about an error that another Python mends. */
export function mendStepsOf({ code, command }: Pick<AdaptiveError, "code" | "command">): string[] {
  return [
    mendSteps.choose,
    ...(isMendedByEnvironment(code) ? [mendSteps.make] : []),
    ...(command === null ? [] : [mendSteps.copy]),
  ];
}

/** Asked when a start finds that the Python lacks something; once that is mended it goes on. */
export function mendQuestion(error: Pick<AdaptiveError, "code" | "message" | "hint" | "command">): Question {
  const { message, hint, command } = error;
  return {
    message,
    // What is copied is seen before.
    detail: command === null || hint.includes(command) ? hint : `${hint}\n\n${command}`,
    choices: mendStepsOf(error),
  };
}

/** Asked about a Python that was chosen although it lacks something. */
export function lacksQuestion({ version, python, missing }: FoundPython, machine: string): Question {
  return {
    message: `Python ${version} on ${machine} has no ${missing.join(", ")}`,
    detail: `${python}\n\nAn environment of this Python gets them and leaves it as it is.`,
    choices: [mendSteps.make],
  };
}

/** What an environment is to have. */
export function mpiRows(): { label: string; description: string; detail: string; withMpi: boolean }[] {
  return [
    {
      label: "Without MPI",
      description: "adaptive, pyzmq, cloudpickle",
      detail: "Processes of one machine evaluate the points of a learner",
      withMpi: false,
    },
    {
      label: "With MPI",
      description: "and mpi4py, mpich",
      detail: "The points of one learner may be evaluated on several machines",
      withMpi: true,
    },
  ];
}

/** Where the environment of a study is made. */
export function environmentFolder(folder: string, attempt: number): string {
  const suffix = ["", "-adaptive"][attempt - 1] ?? `-adaptive-${attempt - 1}`;
  return `${folder}/.venv${suffix}`;
}

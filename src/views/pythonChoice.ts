import {
  env,
  extensions,
  type LogOutputChannel,
  ProgressLocation,
  type QuickPickItem,
  window,
  workspace,
} from "vscode";
import { interpretersOf } from "../remote/interpreters";
import { type Machine, makeEnvironment, pythonsOn } from "../remote/pythons";
import { type ChosenPython, setPython } from "../remote/pythonSetting";
import type { RunSessions } from "../remote/runSessions";
import type { Study } from "../remote/studies";
import { wheelsFor } from "../remote/deploy/wheels";
import type { Making } from "../scheduler/control/environmentWish";
import { type FoundPython, needsPython } from "../scheduler/control/foundPythons";
import { AdaptiveError, toAdaptiveError } from "../scheduler/state/errors";
import { choose } from "./dialog";
import { plain } from "./plain";
import {
  environmentFolder,
  lacksQuestion,
  mendQuestion,
  mendSteps,
  mpiRows,
  pythonRows,
  type PythonRow,
} from "./pythonWords";
import { clusterName } from "./statusText";

interface PythonChoiceWorld {
  sessions: RunSessions;
  log: LogOutputChannel;
}

/** Choose Python and Make an Environment: for a study on a machine, and written to the settings. */
export class PythonChoice {
  constructor(private readonly world: PythonChoiceWorld) {}

  /**
   * Does what needs a study's Python, and goes on by itself once a person has mended what that lacks.
   * @throws AdaptiveError `cancelled`, also when they would rather mend it by hand
   */
  async whileMending<T>(study: Study, cluster: string, act: (isMended: boolean) => Promise<T>): Promise<T> {
    for (let isMended = false; ; isMended = true) {
      try {
        return await act(isMended);
      } catch (error) {
        const problem = toAdaptiveError(error);
        if (!needsPython(problem.code)) throw error;
        await this.mend(problem, study, cluster);
      }
    }
  }

  private async mend(error: AdaptiveError, study: Study, cluster: string): Promise<ChosenPython> {
    this.world.log.error(`${study.name}: ${error.message} (${error.code}) ${error.hint}`, error.cause ?? "");
    const step = await choose(mendQuestion(error));
    if (step === mendSteps.choose) return this.choose(study, cluster);
    if (step === mendSteps.make) return this.make(study, cluster, null);
    await copy(error.command ?? "");
    throw new AdaptiveError("cancelled", "Cancelled");
  }

  /** @throws AdaptiveError `cancelled`, or why none can be chosen */
  async choose(study: Study, cluster: string): Promise<ChosenPython> {
    const { prelude, row } = await this.pick(study, cluster);
    const { choice } = row;
    if (choice.kind === "environment") return this.make(study, cluster, null);
    if (choice.kind === "path") return this.set(study, cluster, { python: await askPath(), prelude }, prelude);
    const { python } = choice;
    if (python.missing.length === 0) return this.set(study, cluster, python, prelude);
    await choose(lacksQuestion(python, clusterName(cluster)));
    return this.make(study, cluster, python);
  }

  /**
   * Makes an environment and has it run the study's learners.
   * @param base what it is made of; null for the one that is set
   * @throws AdaptiveError `cancelled`, or why none can be made
   */
  async make(study: Study, cluster: string, base: FoundPython | null): Promise<ChosenPython> {
    const title = `Make an Environment on ${clusterName(cluster)}`;
    const picked = await window.showQuickPick(mpiRows(), { title, placeHolder: "With what besides adaptive?" });
    if (picked === undefined) throw new AdaptiveError("cancelled", "Cancelled");
    const made = await this.withProgress(study, cluster, title, async (machine, signal, progress) => {
      const { python, prelude } = base ?? machine;
      const wish = { folder: environmentFolder(machine.folder, 1), python, prelude, withMpi: picked.withMpi };
      const chosen = await this.makeOn(machine, { ...wish, mayAdd: false }, 1, signal, progress);
      return { chosen: { python: chosen, prelude }, prelude: machine.prelude };
    });
    return this.set(study, cluster, made.chosen, made.prelude);
  }

  private async makeOn(
    machine: Machine,
    wish: { folder: string; python: string; prelude: readonly string[]; withMpi: boolean; mayAdd: boolean },
    attempt: number,
    signal: AbortSignal,
    onStep: (step: string) => void,
  ): Promise<string> {
    let version = "";
    const making: Making = { onStep, onVersion: (said) => (version = said), signal };
    try {
      return await makeEnvironment(machine, { ...wish, wheels: null }, making);
    } catch (error) {
      const { code, message } = toAdaptiveError(error);
      if (code === "environment-exists") {
        const another = environmentFolder(machine.folder, attempt + 1);
        const into = "Install into It";
        const choice = await choose({
          message,
          detail: `Nothing of it is deleted. ${into} adds the packages and may bring others up to date.`,
          choices: [into, `Make ${another.split("/").at(-1) ?? ""}`],
        });
        const next = choice === into ? { ...wish, mayAdd: true } : { ...wish, folder: another };
        return this.makeOn(machine, next, attempt + 1, signal, onStep);
      }
      if (code !== "no-index" || machine.remote === null) throw error;
      const fetching = { onStep, signal, cause: message };
      return wheelsFor(machine, machine.remote, { ...wish, version }, fetching, (wheels) =>
        makeEnvironment(machine, { ...wish, wheels }, making),
      );
    }
  }

  /** Shows what is found as soon as it is; until then the other ways are there to choose. */
  private async pick(study: Study, cluster: string): Promise<{ row: PythonRow; prelude: readonly string[] }> {
    const { sessions } = this.world;
    const pick = window.createQuickPick<QuickPickItem & { row: PythonRow }>();
    const show = (pythons: readonly FoundPython[], prelude: readonly string[]): void => {
      pick.items = pythonRows(pythons, prelude).map((row) => ({ ...row, row }));
    };
    pick.title = `Choose Python: ${study.name} on ${clusterName(cluster)}`;
    pick.placeholder = "Looking for Pythons…";
    pick.matchOnDetail = true;
    pick.busy = true;
    show([], []);
    const looking = new AbortController();
    let prelude: readonly string[] = [];
    const found = async (): Promise<void> => {
      const known = cluster === "local" ? await interpreters(study) : [];
      const need = { isAsked: true, onStep: () => undefined, signal: looking.signal };
      const machine = await sessions.machine(study, cluster, need);
      prelude = machine.prelude;
      show(
        await pythonsOn(machine, { folders: cluster === "local" ? around(study) : [], known }, looking.signal),
        prelude,
      );
      pick.placeholder = "Which Python runs the learners?";
      pick.busy = false;
    };
    try {
      return await new Promise((resolve, reject) => {
        pick.onDidAccept(() => {
          const [item] = pick.selectedItems;
          if (item !== undefined) resolve({ row: item.row, prelude });
        });
        pick.onDidHide(() => reject(new AdaptiveError("cancelled", "Cancelled")));
        pick.show();
        found().catch((error: unknown) => reject(toAdaptiveError(error)));
      });
    } finally {
      looking.abort();
      pick.dispose();
    }
  }

  private async set(
    study: Study,
    cluster: string,
    { python, prelude }: ChosenPython,
    now: readonly string[],
  ): Promise<ChosenPython> {
    await setPython(study.folder, cluster, { python, prelude }, now);
    this.world.log.info(`${study.name} on ${cluster}: Python is ${python}`);
    return { python, prelude };
  }

  private withProgress<T>(
    study: Study,
    cluster: string,
    title: string,
    act: (machine: Machine, signal: AbortSignal, progress: (step: string) => void) => Promise<T>,
  ): Promise<T> {
    const { sessions, log } = this.world;
    const options = { location: ProgressLocation.Notification, title: plain(title), cancellable: true };
    return Promise.resolve(
      window.withProgress(options, async (progress, token) => {
        const cancelling = new AbortController();
        token.onCancellationRequested(() => cancelling.abort());
        const { signal } = cancelling;
        const onStep = (step: string): void => {
          log.info(`${title}: ${step}`);
          progress.report({ message: plain(step) });
        };
        return act(await sessions.machine(study, cluster, { isAsked: true, onStep, signal }), signal, onStep);
      }),
    );
  }
}

/** The folders that are open around a study. */
function around(study: Study): string[] {
  const folder = workspace.getWorkspaceFolder(study.folder)?.uri.fsPath;
  return folder === undefined ? [] : [folder];
}

async function copy(command: string): Promise<void> {
  await env.clipboard.writeText(command);
  window.setStatusBarMessage("$(clippy) The command is in the clipboard", 5000);
}

async function askPath(): Promise<string> {
  const path = await window.showInputBox({
    title: "Choose Python",
    prompt: "Path of a Python with adaptive, pyzmq and cloudpickle",
    value: "~/",
    validateInput: (text) => (text.trim() === "" || text.endsWith("/") ? "The path of a program" : null),
  });
  if (path === undefined) throw new AdaptiveError("cancelled", "Cancelled");
  return path.trim();
}

/** Starting that extension may take long, and may fail. */
const extensionDeadlineMs = 5000;

async function interpreters(study: Study): Promise<string[]> {
  const python = extensions.getExtension("ms-python.python");
  if (python === undefined) return [];
  const late = new Promise<string[]>((resolve) => setTimeout(() => resolve([]), extensionDeadlineMs));
  const asked = Promise.resolve(python.activate()).then((api: unknown) => interpretersOf(api, study.folder));
  return Promise.race([asked.catch(() => []), late]);
}

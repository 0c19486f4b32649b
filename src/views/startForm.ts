import { availableParallelism } from "node:os";
import { basename } from "node:path";
import {
  type Memento,
  type QuickPickItem,
  QuickPickItemKind,
  Selection,
  ThemeIcon,
  Uri,
  commands,
  window,
  workspace,
} from "vscode";
import type { Study } from "../remote/studies";
import type { ConfigReport } from "../scheduler/control/configReport";
import { plural } from "../scheduler/state/counts";
import type { TypedSettings } from "../scheduler/state/layers";
import { aboutSetting, executors, type SettingName } from "../scheduler/state/settings";
import * as model from "./startFormModel";
import { clusterName } from "./statusText";

export interface StartFormWorld {
  /** Remembers what was typed for a study on a cluster. */
  memory: Memento;
  /** Shows the script behind the form. */
  showScript(typed: TypedSettings): Promise<void>;
}

/** What a person wants: start, try a point before that, or have the jobs elsewhere. */
type StartWish = { step: "start" | "try"; typed: TypedSettings } | { step: "place" };

const title = "Start Jobs";

/**
 * Asks all that a start goes by in one form: a list of the settings, whose first row starts.
 *
 * @returns null when the jobs are not to be started
 */
export async function askStart(
  study: Study,
  cluster: string,
  report: ConfigReport,
  { memory, showScript }: StartFormWorld,
): Promise<StartWish | null> {
  const key = `adaptive.typed/${cluster}/${study.learnersFile}`;
  let edits = model.recall(report, memory.get(key));
  for (;;) {
    const ownGoal = await ownGoalOf(study);
    const facts = { place: placeWords(cluster), hasStudyFile: await exists(report.studyFile), ownGoal };
    const row = await pickRow(study, cluster, model.formRows(report, edits, facts));
    switch (row?.kind) {
      case undefined:
        return null;
      case "start":
      case "try":
        await memory.update(key, model.remember(report, edits, true));
        return { step: row.kind, typed: model.typedIn(edits) };
      case "place":
        return { step: "place" };
      case "script":
        await showScript(model.typedIn(edits));
        break;
      case "studyFile":
        await openStudyFile(Uri.file(report.studyFile));
        return null;
      case "reset":
        edits = model.withEdit(report, edits, row.name, "reset");
        break;
      case "setting": {
        const value = await askValue(report, edits, row.name);
        if (value) edits = model.withEdit(report, edits, row.name, value);
      }
    }
    await memory.update(key, model.remember(report, edits, false));
  }
}

interface RowItem extends QuickPickItem {
  row: model.FormRow | null;
}

function pickRow(study: Study, cluster: string, rows: readonly model.FormRow[]): Promise<model.FormRow | null> {
  const pick = window.createQuickPick<RowItem>();
  const separator = (label: string): RowItem => ({ label, kind: QuickPickItemKind.Separator, row: null });
  const items = rows.map(itemOf);
  const firstSetting = rows.findIndex(({ kind }) => kind === "place" || kind === "setting");
  const firstOther = rows.findIndex(({ kind }) => kind === "script");
  pick.title = `${title}: ${study.name} on ${clusterName(cluster)}`;
  // What is looked at meanwhile, such as the script, does not close it.
  pick.ignoreFocusOut = true;
  pick.placeholder = "Enter starts the jobs; choose a setting to change it";
  pick.items = [
    ...items.slice(0, firstSetting),
    separator("settings"),
    ...items.slice(firstSetting, firstOther),
    separator(""),
    ...items.slice(firstOther),
  ];
  return new Promise((resolve) => {
    pick.onDidAccept(() => {
      resolve(pick.selectedItems[0]?.row ?? null);
      pick.hide();
    });
    pick.onDidHide(() => {
      resolve(null);
      pick.dispose();
    });
    pick.show();
  });
}

const icons = {
  start: "play",
  try: "beaker",
  place: "remote",
  setting: "settings",
  reset: "discard",
  script: "file-code",
  studyFile: "json",
} as const;

function itemOf(row: model.FormRow): RowItem {
  return { label: row.label, description: row.description, iconPath: new ThemeIcon(icons[row.kind]), row };
}

async function askValue(
  report: ConfigReport,
  edits: model.Edits,
  name: SettingName,
): Promise<{ value: unknown } | null> {
  const label = model.labelOf(name);
  const value = model.textOf(report, edits, name);
  if (name === "executor") return pickExecutor(label, value);
  const read = (text: string) => model.readRow(report, edits, name, text);
  const text = await window.showInputBox({
    title: `${title}: ${label}`,
    value,
    prompt: model.hintOf(name),
    ignoreFocusOut: true,
    validateInput: (text) => {
      const typed = read(text);
      return "problem" in typed ? `${label}: ${typed.problem}` : null;
    },
  });
  const typed = text === undefined ? null : read(text);
  return typed && "value" in typed ? typed : null;
}

async function pickExecutor(label: string, value: string): Promise<{ value: unknown } | null> {
  const words = aboutSetting("executor").enumDescriptions ?? [];
  const items = executors.map((executor, i) => ({
    label: executor,
    detail: words[i]?.replaceAll("`", "") ?? "",
    ...(executor === value ? { description: "now" } : {}),
  }));
  const picked = await window.showQuickPick(items, {
    title: `${title}: ${label}`,
    placeHolder: aboutSetting("executor").description,
    ignoreFocusOut: true,
  });
  return picked ? { value: picked.label } : null;
}

function placeWords(cluster: string): string {
  return `${cluster === "local" ? `this computer, ${plural(availableParallelism(), "core")}` : cluster} · choose another`;
}

async function exists(file: string): Promise<boolean> {
  return workspace.fs.stat(Uri.file(file)).then(
    () => true,
    () => false,
  );
}

/** The name of the learners file if it has a goal of its own. */
async function ownGoalOf({ learnersFile }: Study): Promise<string | null> {
  const source = await workspace.fs.readFile(Uri.file(learnersFile)).then(
    (bytes) => Buffer.from(bytes).toString(),
    () => "",
  );
  return model.hasOwnGoal(source) ? basename(learnersFile) : null;
}

/** A new one begins empty, with what it may say offered. */
async function openStudyFile(uri: Uri): Promise<void> {
  const isNew = !(await exists(uri.fsPath));
  if (isNew) await workspace.fs.writeFile(uri, Buffer.from("{\n  \n}\n"));
  const selection = new Selection(1, 2, 1, 2);
  await window.showTextDocument(uri, isNew ? { selection } : {});
  if (isNew) await commands.executeCommand("editor.action.triggerSuggest");
}

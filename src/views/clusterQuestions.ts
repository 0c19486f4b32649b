import { window } from "vscode";
import type { ClusterQuestions } from "../remote/connectClusters";
import { nodeRelease } from "../remote/deploy/nodeRelease";
import { jobQuestion, nodeQuestion, sendQuestion } from "./clusterWords";
import { plain } from "./plain";
import { sshPrompts } from "./sshPrompts";
import type { Question } from "./studyWords";

/** Asks a person what is to be decided on the way to a cluster. */
export const clusterQuestions: ClusterQuestions = {
  prompts: sshPrompts,

  async askForNode(host, offer) {
    const question = nodeQuestion(host, offer, nodeRelease);
    const choice = await ask(question);
    if (choice === question.choices[0]) return { kind: "site", from: "nodejs.org" };
    if (choice === question.choices[1]) return { kind: "site", from: "npm" };
    if (choice !== question.choices[2]) return null;
    const [file] = (await window.showOpenDialog({ title: question.message, openLabel: "Install" })) ?? [];
    return file === undefined ? null : { kind: "file", path: file.fsPath };
  },

  async agreeToSend(host, there, plan) {
    const question = sendQuestion(host, there, plan);
    const choice = await ask(question);
    return choice === question.choices[0];
  },

  async offerJob(host) {
    const question = jobQuestion(host);
    const choice = await ask(question);
    return choice === question.choices[0];
  },
};

async function ask({ message, detail, choices }: Question): Promise<string | undefined> {
  return window.showInformationMessage(plain(message), { modal: true, detail: plain(detail) }, ...choices);
}

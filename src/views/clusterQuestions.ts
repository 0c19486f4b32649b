import { window } from "vscode";
import type { ClusterQuestions } from "../remote/connectClusters";
import { nodeRelease } from "../remote/deploy/nodeRelease";
import { jobQuestion, nodeQuestion, sendQuestion } from "./clusterWords";
import { sshPrompts } from "./sshPrompts";

/** Asks a person what is to be decided on the way to a cluster. */
export const clusterQuestions: ClusterQuestions = {
  prompts: sshPrompts,

  async askForNode(host, offer) {
    const { message, detail, choices } = nodeQuestion(host, offer, nodeRelease);
    const choice = await window.showInformationMessage(message, { modal: true, detail }, ...choices);
    if (choice === choices[0]) return { kind: "site", from: "nodejs.org" };
    if (choice === choices[1]) return { kind: "site", from: "npm" };
    if (choice !== choices[2]) return null;
    const [file] = (await window.showOpenDialog({ title: message, openLabel: "Install" })) ?? [];
    return file === undefined ? null : { kind: "file", path: file.fsPath };
  },

  async agreeToSend(host, there, plan) {
    const { message, detail, choices } = sendQuestion(host, there, plan);
    const choice = await window.showInformationMessage(message, { modal: true, detail }, ...choices);
    return choice === choices[0];
  },

  async offerJob(host) {
    const { message, detail, choices } = jobQuestion(host);
    const choice = await window.showInformationMessage(message, { modal: true, detail }, ...choices);
    return choice === choices[0];
  },
};

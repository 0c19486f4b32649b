import { CancellationTokenSource, window } from "vscode";
import { basename } from "node:path";
import type { HostKeyQuestion, InteractiveQuestion, Prompts } from "../remote/ssh/prompts";
import { hostKeyWords } from "./sshWords";
import { plain } from "./plain";

/** Asks what a connection needs in the editor's own boxes. */
export const sshPrompts: Prompts = {
  async hostKey(question: HostKeyQuestion): Promise<boolean> {
    const { message, detail, trust } = hostKeyWords(question);
    return (await window.showWarningMessage(plain(message), { modal: true, detail: plain(detail) }, trust)) === trust;
  },

  passphrase: ({ file, isRetry }, signal) =>
    ask({ title: `Passphrase of ${basename(file)}`, prompt: again(isRetry, "the passphrase", file) }, signal),

  password: ({ user, host, isRetry }, signal) =>
    ask({ title: `Password for ${host}`, prompt: again(isRetry, "the password", `${user} on ${host}`) }, signal),

  async keyboardInteractive({ host, name, instructions, prompts, isRetry }: InteractiveQuestion, signal) {
    const answers: string[] = [];
    for (const { text, isEchoed } of prompts) {
      const words = [isRetry ? "That was not accepted." : "", name, instructions].map((part) => part.trim());
      const prompt = words.filter((part) => part !== "").join(" ");
      const answer = await ask({ title: `${host}: ${text.trim()}`, prompt, password: !isEchoed }, signal);
      if (answer === null) return null;
      answers.push(answer);
    }
    return answers;
  },
};

function again(isRetry: boolean, what: string, of: string): string {
  return isRetry ? `That was not ${what} of ${of}. Try again.` : `Enter ${what} of ${of}.`;
}

/** Stays while the person looks elsewhere, for a code on their telephone; Escape cancels. */
async function ask(
  { title, prompt, password = true }: { title: string; prompt: string; password?: boolean },
  signal: AbortSignal,
): Promise<string | null> {
  const source = new CancellationTokenSource();
  const cancel = (): void => source.cancel();
  signal.addEventListener("abort", cancel, { once: true });
  try {
    const options = { title: plain(title), prompt: plain(prompt), password, ignoreFocusOut: true };
    return (await window.showInputBox(options, source.token)) ?? null;
  } finally {
    signal.removeEventListener("abort", cancel);
    source.dispose();
  }
}

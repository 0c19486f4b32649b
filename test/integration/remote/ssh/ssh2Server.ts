import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import ssh2, { type AuthContext, type Connection, type ParsedKey } from "ssh2";
import { onTestFinished } from "vitest";
import type { SshWorld } from "../../../../src/remote/ssh/connect";
import type { HostConfig } from "../../../../src/remote/ssh/hostConfig";
import type { Prompts } from "../../../../src/remote/ssh/prompts";
import { portOf } from "./realSshd";
import { sshWorld } from "./sshWorld";

/** Whom a server lets in. */
export interface Door {
  /** Ways to log in, one step after the other; of each step one is enough. */
  steps: readonly (readonly string[])[];
  /** Public keys. */
  keys?: readonly string[];
  password?: string;
  /** What it asks with keyboard-interactive, and what it wants to hear. */
  questions?: readonly { prompt: string; echo: boolean; answer: string }[];
  /** It refuses keyboard-interactive without a question. */
  isSilent?: boolean;
  /** It hangs up after so many refusals. */
  maxRefusals?: number;
}

/** An SSH server within this process, that opens by our rules and tells what was tried. */
export interface Ssh2Server {
  host: HostConfig;
  /** Each request to be let in, in words; a key is named by its comment. */
  attempts: string[];
  sockets: Socket[];
}

export async function startServer(door: Door, hostKeys: readonly string[] = [standardHostKey]): Promise<Ssh2Server> {
  const attempts: string[] = [];
  const sockets: Socket[] = [];
  const server = new ssh2.Server({ hostKeys: [...hostKeys] }, (connection: Connection) => {
    const guard = new Guard(door, attempts, () => connection.end());
    connection.on("authentication", (context) => guard.hear(context));
    connection.on("error", () => undefined);
  });
  server.on("connection", () => undefined);
  (server as unknown as { _srv: NodeJS.EventEmitter })._srv.on("connection", (socket: Socket) => sockets.push(socket));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const folder = await temporaryFolder();
  const port = portOf(server.address());
  const knownHosts = join(folder, "known_hosts");
  const lines = hostKeys.map((key) => `[127.0.0.1]:${port} ${publicLine(key)}\n`);
  await writeFile(knownHosts, lines.join(""));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const host: HostConfig = {
    name: "cluster",
    hostName: "127.0.0.1",
    port,
    user: "ada",
    identityFiles: [],
    identitiesOnly: false,
    agent: null,
    userKnownHostsFiles: [knownHosts],
    globalKnownHostsFiles: [],
    hostKeyAlias: undefined,
    hostKeyChecking: "ask",
    jumps: [],
    proxyCommand: null,
    methods: ["publickey", "keyboard-interactive", "password"],
    connectTimeoutMs: 60_000,
  };
  return { host, attempts, sockets };
}

/** Follows one connection through the steps. */
class Guard {
  private step = 0;
  private refusals = 0;

  constructor(
    private readonly door: Door,
    private readonly attempts: string[],
    private readonly hangUp: () => void,
  ) {}

  hear(context: AuthContext): void {
    const { keys = [], password, questions = [], isSilent = false } = this.door;
    if (context.method !== "none" && !this.open.includes(context.method)) return this.answer(context, false);
    switch (context.method) {
      case "publickey": {
        const key = keys.map(parse).find((own) => own.getPublicSSH().equals(context.key.data));
        const what = `key ${key?.comment ?? "?"}`;
        if (context.signature === undefined || context.blob === undefined) {
          if (key === undefined) this.attempts.push(what);
          return key === undefined ? this.answer(context, false) : context.accept();
        }
        this.attempts.push(what);
        return this.answer(context, key?.verify(context.blob, context.signature, context.hashAlgo) === true);
      }
      case "password":
        this.attempts.push(`password ${context.password}`);
        return this.answer(context, context.password === password);
      case "keyboard-interactive": {
        if (isSilent) {
          this.attempts.push("interactive");
          return this.answer(context, false);
        }
        const prompts = questions.map(({ prompt, echo }) => ({ prompt, echo }));
        return context.prompt(prompts, "Two factors", "Use your token", (answers) => {
          this.attempts.push(`interactive ${answers.join()}`);
          this.answer(
            context,
            questions.every(({ answer }, i) => answers[i] === answer),
          );
        });
      }
      default:
        return this.answer(context, this.door.steps.length === 0);
    }
  }

  private get open(): readonly string[] {
    return this.door.steps[this.step] ?? [];
  }

  private answer(context: AuthContext, isRight: boolean): void {
    if (!isRight) {
      if (context.method !== "none" && ++this.refusals === this.door.maxRefusals) return this.hangUp();
      return context.reject([...this.open] as never);
    }
    this.step += 1;
    if (this.step >= this.door.steps.length) context.accept();
    else context.reject([...this.open] as never, true);
  }
}

const { generateKeyPairSync, parseKey } = ssh2.utils;

export interface KeyPair {
  private: string;
  public: string;
}

export function newKey(
  comment: string,
  options: { type?: "ed25519" | "rsa" | "ecdsa"; passphrase?: string } = {},
): KeyPair {
  const { type = "ed25519", passphrase } = options;
  // The fewest rounds: a passphrase of a test need not withstand anybody.
  const lock = passphrase === undefined ? {} : { passphrase, cipher: "aes256-ctr", rounds: 1 };
  const bits = { ed25519: {}, rsa: { bits: 2048 }, ecdsa: { bits: 256 } }[type];
  return generateKeyPairSync(type as "rsa", { ...bits, comment, ...lock } as never);
}

const standardHostKey = newKey("host").private;

export function publicLine(privateKey: string): string {
  const key = parse(privateKey);
  return `${key.type} ${key.getPublicSSH().toString("base64")}`;
}

function parse(text: string): ParsedKey {
  const key = parseKey(text);
  if (key instanceof Error) throw key;
  return key;
}

export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "adaptive-ssh-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** A person who gives these answers, one after the other, and cancels when there are no more. */
export function person(...answers: (string | string[] | boolean)[]): { prompts: Prompts; asked: string[] } {
  const asked: string[] = [];
  const left = [...answers];
  const answer = (question: string, isRetry: boolean): Promise<never> => {
    asked.push(`${isRetry ? "again: " : ""}${question}`);
    return Promise.resolve((left.shift() ?? null) as never);
  };
  const prompts: Prompts = {
    hostKey: ({ fingerprint, keyType, why }) => answer(`${why} ${keyType} ${fingerprint}`, false),
    passphrase: ({ file, isRetry }) => answer(`passphrase of ${file.split("/").at(-1) ?? ""}`, isRetry),
    password: ({ user, host, isRetry }) => answer(`password of ${user} on ${host}`, isRetry),
    keyboardInteractive: ({ name, instructions, prompts: own, isRetry }) =>
      answer(
        [name, instructions, ...own.map(({ text, isEchoed }) => `${text}${isEchoed ? "shown" : ""}`)].join("|"),
        isRetry,
      ),
  };
  return { prompts, asked };
}

export function worldOf({ host }: Ssh2Server, more: Partial<SshWorld> = {}): SshWorld {
  return sshWorld({ cluster: host }, more);
}

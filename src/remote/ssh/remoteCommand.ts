import { shellQuote } from "../../scheduler/jobs/quote";

/** What is to be run on a machine, where the person's shell reads the command line. */
export interface RemoteCommand {
  argv: readonly string[];
  cwd?: string | undefined;
  env?: Readonly<Record<string, string>> | undefined;
}

/**
 * A command line that bash, csh, fish and their kin all read alike: a POSIX shell that decodes and runs a script of ours.
 * Quotes would not do: csh reads `!` and ends lines within them, fish reads backslashes.
 */
export function commandLine(script: string): string {
  const encoded = [...Buffer.from(script)].map((byte) => {
    const character = String.fromCharCode(byte);
    return /[\w./:=@+,-]/.test(character) ? character : `\\0${byte.toString(8).padStart(3, "0")}`;
  });
  return `exec /bin/sh -c 'eval "$(printf %b "$1")"' sh '${encoded.join("")}'`;
}

/**
 * The script that becomes the command. First it prints a line that begins with `marker` to standard output and error:
 * what came before is the person's shell's, not the command's. The next word says what is missing, or else is its pid.
 * @param isTerminal both outputs are one
 */
export function startScript({ argv, cwd, env = {} }: RemoteCommand, marker: string, isTerminal: boolean): string {
  const [program = ""] = argv.map(shellQuote);
  const mark = (word: string): string => `${isTerminal ? "" : `echo ${marker} >&2; `}echo ${marker} ${word}`;
  return [
    ...(cwd === undefined ? [] : [`cd -- ${shellQuote(cwd)} 2>/dev/null || { ${mark("folder")}; exit 126; }`]),
    `command -v ${program} >/dev/null 2>&1 || { ${mark("program")}; exit 127; }`,
    ...Object.entries(env).map(([name, value]) => `export ${name}=${shellQuote(value)}`),
    mark("$$"),
    `exec ${argv.map(shellQuote).join(" ")}`,
  ].join("\n");
}

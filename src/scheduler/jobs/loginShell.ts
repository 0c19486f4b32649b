/**
 * The login files of a person set up modules and conda, and do whatever else people have them do: print, wait for
 * input, leave processes running, set options and traps, end the shell or replace it by another one.
 */

/** Which of them are read, best first: all as in a login bash, those of the system alone, none. */
export const loginFiles = ["all", "system", "none"] as const;
export type LoginFiles = (typeof loginFiles)[number];

/** The words that run lines of bash after these files; what follows them is `$1` and so on. */
export function loginArgv(files: LoginFiles, lines: readonly string[]): string[] {
  const text = [...(files === "system" ? ["[ ! -r /etc/profile ] || . /etc/profile"] : []), ...ownShell, ...lines];
  return ["bash", ...(files === "all" ? ["-l"] : []), "-c", text.join("\n"), "bash"];
}

/**
 * After login files: what they have set for the shell or for every Python is not meant for ours. A prelude, which is
 * written for the run, may set it again.
 */
export const ownShell: readonly string[] = [
  "set +euvxfC +o pipefail; shopt -u failglob nullglob extdebug; trap - EXIT ERR DEBUG RETURN; IFS=$' \\t\\n'",
  "unset -f cd command exec exit printf read trap; unset CDPATH",
  // As activating an environment does: with it no other Python finds its own modules.
  "unset PYTHONHOME PYTHONINSPECT PYTHONSTARTUP PYTHONSAFEPATH PYTHONOPTIMIZE PYTHONWARNINGS PYTHONVERBOSE PYTHONDEBUG",
];

/**
 * Names of files are UTF-8 to us, so to every Python of ours too, whatever the locale of a person says (from 3.15 on
 * Python itself does so): else the data is in files that nobody but Python finds. And a C library spells its settings as
 * in English: an MPI that makes capital letters as in Turkish does not know its own.
 */
export const ownNames: readonly string[] = [
  "export LANG=${LC_ALL:-${LANG-}} LC_CTYPE=C PYTHONUTF8=1; unset LC_ALL PYTHONCOERCECLOCALE",
];

/**
 * The first lines of a script: has it run after the login files of whoever owns it. Which of them leave the shell
 * running is tried before, because afterwards nobody could tell.
 */
export const afterLogin: readonly string[] = [
  // Nothing can begin anew that is read from standard input.
  'if [ -z "${ADAPTIVE_LOGIN-}" ] && [ -n "${BASH_SOURCE-}" ]; then',
  '  leaves_shell() { "$@" </dev/null >/dev/null 2>&1; [ $? = 97 ]; }',
  "  if leaves_shell bash -l -c 'trap - EXIT; exit 97'; then",
  '    ADAPTIVE_LOGIN=all exec bash -l "$0" "$@"',
  "  fi",
  '  echo "The login files of $USER end the shell or replace it by another: this job goes on without them."',
  "  if leaves_shell bash -c '. /etc/profile; trap - EXIT; exit 97'; then . /etc/profile; fi",
  "  unset -f leaves_shell",
  "fi",
  "unset ADAPTIVE_LOGIN",
  ...ownShell,
];

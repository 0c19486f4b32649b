/** Quotes a text as one word of a POSIX shell: the one way a name or a path gets into a script. */
export function shellQuote(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

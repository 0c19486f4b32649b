/** A pattern in which `*` stands for anything and `?` for one character. */
export interface Wildcard {
  test(text: string): boolean;
}

/**
 * As file names, ssh_config(5) and sshd(8) have it. Not as a regular expression: with thirty `*` that would try more
 * ways than anybody can wait for. Here only the last `*` is ever tried again, so the longest time is the product of
 * both lengths.
 */
export function wildcard(pattern: string): Wildcard {
  return { test: (text) => fits(pattern, text) };
}

function fits(pattern: string, text: string): boolean {
  let [p, t] = [0, 0];
  /** Behind the last `*`, and how far what it stands for goes. */
  let [star, covered] = [-1, 0];
  while (t < text.length) {
    if (pattern[p] === "*") [star, covered] = [++p, t];
    else if (p < pattern.length && (pattern[p] === "?" || pattern[p] === text[t])) [p, t] = [p + 1, t + 1];
    else if (star < 0) return false;
    else [p, t] = [star, ++covered];
  }
  while (pattern[p] === "*") p++;
  return p === pattern.length;
}

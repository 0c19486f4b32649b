/** With a narrow space between thousands, as SI has it: `40 000`. */
export function formatCount(count: number): string {
  return String(Math.round(count)).replace(/\B(?=(\d{3})+$)/g, "\u202f");
}

/** `1 learner`, `40 000 learners`, `2 studies`. */
export function plural(count: number, noun: string, nouns = `${noun}s`): string {
  return `${formatCount(count)} ${nounFor(count, noun, nouns)}`;
}

/** The noun, or the verb, that goes with a count which stands elsewhere. */
export function nounFor(count: number, noun: string, nouns = `${noun}s`): string {
  return count === 1 ? noun : nouns;
}

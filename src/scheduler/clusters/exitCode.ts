/** The exit code of a process as a file says it; null for what is none. */
export function exitCodeOf(word: string | undefined): number | null {
  const isOne = /^\d{1,3}$/.test(word ?? "") && Number(word) < 256;
  return isOne ? Number(word) : null;
}

/** What people should know of a run, a line each. Of each kind, known by how it begins, there is one. */
const beginnings = {
  versions: "Jobs run with ",
  ignoredVariables: "Jobs are submitted without ",
  walltime: "The queue gives jobs ",
} as const;

type RemarkKind = keyof typeof beginnings;

export function hasRemark(remarks: string | null, kind: RemarkKind): boolean {
  return linesOf(remarks).some((line) => line.startsWith(beginnings[kind]));
}

/** The remarks with this one in place of an earlier one of its kind, or with none of that. */
export function withRemark(remarks: string | null, kind: RemarkKind, remark: string | null): string | null {
  const others = linesOf(remarks).filter((line) => !line.startsWith(beginnings[kind]));
  return [...others, ...(remark === null ? [] : [remark])].join("\n") || null;
}

const linesOf = (remarks: string | null): string[] => remarks?.split("\n") ?? [];

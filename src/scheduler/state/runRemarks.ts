/** What people should know of a run, a line each. Of each kind, known by how it begins, there is one. */
const beginnings = {
  versions: "Jobs run with ",
  ignoredVariables: "Jobs are submitted without ",
  walltime: "The queue gives jobs ",
  withoutMpi: "Processes evaluate the points: ",
  lost: "Lost ",
  connections: "At most ",
  missingData: "Data of done learners is gone: ",
} as const;

export type RemarkKind = keyof typeof beginnings;

export function remarkOf(remarks: string | null, kind: RemarkKind): string | null {
  return linesOf(remarks).find((line) => line.startsWith(beginnings[kind])) ?? null;
}

export function hasRemark(remarks: string | null, kind: RemarkKind): boolean {
  return remarkOf(remarks, kind) !== null;
}

/** The remarks with this one in place of an earlier one of its kind, or with none of that. */
export function withRemark(remarks: string | null, kind: RemarkKind, remark: string | null): string | null {
  const others = linesOf(remarks).filter((line) => !line.startsWith(beginnings[kind]));
  return [...others, ...(remark === null ? [] : [remark])].join("\n") || null;
}

/** Why a job, or the Python that read the study, has no MPI. */
export interface WithoutMpi {
  why: string;
  /** The one command that brings it. */
  hint: string;
  /** How many nodes a job has, of which processes use the first. */
  nodes?: number | undefined;
}

export function remarkOnMpi({ why, hint, nodes = 1 }: WithoutMpi): string {
  const waste = nodes > 1 ? ` Of a job's ${nodes} nodes only the first computes; set resources.nodes to 1.` : "";
  const remark = `${beginnings.withoutMpi}${why}.${waste} MPI could use several nodes for one learner: ${hint}`;
  return remark.replace(/\s+/g, " ");
}

const linesOf = (remarks: string | null): string[] => remarks?.split("\n") ?? [];

import { defaultClass } from "../../scheduler/state/rows";
import { formatCount } from "../../scheduler/state/counts";
import { formatAgo, formatLoss, formatValue } from "../format";
import { stateWords, troubleWords } from "../learnerWords";
import type { ListLook, ShownLearner } from "../messages";
import type { GridCell, GridColumn } from "./grid";
import { stateSign } from "./stateSign";

/** Parameters shown as columns of their own; further ones are in the title of the first column. */
const maxParameterColumns = 6;

type Order = Pick<ListLook, "orderBy" | "descending">;
type Column = Omit<GridColumn, "sort"> & {
  sortBy: ListLook["orderBy"] | null;
  cell: (learner: ShownLearner, nowMs: number) => GridCell;
};

/** What is shown of learners: their parameters, as these learners have them, and how far each is. */
export function learnerColumns(learners: readonly ShownLearner[]): Column[] {
  const names = [...new Set(learners.flatMap((learner) => learner.parameters.map(([name]) => name)))];
  const parameters = names.slice(0, maxParameterColumns).map((name) => parameterColumn(name, learners));
  const hasClasses = learners.some(({ resourceClass }) => resourceClass !== defaultClass);
  const first = parameters.length === 0 ? [nameColumn] : parameters;
  return [...first, ...(hasClasses ? [classColumn] : []), ...progressColumns];
}

/** The columns as the grid draws their headers. */
export function gridColumns(columns: readonly Column[], { orderBy, descending }: Order): GridColumn[] {
  return columns.map(({ key, label, isNumber, mayShrink, rank, sortBy }) => {
    const sorted = descending ? "descending" : "ascending";
    return {
      key,
      label,
      isNumber,
      mayShrink,
      rank,
      sort: sortBy === null ? null : sortBy === orderBy ? sorted : "none",
    };
  });
}

/** The order after a click on a header: by that column, turned round by a second click, and by a third as in the file. */
export function orderAfterClick(columns: readonly Column[], key: string, { orderBy, descending }: Order): Order {
  const sortBy = columns.find((column) => column.key === key)?.sortBy ?? null;
  if (sortBy === null) return { orderBy, descending };
  if (sortBy !== orderBy) return { orderBy: sortBy, descending: false };
  return descending ? { orderBy: "position", descending: false } : { orderBy, descending: true };
}

function parameterColumn(name: string, learners: readonly ShownLearner[]): Column {
  const valueOf = (learner: ShownLearner) => learner.parameters.find(([other]) => other === name)?.[1];
  const isNumber = learners.some((learner) => typeof valueOf(learner) === "number");
  return {
    key: `parameter:${name}`,
    label: name,
    isNumber,
    mayShrink: !isNumber,
    rank: null,
    sortBy: `parameter:${name}`,
    cell: (learner) => ({
      content: formatValue(valueOf(learner) ?? null),
      title: `${learner.label}\n${learner.fname}`,
    }),
  };
}

const nameColumn: Column = {
  key: "name",
  label: "learner",
  isNumber: false,
  mayShrink: true,
  rank: null,
  sortBy: null,
  cell: (learner) => ({ content: learner.label, title: learner.fname }),
};

const classColumn: Column = {
  key: "class",
  label: "class",
  isNumber: false,
  mayShrink: true,
  rank: null,
  sortBy: "resourceClass",
  cell: ({ resourceClass }) => ({ content: resourceClass }),
};

const progressColumns: readonly Column[] = [
  {
    key: "state",
    label: "state",
    isNumber: false,
    mayShrink: false,
    rank: null,
    sortBy: "state",
    cell: (learner) => {
      const why = troubleWords(learner);
      return {
        content: stateSign(learner.state, stateWords(learner)),
        ...(why === null ? {} : { title: why }),
      };
    },
  },
  {
    key: "npoints",
    label: "points",
    isNumber: true,
    mayShrink: false,
    rank: null,
    sortBy: "npoints",
    cell: ({ npoints }) => ({ content: formatCount(npoints) }),
  },
  {
    key: "loss",
    label: "loss",
    isNumber: true,
    mayShrink: false,
    rank: 1,
    sortBy: "loss",
    cell: ({ loss }) => ({ content: formatLoss(loss), ...(loss === null ? {} : { title: String(loss) }) }),
  },
  {
    key: "job",
    label: "job",
    isNumber: false,
    mayShrink: false,
    rank: 3,
    sortBy: "lastJobId",
    cell: ({ job }) => ({ content: job ?? "–" }),
  },
  {
    key: "changedAt",
    label: "changed",
    isNumber: true,
    mayShrink: false,
    rank: 2,
    sortBy: "changedAt",
    cell: ({ changedAt }, nowMs) => ({
      content: formatAgo(changedAt, nowMs),
      title: new Date(changedAt).toLocaleString(),
    }),
  },
];

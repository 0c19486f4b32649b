import { type Database, toSnakeCase } from "../../scheduler/state/database";
import { AdaptiveError } from "../../scheduler/state/errors";
import { fold } from "../../scheduler/state/matches";
import { columns, type LearnerRow, learnerStates, type LearnerState, type RowPatch } from "../../scheduler/state/rows";
import { FilteredLearners } from "./filteredLearners";
import { csvHeader, csvLine } from "./learnersCsv";
import { ParameterColumns } from "./parameterColumns";
import type { LearnerChoice, LearnerQuery, Page, ParameterOrder } from "./queries";

/** Of some learners. */
interface Totals {
  learners: Record<LearnerState, number>;
  npoints: number;
}

type Order = Omit<LearnerQuery, "offset" | "limit">;

/** What a list is of. */
interface Among {
  states: readonly LearnerState[];
  isFiltered: boolean;
  isFew: boolean;
}

/** Learners that have what they are sorted by, in order, and those that lack it; null where none can. */
interface Ordered {
  present: string;
  blank: string | null;
}

const parameterPrefix = "parameter:";
/** Columns by which a view sorts and that a learner may lack. */
const mayBeBlank: ReadonlySet<keyof LearnerRow> = new Set([
  "bounds",
  "reason",
  "jobId",
  "lastJobId",
  "revision",
  "error",
  "loss",
  "remark",
  "trial",
]);

/** Up to so many are sorted for each page; more are read in order from an index, past those that do not match. */
const maxSorted = 2000;
/** Rows that are in memory at a time while all are written. */
const rowsAtATime = 2000;

/** The learners of a replica, as views list them: by state and filter, in any order, page by page. */
export class LearnerList {
  private readonly indexed = new Set<keyof LearnerRow>();
  /** Kept along with every change: counting 100 000 rows for each look would take longer than all else. */
  readonly totals: Readonly<Totals>;
  /** Of the learners that match the filter that was asked for last. */
  private matching: Totals = noTotals();
  private readonly parameters: ParameterColumns;
  private readonly filtered: FilteredLearners;

  constructor(private readonly database: Database) {
    database.define("fold", fold);
    this.parameters = new ParameterColumns(database);
    this.filtered = new FilteredLearners(database, this.parameters);
    this.totals = this.totalsOf("");
  }

  /** The names of all parameters. */
  get parameterNames(): readonly string[] {
    return this.parameters.names;
  }

  page({ offset, limit, ...order }: LearnerQuery): Page<LearnerRow> {
    const { total, ids } = this.ordered(order, offset, limit);
    return { total, offset, rows: this.rows(ids) };
  }

  /** @throws AdaptiveError `bad-filter` */
  ids(choice: LearnerChoice): LearnerRow["id"][] {
    return this.ordered({ ...choice, orderBy: "position", descending: false }).ids;
  }

  /**
   * All of them as a table: their parameters, and how far they are.
   * @throws AdaptiveError `bad-filter`
   */
  csv(order: Order): string {
    const { ids } = this.ordered(order);
    const lines = [csvHeader(this.parameterNames)];
    for (let first = 0; first < ids.length; first += rowsAtATime) {
      const rows = this.rows(ids.slice(first, first + rowsAtATime));
      lines.push(...rows.map((row) => csvLine(row, this.parameterNames)));
    }
    return lines.join("");
  }

  /**
   * How many match a filter, by state.
   * @throws AdaptiveError `bad-filter`
   */
  matches(filter: string): Record<LearnerState, number> {
    return { ...this.totalsFor(filter).learners };
  }

  /** In the order of the ids. */
  rows(ids: readonly LearnerRow["id"][]): LearnerRow[] {
    const among = "WHERE id IN (SELECT value FROM json_each(?))";
    const found = this.database.rows("learners", among, [JSON.stringify(ids)]);
    const rowOf = new Map(found.map((row) => [row.id, row]));
    return ids.flatMap((id) => rowOf.get(id) ?? []);
  }

  /** Takes in patches, of which `apply` writes the rows. */
  follow(patches: readonly RowPatch[], apply: () => void): void {
    const touched = patches.flatMap((patch) => (patch.table === "learners" ? [patch] : []));
    const ids = JSON.stringify(touched.map(({ key }) => key));
    const among = "WHERE id IN (SELECT value FROM json_each(?))";
    const amongMatching = `${among} AND ${FilteredLearners.condition}`;
    const matching = () => (this.filtered.isOn ? this.totalsOf(amongMatching, [ids]) : noTotals());
    const [before, matchingBefore] = [this.totalsOf(among, [ids]), matching()];
    apply();
    this.parameters.update(touched.filter(({ set }) => set.combo !== undefined).map(({ key }) => key));
    this.filtered.update(ids);
    addChange(this.totals, before, this.totalsOf(among, [ids]));
    addChange(this.matching, matchingBefore, matching());
  }

  private ordered(
    { states = learnerStates, filter = "", orderBy, descending }: Order,
    offset = 0,
    limit = -1,
  ): { total: number; ids: LearnerRow["id"][] } {
    const totals = this.totalsFor(filter).learners;
    const wanted = learnerStates.filter((state) => states.includes(state) && totals[state] > 0);
    if (wanted.length === 0) return { total: 0, ids: [] };
    const total = wanted.reduce((sum, state) => sum + totals[state], 0);
    const among = { states: wanted, isFiltered: filter !== "", isFew: filter !== "" && total <= maxSorted };
    const direction = descending ? "DESC" : "ASC";
    const { present, blank } = isParameter(orderBy)
      ? this.byParameter(orderBy, direction, among)
      : this.byColumn(orderBy, direction, among);
    const ids = this.idsOf(present, limit, offset);
    if (blank === null || ids.length === limit) return { total, ids };
    // What is blank comes last in either direction, so it is another query.
    const [[blanks] = [0]] = ids.length > 0 ? [] : this.database.values(`SELECT count(*) FROM (${blank})`);
    const before = ids.length > 0 ? offset : total - Number(blanks);
    const left = this.idsOf(
      `${blank} ORDER BY id ${direction}`,
      limit < 0 ? limit : limit - ids.length,
      offset - before,
    );
    return { total, ids: [...ids, ...left] };
  }

  /** Of rows that end in an id. */
  private idsOf(rows: string, limit: number, offset: number): LearnerRow["id"][] {
    return this.database
      .values(`${rows} LIMIT ? OFFSET ?`, [limit, offset])
      .map((row) => row[row.length - 1] as LearnerRow["id"]);
  }

  private byColumn(orderBy: keyof LearnerRow, direction: string, { states, isFiltered, isFew }: Among): Ordered {
    this.index(orderBy);
    const column = toSnakeCase(orderBy);
    const among = isFiltered ? `AND ${FilteredLearners.condition}` : "";
    const ofStates = `state IN (${quoted(states)})`;
    // One branch per state: SQLite merges them, each read in order from its index, and sorts nothing.
    const branches = states.map(
      (state) => `SELECT ${column}, id FROM learners WHERE state = '${state}' AND ${column} IS NOT NULL ${among}`,
    );
    const few = `SELECT ${column}, id FROM replica_matches CROSS JOIN learners USING (id)
      WHERE ${ofStates} AND ${column} IS NOT NULL`;
    return {
      present: `${isFew ? few : branches.join(" UNION ALL ")} ORDER BY 1 ${direction}, 2 ${direction}`,
      blank: mayBeBlank.has(orderBy)
        ? `SELECT id FROM learners WHERE ${ofStates} AND ${column} IS NULL ${among}`
        : null,
    };
  }

  /** Numbers by their value, before texts. */
  private byParameter(orderBy: ParameterOrder, direction: string, { states, isFiltered }: Among): Ordered {
    const table = this.parameters.table({ kind: "parameter", name: orderBy.slice(parameterPrefix.length) });
    const wanted = `state IN (${quoted(states)}) ${isFiltered ? `AND ${FilteredLearners.condition}` : ""}`;
    const order = ["(p.number IS NULL)", "p.number", "p.text", "p.id"].map((part) => `${part} ${direction}`);
    return {
      present: `SELECT p.id FROM ${table} AS p CROSS JOIN learners ON learners.id = p.id
        WHERE ${wanted.replace(/\bid IN/, "learners.id IN")} ORDER BY ${order.join()}`,
      blank: `SELECT id FROM learners WHERE ${wanted} AND id NOT IN (SELECT id FROM ${table})`,
    };
  }

  /** @throws AdaptiveError `bad-filter` */
  private totalsFor(filter: string): Readonly<Totals> {
    if (filter === "") return this.totals;
    if (this.filtered.set(filter)) this.matching = this.totalsOf(`WHERE ${FilteredLearners.condition}`);
    return this.matching;
  }

  private totalsOf(where: string, values: string[] = []): Totals {
    const totals = noTotals();
    const query = `SELECT state, count(*), total(npoints) FROM learners ${where} GROUP BY state`;
    for (const [state, count, npoints] of this.database.values(query, values)) {
      totals.learners[state as LearnerState] = Number(count);
      totals.npoints += Number(npoints);
    }
    return totals;
  }

  /** Makes the index that a first look at an order needs; also the check that the order is a column of a learner. */
  private index(orderBy: keyof LearnerRow): void {
    if (this.indexed.has(orderBy)) return;
    if (!Object.hasOwn(columns.learners, orderBy)) {
      throw new AdaptiveError("bad-query", `Learners cannot be ordered by ${orderBy}`);
    }
    const column = toSnakeCase(orderBy);
    this.database.run(`CREATE INDEX replica_learners_by_${column} ON learners (state, ${column}, id)`, []);
    this.indexed.add(orderBy);
  }
}

function isParameter(orderBy: LearnerQuery["orderBy"]): orderBy is ParameterOrder {
  return orderBy.startsWith(parameterPrefix);
}

const quoted = (states: readonly LearnerState[]): string => states.map((state) => `'${state}'`).join();

function noTotals(): Totals {
  const learners = Object.fromEntries(learnerStates.map((state) => [state, 0])) as Totals["learners"];
  return { learners, npoints: 0 };
}

function addChange(totals: Totals, before: Totals, after: Totals): void {
  for (const state of learnerStates) totals.learners[state] += after.learners[state] - before.learners[state];
  totals.npoints += after.npoints - before.npoints;
}

import type { Database } from "../../scheduler/state/database";
import { type Filter, parseFilter } from "../../scheduler/state/filter";
import { filterSql } from "./filterSql";
import type { ParameterColumns } from "./parameterColumns";

/**
 * The learners that match a filter, as a table of their ids that is kept along with every change:
 * the many looks at a page of them do not evaluate it. One filter at a time, the newest asked for.
 */
export class FilteredLearners {
  /** The condition that a row of `learners` is among them. */
  static readonly condition = "id IN (SELECT id FROM replica_matches)";
  private text = "";
  private filter: Filter = [];

  constructor(
    private readonly database: Database,
    private readonly parameters: ParameterColumns,
  ) {
    database.run("CREATE TABLE replica_matches (id INTEGER PRIMARY KEY)", []);
  }

  /** Whether there is a filter to keep along. */
  get isOn(): boolean {
    return this.text !== "";
  }

  /**
   * Fills the table for a filter.
   * @returns whether that is another one than before
   * @throws AdaptiveError `bad-filter`; the one before stays
   */
  set(text: string): boolean {
    if (text === this.text) return false;
    const filter = parseFilter(text);
    // Before the transaction in which it is filled: that makes the columns it needs.
    const { where, values } = filterSql(filter, (field) => this.parameters.table(field));
    this.database.transaction(() => {
      this.database.run("DELETE FROM replica_matches", []);
      this.database.run(`INSERT INTO replica_matches SELECT id FROM learners WHERE ${where}`, values);
    });
    this.filter = filter;
    this.text = text;
    return true;
  }

  /**
   * Takes in what has become of some learners.
   * @param ids as a JSON array
   */
  update(ids: string): void {
    if (!this.isOn) return;
    const { where, values } = filterSql(this.filter, (field) => this.parameters.table(field));
    const among = "id IN (SELECT value FROM json_each(?))";
    this.database.run(`DELETE FROM replica_matches WHERE ${among}`, [ids]);
    this.database.run(`INSERT INTO replica_matches SELECT id FROM learners WHERE ${among} AND ${where}`, [
      ids,
      ...values,
    ]);
  }
}

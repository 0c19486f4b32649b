import type { Database } from "../../scheduler/state/database";
import type { ParameterField } from "../../scheduler/state/filter";
import { fold, valueOf } from "../../scheduler/state/matches";
import { entriesOf, parameterNames } from "../../scheduler/state/parameters";

/**
 * The combos' parameters as typed columns: for each that a filter asked for a table with the
 * learners that have it. Looking into the JSON of 100 000 combos for each filter would be slow.
 */
export class ParameterColumns {
  private readonly tables = new Map<string, { name: string; field: ParameterField }>();
  private known: string[] | null = null;

  constructor(private readonly database: Database) {}

  /** All parameters of all learners. */
  get names(): readonly string[] {
    return (this.known ??= parameterNames(
      this.database.values("SELECT combo FROM learners ORDER BY id").map(([combo]) => String(combo)),
    ));
  }

  /** The table with a parameter's values and, for `~`, their folded texts; made when it is first asked for. */
  table(field: ParameterField): string {
    const key = JSON.stringify(field);
    const known = this.tables.get(key);
    if (known !== undefined) return known.name;
    const name = `replica_parameter_${this.tables.size}`;
    this.database.run(
      `CREATE TABLE ${name} (id INTEGER PRIMARY KEY, number REAL, shown REAL, text TEXT, folded TEXT)`,
      [],
    );
    this.tables.set(key, { name, field });
    this.database.transaction(() => this.fill(name, field, ""));
    // In the order of a list that is sorted by it.
    this.database.run(`CREATE INDEX ${name}_in_order ON ${name} ((number IS NULL), number, text, id)`, []);
    return name;
  }

  /** Takes in what has become of the combos of these learners. */
  update(ids: readonly number[]): void {
    if (ids.length === 0) return;
    this.known = null;
    const among = "WHERE id IN (SELECT value FROM json_each(?))";
    const values = [JSON.stringify(ids)];
    for (const { name, field } of this.tables.values()) {
      this.database.run(`DELETE FROM ${name} ${among}`, values);
      this.fill(name, field, among, values);
    }
  }

  private fill(table: string, field: ParameterField, where: string, values: string[] = []): void {
    const insertion = `INSERT INTO ${table} (id, number, shown, text, folded) VALUES (?, ?, ?, ?, ?)`;
    for (const [id, fname, combo] of this.database.values(`SELECT id, fname, combo FROM learners ${where}`, values)) {
      const value = valueOf(field, String(fname), entriesOf(String(combo)));
      if (value === null) continue;
      const { number, shown, text } = value;
      this.database.run(insertion, [Number(id), number, shown, field.kind === "anything" ? null : text, fold(text)]);
    }
  }
}

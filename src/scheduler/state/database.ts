import initSqlJs, { type BindParams, type Database as SqlDatabase, type SqlValue, type Statement } from "sql.js";
import { AdaptiveError } from "./errors";
import { columns, primaryKey, type Row, type RowPatch, type TableName } from "./rows";

/**
 * The run as an SQLite database in memory: the interpreter of row patches that people query and
 * that the snapshot file is made of. It follows the model and decides nothing.
 */
export class Database {
  private readonly statements = new Map<string, Statement>();

  private constructor(private readonly sql: SqlDatabase) {}

  /**
   * @param bytes an SQLite file, or null for an empty database with its tables
   * @param wasm the code of sql.js, `sql-wasm.wasm`
   */
  static async open(bytes: Uint8Array | null, wasm: Uint8Array): Promise<Database> {
    const { Database: Sqlite } = await initSqlJs({ wasmBinary: wasm.slice().buffer });
    const database = new Database(new Sqlite(bytes));
    if (bytes === null) database.sql.exec(schema);
    return database;
  }

  /** Applies the patches in one transaction. */
  apply(patches: readonly RowPatch[]): void {
    this.transaction(() => {
      for (const patch of patches) this.applyOne(patch);
    });
  }

  transaction(work: () => void): void {
    this.sql.exec("BEGIN");
    try {
      work();
      this.sql.exec("COMMIT");
    } catch (error) {
      this.sql.exec("ROLLBACK");
      throw error;
    }
  }

  /** Makes a function of texts available to queries; null stays null. */
  define(name: string, act: (text: string) => string): void {
    this.sql.create_function(name, (text: string | null) => (text === null ? null : act(text)));
  }

  run(query: string, values: BindParams): void {
    this.statement(query).run(values);
  }

  /** The rows of a query over one table, with the property names of its row type. */
  rows<T extends TableName>(table: T, rest = "", values: BindParams = []): Row<T>[] {
    return [...this.eachRow(table, rest, values)];
  }

  /** The same, one after the other; until it has ended, nobody else may ask the same. */
  *eachRow<T extends TableName>(table: T, rest = "", values: BindParams = []): Iterable<Row<T>> {
    const names = Object.keys(columns[table]);
    const query = `SELECT ${names.map(toSnakeCase).join(", ")} FROM ${table} ${rest}`;
    let before: SqlValue[] = [];
    for (const row of this.each(query, values)) {
      // Most texts are those of the row before: they are shared.
      const shared = row.map((value, i) => (value === before[i] ? (before[i] ?? null) : value));
      yield Object.fromEntries(names.map((name, i) => [name, shared[i] ?? null])) as unknown as Row<T>;
      before = shared;
    }
  }

  /** The rows of any query, as arrays of values. */
  values(query: string, values: BindParams = []): SqlValue[][] {
    return [...this.each(query, values)];
  }

  private *each(query: string, values: BindParams): Iterable<SqlValue[]> {
    const statement = this.statement(query);
    statement.bind(values);
    try {
      while (statement.step()) yield statement.get();
    } finally {
      statement.reset();
    }
  }

  /**
   * Whether it is an SQLite file from its first to its last page, and holds a run.
   *
   * @throws AdaptiveError `database-version` for one of another version of this program
   */
  isSound(): boolean {
    if (this.values("PRAGMA quick_check").flat().join() !== "ok") return false;
    // What was cut to nothing is an empty database, of no version.
    if (this.values("SELECT 1 FROM sqlite_master WHERE name = 'run'").length === 0) return false;
    const version = this.values("PRAGMA user_version").flat()[0];
    if (version === schemaVersion) return this.hasColumns() && this.rows("run").length === 1;
    throw new AdaptiveError(
      "database-version",
      `The run was written by another version of Adaptive Scheduler: its state has version ${String(version)}, this program knows ${schemaVersion}.`,
      "Go on with that version, or move the run's state folder away and start anew: the learners' data files stay.",
    );
  }

  /** What is damaged where the tables are described may be whole otherwise. */
  private hasColumns(): boolean {
    try {
      for (const table of Object.keys(columns)) this.rows(table as TableName, "LIMIT 0");
      return true;
    } catch {
      return false;
    }
  }

  /** Whether it has the tables and indexes that this program makes, to the letter, and nothing else that could run. */
  hasOwnSchema(): boolean {
    const made = this.values("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL").flat();
    return made.sort().join(";") === ownSchema.toSorted().join(";");
  }

  /** The database as the bytes of an SQLite file. */
  export(): Uint8Array {
    // sql.js frees every prepared statement when it exports.
    this.statements.clear();
    return this.sql.export();
  }

  close(): void {
    this.statements.clear();
    this.sql.close();
  }

  private applyOne(patch: RowPatch): void {
    const values = Object.values(patch.set) as SqlValue[];
    const query = queryFor(patch.table, Object.keys(patch.set));
    // A whole row names itself among its columns.
    this.run(query, patch.table === "run" || query.startsWith("INSERT") ? values : [...values, patch.key]);
  }

  private statement(query: string): Statement {
    let statement = this.statements.get(query);
    if (!statement) {
      statement = this.sql.prepare(query);
      this.statements.set(query, statement);
    }
    return statement;
  }
}

/** The query that writes these columns of a row: of all of them an insertion, of some an update. */
function queryFor(table: TableName, names: readonly string[]): string {
  const shape = `${table} ${names.join()}`;
  const known = queries.get(shape);
  if (known !== undefined) return known;
  const query = composeQuery(table, names.map(toSnakeCase));
  queries.set(shape, query);
  return query;
}

/** There are few shapes of patches, and composing a query takes longer than running it. */
const queries = new Map<string, string>();

function composeQuery(table: TableName, names: readonly string[]): string {
  const known = new Set(Object.keys(columns[table]).map(toSnakeCase));
  const unknown = names.find((name) => !known.has(name));
  // Names become part of a query, and a patch may come from a host.
  if (unknown !== undefined) throw new AdaptiveError("unknown-message", `There is no column ${unknown} in ${table}`);
  if (names.length === Object.keys(columns[table]).length) {
    return `INSERT OR REPLACE INTO ${table} (${names.join(", ")}) VALUES (${names.map(() => "?").join(", ")})`;
  }
  const assignments = names.map((name) => `${name} = ?`).join(", ");
  return `UPDATE ${table} SET ${assignments}${table === "run" ? "" : ` WHERE ${toSnakeCase(primaryKey[table])} = ?`}`;
}

export function toSnakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

const tables = (Object.keys(columns) as TableName[]).map((table) => {
  const key = table === "run" ? "runId" : primaryKey[table];
  const lines = Object.entries(columns[table]).map(
    ([name, type]) => `${toSnakeCase(name)} ${type}${name === key ? " PRIMARY KEY" : ""}`,
  );
  return `CREATE TABLE ${table} (${lines.join(", ")})`;
});

/** Raised with every change of the tables, which an older or newer program must not touch. */
const schemaVersion = 2;

/** As SQLite repeats it in `sqlite_master`. */
const ownSchema = [
  ...tables,
  "CREATE TABLE series (time INTEGER PRIMARY KEY, npoints INTEGER, running INTEGER, queued INTEGER, done INTEGER)",
  "CREATE INDEX learners_by_state ON learners (state)",
  "CREATE INDEX jobs_by_state ON jobs (state)",
];

const schema = [`PRAGMA user_version = ${schemaVersion}`, ...ownSchema].join(";\n");

import { ReplicaDatabase } from "../../../src/remote/replica/replicaDatabase";
import { type Change, effects } from "../../../src/scheduler/state/changes";
import { Database } from "../../../src/scheduler/state/database";
import { wasm } from "../scheduler/runFixture";

/** A run's database after these changes. */
export async function databaseOf(changes: readonly Change[]): Promise<Database> {
  const database = await Database.open(null, wasm);
  database.apply(changes.flatMap(effects));
  return database;
}

/** A replica that was given them as a snapshot. */
export async function replicaOf(changes: readonly Change[]): Promise<ReplicaDatabase> {
  const database = await databaseOf(changes);
  const snapshot = database.export();
  database.close();
  return ReplicaDatabase.open(snapshot, wasm);
}

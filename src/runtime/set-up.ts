import { Connection } from '@temporalio/client';
import { ensureNamespace } from '../../temporal/namespace.ts';
import { ensureSchedules } from '../../temporal/schedules.ts';
import { insertApiKey } from '../db/append/api-keys.ts';
import { Checkpointer } from '../db/checkpointer.ts';
import { createDatabase } from '../db/client.ts';
import { migrate, readMigrations } from '../db/migrate.ts';
import { readDeployment } from '../db/read/deployment.ts';
import { AppError } from '../errors.ts';
import type { Config } from '../config/config.ts';
import { startTraceDelivery } from './trace-delivery.ts';
import { connectionOptions, openEpisodeWorkflows } from './temporal/client.ts';
import { sha256Of } from '../identity.ts';

/**
 * Makes a deployment ready: migrates the database, sets up LangGraph's tables, the namespace with its retention and search
 * attributes, and the schedules. `api_key`, where given, becomes an operator's key. Idempotent; `log` gets a line for each thing done.
 */
export async function setUpDeployment(
  config: Config,
  { log, api_key }: { log: (line: string) => void; api_key?: string },
): Promise<void> {
  await using database = createDatabase(config.database_url.reveal(), { connections: 2 });
  const applied = await migrate(database.pool, await readMigrations());
  if (applied.length > 0) log(`migrated the database: ${applied.join(', ')}`);
  await new Checkpointer(database.pool).setup();
  if (api_key) {
    const key_sha256 = sha256Of(api_key);
    await insertApiKey(database.db, { name: 'embedded stack', role: 'operator', key_sha256 });
  }
  const connection = await Connection.connect(await connectionOptions(config.temporal)).catch((error: unknown) => {
    throw new AppError('unavailable', `Temporal does not answer at ${config.temporal.address}.`, { cause: error });
  });
  try {
    await ensureNamespace(connection, config.temporal.namespace);
  } finally {
    await connection.close();
  }
  await using workflows = await openEpisodeWorkflows(config);
  const { schedules_held: held } = await readDeployment(database.db);
  await ensureSchedules(workflows.client, config.temporal.task_queue_prefix, { held });
  if (held) log('schedules wait since a restore: `observatory reconcile --resume-schedules` lets them run');
  await startTraceDelivery(workflows.client, config.temporal.task_queue_prefix);
  log('set up the namespace, its search attributes, the schedules and the delivery of traces');
}

import type { Client } from '@temporalio/client';
import type { Kysely } from 'kysely';
import { ensureSchedules } from '../../temporal/schedules.ts';
import { createDatabase } from '../db/client.ts';
import { readDeployment } from '../db/read/deployment.ts';
import { getEpisode, listOpenWorkflows } from '../db/read/episodes.ts';
import { findLastPlace } from '../db/read/places.ts';
import { listRestoredEpisodes } from '../db/read/recovery.ts';
import { noteEpisodeContinued, releaseSchedules } from '../db/write/recovery.ts';
import { AppError } from '../errors.ts';
import type { Database } from '../schemas/database.ts';
import { EPISODE_WORKFLOW, taskQueue } from '../workflows/names.ts';
import type { Config } from '../config/config.ts';
import { openEpisodeWorkflows } from './temporal/client.ts';

/** What reconciling did: runs begun for open episodes (and the step after which), and runs ended that the record does not know. */
export type Reconciliation = {
  restore_epoch: number;
  continued: { episode_id: string; after_seq: number; run_id: string }[];
  terminated: string[];
  schedules: 'held' | 'running';
};

/**
 * Brings Temporal, whether it is newer than a restored record, older, or empty, to what the record says: every episode that
 * was open in the snapshot gets a new run from the last place of its line, in place of the run that Temporal may still have, and runs of
 * episodes that the record does not know as open are ended. Doing it again carries on what was left. Throws
 * failed_precondition where nothing was restored.
 */
export async function reconcile(
  config: Config,
  { resume_schedules }: { resume_schedules: boolean },
): Promise<Reconciliation> {
  await using database = createDatabase(config.database_url.reveal(), { connections: 2 });
  await using workflows = await openEpisodeWorkflows(config);
  const { db } = database;
  const { restore_epoch, restored_at } = await readDeployment(db);
  if (restored_at === null)
    throw new AppError('failed_precondition', 'This database was not restored: there is nothing to reconcile.');
  const { client } = workflows;
  const prefix = config.temporal.task_queue_prefix;
  if (resume_schedules) await releaseSchedules(db);
  const { schedules_held } = await readDeployment(db);
  await ensureSchedules(client, prefix, { held: schedules_held });
  const terminated = await endUnknownRuns({ db, client }, { prefix, restored_at });
  const continued: Reconciliation['continued'] = [];
  for (const episode_id of await listRestoredEpisodes(db)) {
    const episode = await getEpisode(db, episode_id);
    const after_seq = await findLastPlace(db, episode_id);
    const run_id = await workflows.continueEpisode(episode, after_seq);
    await noteEpisodeContinued(db, episode_id);
    continued.push({ episode_id, after_seq, run_id });
  }
  return { restore_epoch, continued, terminated, schedules: schedules_held ? 'held' : 'running' };
}

/** Ends runs from before the restore whose episode is lost, or had ended in the snapshot; returns their workflows' ids. */
async function endUnknownRuns(
  { db, client }: { db: Kysely<Database>; client: Client },
  { prefix, restored_at }: { prefix: string; restored_at: string },
): Promise<string[]> {
  const open = new Set(await listOpenWorkflows(db));
  const query = `TaskQueue = '${taskQueue(prefix, 'episodes')}' and WorkflowType = '${EPISODE_WORKFLOW}'
    and ExecutionStatus = 'Running' and StartTime < '${new Date(restored_at).toISOString()}'`;
  const ended: string[] = [];
  for await (const { workflowId, runId } of client.workflow.list({ query: query.replaceAll(/\s+/g, ' ') })) {
    if (open.has(workflowId)) continue;
    await client.workflow.getHandle(workflowId, runId).terminate('the restored record does not know this run');
    ended.push(workflowId);
  }
  return ended;
}

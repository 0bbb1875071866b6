import { randomBytes } from 'node:crypto';
import { PostgresSaver } from '@langchain/langgraph-checkpoint-postgres';
import type { Pool } from 'pg';
import { AppError } from '../errors.ts';

/** The schema that holds LangGraph's own tables. */
export const LANGGRAPH_SCHEMA = 'langgraph';

/** Digits that LangGraph's own string versions have, so that they sort as text. */
const VERSION_DIGITS = 16;

/**
 * LangGraph's checkpointer on our database, with two mends. A version is made unique, since blobs are keyed by it and a
 * second branch of the same length would read the first one's state (langgraphjs#1812). Of a failed task only the failure
 * is kept, since LangGraph keeps what it wrote and takes it for done on resume (langgraph#8834).
 */
export class Checkpointer extends PostgresSaver {
  constructor(pool: Pool) {
    super(pool, undefined, { schema: LANGGRAPH_SCHEMA });
  }

  override getNextVersion(current: number | string | undefined): never {
    const next = Number.parseInt(String(current ?? 0), 10) + 1;
    const version = `${String(next).padStart(VERSION_DIGITS, '0')}.${randomBytes(6).toString('hex')}`;
    return version as never; // the base class types versions as numbers, and reads any that sort
  }

  override put(...[config, checkpoint, metadata, versions]: Parameters<PostgresSaver['put']>) {
    // The run that wrote a checkpoint distinguishes its branch from that of a run that was reset.
    const run_id = (config as { metadata?: { episode_run?: unknown } }).metadata?.episode_run;
    return super.put(config, checkpoint, { ...metadata, episode_run: run_id } as typeof metadata, versions);
  }

  override putWrites(...[config, writes, taskId]: Parameters<PostgresSaver['putWrites']>) {
    const failure = writes.filter(([channel]) => channel === '__error__' || channel === '__error_source_node__');
    return super.putWrites(config, failure.length > 0 ? failure : writes, taskId);
  }
}

/** A run's checkpoints of a thread after one of them (null: all), in the order in which they were written. */
export async function listCheckpointsOfRun(
  pool: Pool,
  { thread_id, run_id, after }: { thread_id: string; run_id: string; after: string | null },
): Promise<{ id: string; parent: string | null; source: string }[]> {
  // LangGraph's own list() loads every channel of every row; these three columns are what matters.
  const { rows } = await pool.query<{ id: string; parent: string | null; source: string }>(
    `select checkpoint_id as id, parent_checkpoint_id as parent, metadata->>'source' as source
       from ${LANGGRAPH_SCHEMA}.checkpoints
      where thread_id = $1 and checkpoint_ns = '' and metadata->>'episode_run' = $2 and checkpoint_id > $3
      order by checkpoint_id`,
    [thread_id, run_id, after ?? ''],
  );
  return rows;
}

/** Which of these threads holds the checkpoint; throws data_loss where none does. */
export async function findThreadOf(pool: Pool, checkpointId: string, threads: string[]): Promise<string> {
  const { rows } = await pool.query<{ thread_id: string }>(
    `select thread_id from ${LANGGRAPH_SCHEMA}.checkpoints
      where checkpoint_id = $1 and checkpoint_ns = '' and thread_id = any($2)`,
    [checkpointId, threads],
  );
  const [found] = rows;
  if (!found) throw new AppError('data_loss', `the checkpoint ${checkpointId} is in none of its episode's threads`);
  return found.thread_id;
}

/**
 * Makes a checkpoint the first of another thread, with the state that it names and without what tasks wrote on it since.
 * The thread that it comes from is not touched. Doing it again changes nothing.
 */
export async function copyCheckpoint(pool: Pool, { id, from, to }: { id: string; from: string; to: string }) {
  await pool.query(
    `with copied as (
       insert into ${LANGGRAPH_SCHEMA}.checkpoint_blobs (thread_id, checkpoint_ns, channel, version, type, blob)
       select $3, '', b.channel, b.version, b.type, b.blob
         from ${LANGGRAPH_SCHEMA}.checkpoints c
         cross join lateral jsonb_each_text(c.checkpoint -> 'channel_versions') v
         join ${LANGGRAPH_SCHEMA}.checkpoint_blobs b
           on b.thread_id = c.thread_id and b.checkpoint_ns = '' and b.channel = v.key and b.version = v.value
        where c.thread_id = $2 and c.checkpoint_ns = '' and c.checkpoint_id = $1
       on conflict do nothing)
     insert into ${LANGGRAPH_SCHEMA}.checkpoints (thread_id, checkpoint_ns, checkpoint_id, type, checkpoint, metadata)
     select $3, '', checkpoint_id, type, checkpoint, metadata from ${LANGGRAPH_SCHEMA}.checkpoints
      where thread_id = $2 and checkpoint_ns = '' and checkpoint_id = $1
     on conflict do nothing`,
    [id, from, to],
  );
}

import { randomBytes } from 'node:crypto';
import { PostgresSaver } from '@langchain/langgraph-checkpoint-postgres';
import type { Pool } from 'pg';

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
    // The run that wrote a checkpoint tells its branch from that of a run that was reset.
    const run_id = (config as { metadata?: { episode_run?: unknown } }).metadata?.episode_run;
    return super.put(config, checkpoint, { ...metadata, episode_run: run_id } as typeof metadata, versions);
  }

  override putWrites(...[config, writes, taskId]: Parameters<PostgresSaver['putWrites']>) {
    const failure = writes.filter(([channel]) => channel === '__error__' || channel === '__error_source_node__');
    return super.putWrites(config, failure.length > 0 ? failure : writes, taskId);
  }
}

import { until } from '../../src/embedded/until.ts';
import type { Deployment } from './deployment.ts';

/** A writer that does not come is a failure of the test. */
const REACHED_MS_MAX = 60_000;

/** Where a writer is stopped: just before this change of a row for which the SQL condition on `new` holds. */
export type GatePlace = {
  on: 'steps' | 'episodes' | 'langgraph.checkpoints' | 'langgraph.checkpoint_writes';
  before: 'insert' | 'update';
  when: string;
};

/** Before the row of step `seq` of an episode is written. */
export const begins = (seq: number) => (id: string) =>
  ({ on: 'steps', before: 'insert', when: `new.episode_id = '${id}' and new.seq = ${seq}` }) as const;

/** Before that row ends. */
export const ends = (seq: number) => (id: string) =>
  ({
    on: 'steps',
    before: 'update',
    when: `new.episode_id = '${id}' and new.seq = ${seq} and new.status <> 'running'`,
  }) as const;

/** When the step has ended, before a checkpoint of the episode's graph is written. */
export const isCheckpointed = (seq: number) => (id: string) =>
  ({
    on: 'langgraph.checkpoints',
    before: 'insert',
    when: `new.thread_id like '${id}.%' and exists (select from steps where episode_id = '${id}' and seq = ${seq} and status = 'ok')`,
  }) as const;

/** A writer's transaction that comes to the place waits there, as one that hangs, until it is let through or dies. */
export type Gate = {
  reached(): Promise<void>;
  open(): Promise<void>;
  /** Cuts the connections of those who wait. */
  cut(): Promise<void>;
};

const WAITING = `from pg_locks where locktype = 'advisory' and not granted and objid = $1
  and database = (select oid from pg_database where datname = current_database())`;

/** Gates in the deployment's own database, which are triggers that wait for a lock that we hold. Disposing opens and removes them. */
export async function openGates({ database: { pool } }: Deployment) {
  const holder = await pool.connect();
  const removals: string[] = [];
  return {
    async set({ on, before, when }: GatePlace): Promise<Gate> {
      const key = removals.length + 1;
      const name = `test_gate_${key}`;
      await holder.query(`select pg_advisory_lock($1)`, [key]);
      await pool.query(`create function ${name}() returns trigger language plpgsql as $$ begin
        if ${when} then perform pg_advisory_xact_lock(${key}); end if; return new; end $$`);
      await pool.query(`create trigger ${name} before ${before} on ${on} for each row execute function ${name}()`);
      removals.push(`drop trigger ${name} on ${on}; drop function ${name}()`);
      return {
        async reached() {
          const isWaiting = async () => {
            const { rowCount } = await pool.query(`select 1 ${WAITING}`, [key]);
            return rowCount === 0 ? undefined : true;
          };
          await until({ what: `a writer at "${when}"`, duration_ms_max: REACHED_MS_MAX, attempt: isWaiting });
        },
        async cut() {
          await pool.query(`select pg_terminate_backend(pid) ${WAITING}`, [key]);
        },
        async open() {
          await holder.query(`select pg_advisory_unlock($1)`, [key]);
        },
      };
    },
    async [Symbol.asyncDispose]() {
      await holder.query('select pg_advisory_unlock_all()');
      holder.release();
      for (const removal of removals) await pool.query(removal);
    },
  };
}

import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import type { Database } from '../../schemas/database.ts';
import type { JsonObject } from '../../schemas/primitives.ts';

/** Rows that are read at once, so that memory does not grow with the episode. */
const PAGE_ROWS = 500;

type Part = { table: string; keys: readonly string[]; where: 'episode' | 'steps' | 'thread' };

/** The tables that hold an episode's record, by the name of their part, in the order of their keys. */
const PARTS = {
  steps: { table: 'steps', keys: ['id'], where: 'episode' },
  attempts: { table: 'step_attempts', keys: ['step_id', 'attempt'], where: 'steps' },
  artifact_links: { table: 'step_artifacts', keys: ['step_id', 'role', 'path'], where: 'steps' },
  logs: { table: 'execution_logs', keys: ['stream_seq'], where: 'episode' },
  events: { table: 'events', keys: ['event_id'], where: 'episode' },
  spans: { table: 'trace_outbox', keys: ['span_id'], where: 'episode' },
  feedback: { table: 'feedback', keys: ['id'], where: 'episode' },
  coverage: { table: 'coverage_reports', keys: ['id'], where: 'episode' },
  histories: { table: 'workflow_histories', keys: ['run_id'], where: 'episode' },
  replays: { table: 'replay_verdicts', keys: ['run_id', 'build'], where: 'episode' },
  checkpoints: {
    table: 'langgraph.checkpoints',
    keys: ['thread_id', 'checkpoint_ns', 'checkpoint_id'],
    where: 'thread',
  },
  checkpoint_blobs: {
    table: 'langgraph.checkpoint_blobs',
    keys: ['thread_id', 'checkpoint_ns', 'channel', 'version'],
    where: 'thread',
  },
  checkpoint_writes: {
    table: 'langgraph.checkpoint_writes',
    keys: ['thread_id', 'checkpoint_ns', 'checkpoint_id', 'task_id', 'idx'],
    where: 'thread',
  },
} as const satisfies Record<string, Part>;

/** A part of an episode's record, one row after another. */
export type RecordPart = keyof typeof PARTS;

/** The parts that this database has: LangGraph's tables are made when it is set up. */
export async function listRecordParts(db: Kysely<Database>): Promise<RecordPart[]> {
  const names = Object.keys(PARTS) as RecordPart[];
  const { rows } = await sql<{ name: RecordPart }>`select name
    from unnest(${names}::text[], ${names.map((name) => PARTS[name].table)}::text[]) with ordinality part (name, own, place)
    where to_regclass(own) is not null order by place`.execute(db);
  return rows.map(({ name }) => name);
}

/** Every row of a part, as JSON with all its columns, bytes as hexadecimal text; in the order of its key. */
export async function* readRecordPart(
  db: Kysely<Database>,
  name: RecordPart,
  episodeId: string,
): AsyncGenerator<JsonObject> {
  const { table, keys, where }: Part = PARTS[name];
  const key = sql.join(keys.map((column) => sql.ref(column)));
  const own = {
    episode: sql`episode_id = ${episodeId}`,
    steps: sql`step_id in (select id from steps where episode_id = ${episodeId})`,
    thread: sql`thread_id like ${`${episodeId}.%`}`,
  }[where];
  for (let after: JsonObject | undefined; ;) {
    const last = after;
    const beyond = last ? sql`and (${key}) > (${sql.join(keys.map((column) => sql`${last[column]}`))})` : sql``;
    const { rows } = await sql<{ row: JsonObject }>`select to_jsonb(part) as row from ${sql.table(table)} part
      where ${own} ${beyond} order by ${key} limit ${PAGE_ROWS}`.execute(db);
    for (const { row } of rows) yield row;
    after = rows.at(-1)?.row;
    if (rows.length < PAGE_ROWS) return;
  }
}

/** An artifact that an episode's record refers to. */
export type ReferredArtifact = { sha256: string; is_workspace: boolean };

/** Every artifact that the episode's record refers to, by hash: inputs, what steps read and made, events' exact bytes, and workspaces. */
export async function listReferredArtifacts(db: Kysely<Database>, episodeId: string): Promise<ReferredArtifact[]> {
  const { rows } = await sql<ReferredArtifact>`select sha256, bool_or(is_workspace) as is_workspace from (
      select input->>'sha256' as sha256, false as is_workspace from episodes, jsonb_array_elements(inputs) input where id = ${episodeId}
      union all select workspace_sha256, true from steps where episode_id = ${episodeId} and workspace_sha256 is not null
      union all select l.sha256, false from step_artifacts l join steps s on s.id = l.step_id where s.episode_id = ${episodeId}
      union all select exact_sha256, false from events where episode_id = ${episodeId} and exact_sha256 is not null
    ) used group by sha256 order by sha256`.execute(db);
  return rows;
}

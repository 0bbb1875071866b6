import { insertArtifact } from '../../src/db/append/artifacts.ts';
import { insertEpisode } from '../../src/db/append/episodes.ts';
import { StartEpisode } from '../../src/schemas/episode.ts';
import type { ArtifactLink } from '../../src/schemas/artifact.ts';
import type { Json } from '../../src/schemas/primitives.ts';
import type { Deployment } from './deployment.ts';

/** A step as it is written into the record: what was said, what came of it, what was printed. */
export type RecordedStep = {
  text: string;
  output?: Json;
  lines?: string[];
  failed?: boolean;
  /** Thoughts and commands in turn, unless it says what it is. */
  kind?: 'simulation';
  files?: RecordedFile[];
};

type RecordedFile = Pick<ArtifactLink, 'path' | 'content_type'> &
  Partial<Pick<ArtifactLink, 'kind' | 'clock'>> & { content: string | Uint8Array };

/** An ended episode to look at, of any size and with any contents, that no agent has played. Its steps are a tenth of a second apart. */
export type RecordedEpisode = {
  task: string;
  steps: RecordedStep[];
};

/** Writes the episode into the record and returns its id. */
export async function recordEpisode(
  { database: { db, pool }, store, config }: Deployment,
  { task, steps }: RecordedEpisode,
): Promise<string> {
  const request = StartEpisode.parse({ task });
  const accepted = { namespace: config.temporal.namespace, idempotency_key: null, code_version: null };
  const { episode } = await insertEpisode(db, { request, ...accepted });
  const rows = steps.map(({ text, output, lines = [], failed = false, kind }, index) => ({
    seq: index + 1,
    text: text.slice(0, 1_000),
    output: { text, content: text.slice(0, 20_000), ...(output !== undefined && { result: output }) },
    status: failed ? 'error' : 'ok',
    kind: kind ?? (index % 2 === 0 ? 'thought' : 'tool_call'),
    name: kind === 'simulation' ? 'simulate' : index % 2 === 0 ? 'think' : 'execute_command',
    lines,
  }));
  const client = await pool.connect();
  try {
    // Rows are right by construction: no trigger has to look at each of thousands.
    await client.query('set session_replication_role = replica');
    await client.query(
      `insert into steps (id, episode_id, run_id, seq, step_key, kind, agent, node, name, status, input, output, error, started_at,
          ended_at, span_id, search_text, attempt_count, started_stream_seq, ended_stream_seq)
        select gen_random_uuid(), $1, 'run-1', seq, 'agent:' || seq, kind,
          'engineer_coder', 'agent', name, status, jsonb_build_object('command', text), output,
          case when status = 'error' then jsonb_build_object('code', 'internal', 'message', text) end,
          now() + make_interval(secs => seq * 0.1), now() + make_interval(secs => seq * 0.1 + 0.05), lpad(to_hex(seq), 16, '0'), text, 1, seq * 2, seq * 2 + 1
        from jsonb_to_recordset($2::jsonb) as row(seq int, text text, output jsonb, status text, kind text, name text)`,
      [episode.id, JSON.stringify(rows)],
    );
    await client.query(
      `insert into execution_logs (episode_id, stream_seq, step_id, attempt, line, stream, level, at, text)
        select $1, 1000000 + row.seq * 100 + line.n, s.id, 1, line.n, 'stdout', 'info', now(), line.text
        from jsonb_to_recordset($2::jsonb) as row(seq int, lines jsonb)
        join steps s on s.episode_id = $1 and s.seq = row.seq
        cross join lateral jsonb_array_elements_text(row.lines) with ordinality as line(text, n)`,
      [episode.id, JSON.stringify(rows)],
    );
    await client.query(
      `update episodes set status = 'completed', terminal_reason = 'APPROVED', started_at = now(), ended_at = now() + make_interval(secs => $2),
          step_count = $3, last_stream_seq = 100000000 where id = $1`,
      [episode.id, steps.length * 0.1, steps.length],
    );
    for (const [index, { files = [] }] of steps.entries())
      for (const { path, content, content_type, kind = 'OTHER', clock = null } of files) {
        const stored = await store.put(Buffer.from(content), { contentType: content_type });
        await insertArtifact(db, stored);
        await client.query(
          `insert into step_artifacts (step_id, role, path, sha256, content_type, kind, clock, attempt)
            select id, 'output', $2, $3, $4, $5, $6, 1 from steps where episode_id = $1 and seq = $7`,
          [episode.id, path, stored.sha256, content_type, kind, clock && JSON.stringify(clock), index + 1],
        );
      }
    await client.query('analyze steps');
  } finally {
    client.release(true);
  }
  return episode.id;
}

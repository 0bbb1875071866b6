import type { Pool } from 'pg';

/** What the record of a year looks like: 10,000 episodes of 100 steps and 500 log lines, 3 % of which warn or err. */
export const SIZE = { episodes: 10_000, steps_each: 100, lines_each: 500, rare_every: 1_000 };

/** The id of an episode by its number: in the order of creation, as UUIDv7 are. */
export const episodeId = (number: number): string =>
  `01900000-${number.toString(16).padStart(4, '0')}-7000-8000-000000000000`;

/** In SQL: of an episode `e`, and of its step `s`. */
const EPISODE_ID = `('01900000-' || lpad(to_hex(e), 4, '0') || '-7000-8000-000000000000')::uuid`;
const STEP_ID = `('01900000-' || lpad(to_hex(e), 4, '0') || '-7000-9000-' || lpad(to_hex(s), 12, '0'))::uuid`;
/** Sentences of 14 words; the most frequent word is in every second one, the rarest in one of thousands. */
const TEXTS = `create temporary table texts as
  select n - 1 as n, string_agg('w' || floor(power(random(), 3) * 5000)::int, ' ') as text
  from generate_series(1, 4000) n, generate_series(1, 14) word group by n`;
/** The sentence of a row, by a number that spreads rows over all of them. */
const textOf = (name: string, number: string): string => `join texts ${name} on ${name}.n = (${number}) % 4000`;

/** Fills an empty, migrated database. Indexes of the search are made after the rows, and all is analysed. */
export async function fillDatabase(pool: Pool): Promise<void> {
  const client = await pool.connect();
  try {
    const run = (statement: string) => client.query(statement);
    // Rows are right by construction: neither foreign keys nor triggers look at each of six million.
    await run(`set session_replication_role = replica`);
    await run(`set synchronous_commit = off`);
    await run(`set maintenance_work_mem = '512MB'`);
    await run(`set statement_timeout = 0`);
    const { rows } = await client.query<{ name: string; definition: string }>(
      `select indexname as name, indexdef as definition from pg_indexes where indexname like '%_search'`,
    );
    await run(TEXTS);
    await run('analyze texts');
    for (const { name } of rows) await run(`drop index ${name}`);
    await run(
      `insert into artifacts (sha256, size_bytes) select lpad(to_hex(n), 64, '0'), 1000 from generate_series(0, 9999) n`,
    );
    await run(`insert into episodes (id, status, task, agent, model, seed, budgets, tags, workflow_id, trace_id, request_sha256,
        created_at, started_at, ended_at, terminal_reason, step_count, log_line_count, usd, last_stream_seq)
      select ${EPISODE_ID}, (array['completed', 'completed', 'failed', 'stopped'])[1 + e % 4], one.text || case when e % ${SIZE.rare_every} = 0 then ' needle' else '' end,
        (array['mechanism_engineer', 'single_engineer'])[1 + e % 2], 'model-' || e % 7, e, '{}', array['tag-' || e % 50], 'episode-' || e, lpad(to_hex(e), 32, '0'), '',
        at, at, at + make_interval(secs => 60 + e % 600), (array['APPROVED', 'REJECTED_BY_REVIEW', 'INFRA_ERROR', 'TIMEOUT'])[1 + e % 4],
        ${SIZE.steps_each}, ${SIZE.lines_each}, e % 100 / 10.0, ${2 * SIZE.steps_each + SIZE.lines_each + 2}
      from generate_series(1, ${SIZE.episodes}) e ${textOf('one', 'e * 7')} cross join lateral (select '2025-01-01'::timestamptz + make_interval(mins => e * 50) as at) times`);
    await run(`insert into steps (id, episode_id, run_id, seq, step_key, parent_seq, kind, agent, node, name, status, input, output, error, model,
        input_tokens, output_tokens, usd, started_at, ended_at, span_id, search_text, attempt_count, started_stream_seq, ended_stream_seq)
      select ${STEP_ID}, ${EPISODE_ID}, 'run-1', s, 'agent:' || s, null, (array['thought', 'tool_call'])[1 + s % 2], 'mechanism_engineer', 'agent',
        (array['think', 'execute_command', 'write_file'])[1 + s % 3], 'ok', jsonb_build_object('command', one.text), jsonb_build_object('content', one.text || ' ' || two.text),
        case when s % 40 = 0 then '{"code": "internal", "message": "the tool failed"}'::jsonb end, 'model-1', 1000, 100, 0.01,
        now(), now(), lpad(to_hex(e * 1000 + s), 16, '0'), two.text || ' step' || e || 'x' || s, 1, s * 7 - 6, s * 7
      from generate_series(1, ${SIZE.episodes}) e cross join generate_series(1, ${SIZE.steps_each}) s
      ${textOf('one', 'e * 131 + s * 17')} ${textOf('two', 'e * 37 + s * 101')}`);
    await run(`insert into step_artifacts (step_id, role, path, sha256, content_type, kind, attempt)
      select ${STEP_ID}, 'output', '/file-' || s, lpad(to_hex((e * 100 + s) % 10000), 64, '0'), 'text/plain', 'OTHER', 1
      from generate_series(1, ${SIZE.episodes}) e, generate_series(2, ${SIZE.steps_each}, 2) s`);
    await run(`insert into execution_logs (episode_id, stream_seq, step_id, attempt, line, stream, level, at, text)
      select ${EPISODE_ID}, s * 7 - 6 + l, ${STEP_ID}, 1, l, 'stdout', case when random() < 0.03 then 'warning' else 'info' end, now(), one.text
      from generate_series(1, ${SIZE.episodes}) e cross join generate_series(1, ${SIZE.steps_each}) s cross join generate_series(1, ${SIZE.lines_each / SIZE.steps_each}) l
      ${textOf('one', 'e * 131 + s * 17 + l * 7')}`);
    for (const { definition } of rows) await run(definition);
    await run('vacuum analyze');
  } finally {
    client.release(true);
  }
}

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { sql } from 'kysely';
import { listAlerts } from '../../src/db/read/alerts.ts';
import { listSteps } from '../../src/db/read/steps.ts';
import { attemptSpanIdOf } from '../../src/identity.ts';
import type { Alert } from '../../src/schemas/alert.ts';
import { ToolOutput } from '../../src/schemas/step.ts';
import type { Step } from '../../src/schemas/step.ts';
import type { Deployment } from './deployment.ts';

const STEPS_MAX = 10_000;
const ALERTS_MAX = 100;
const OBJECT_BYTES_MAX = 64 * 1024 * 1024;

/** The steps of the episode's current line, in order. */
export const stepsOf = ({ database }: Deployment, episodeId: string): Promise<Step[]> =>
  listSteps(database.db, { episode_id: episodeId, after: 0, limit: STEPS_MAX });

/** The alerts of this name that are not over. */
export const openAlerts = async ({ database }: Deployment, name: string): Promise<Alert[]> =>
  (await listAlerts(database.db, { open: true, limit: ALERTS_MAX })).filter((alert) => alert.name === name);

/** Holds an ended episode's record against what must be true of every one, whatever crashed meanwhile. */
export async function expectTrueRecord(deployment: Deployment, episodeId: string): Promise<void> {
  const { db } = deployment.database;
  const steps = await stepsOf(deployment, episodeId);
  assert.deepEqual(
    steps.map(({ seq }) => seq),
    steps.map((_, index) => index + 1),
    'seq is dense',
  );
  assert.deepEqual(
    steps.filter(({ status }) => status === 'running'),
    [],
    'no step is left running',
  );

  await expectAttempts(deployment, episodeId);
  await expectLogs(deployment, episodeId, steps);

  const { rows: untold } =
    await sql`select s.seq from steps s left join events e on e.step_id = s.id and e.type = 'tool_invocation'
    where s.episode_id = ${episodeId} and s.kind in ('tool_call', 'simulation', 'review') and s.status = 'ok'
    group by s.seq, s.id having count(e.event_id) <> 1`.execute(db);
  assert.deepEqual(untold, [], 'every call is told of as an event, once');

  const [sums] = (
    await sql<{ differs: boolean }>`select
      step_count <> (select count(*) from steps where episode_id = e.id and superseded_by is null and status <> 'running')
      or attempt_count <> (select count(*) from step_attempts a join steps s on s.id = a.step_id where s.episode_id = e.id)
      or log_line_count <> (select count(*) from execution_logs where episode_id = e.id)
      or event_count <> (select count(*) from events where episode_id = e.id)
      or artifact_count <> (select count(*) from step_artifacts a join steps s on s.id = a.step_id where s.episode_id = e.id)
      as differs from episodes e where id = ${episodeId}`.execute(db)
  ).rows;
  assert.equal(sums?.differs, false, 'sums equal their parts');
}

/** Each attempt is there, numbered without gap, and told to Langfuse once; one of them ended its step, unless a person or nobody did. */
async function expectAttempts({ database: { db } }: Deployment, episodeId: string): Promise<void> {
  const attempts = await db
    .selectFrom('step_attempts as attempt')
    .innerJoin('steps as step', 'step.id', 'attempt.step_id')
    .selectAll('attempt')
    .select([
      'step.seq',
      'step.attempt_count',
      'step.status as ending',
      'step.superseded_by',
      'step.run_id',
      'step.step_key',
    ])
    .where('step.episode_id', '=', episodeId)
    .orderBy('attempt')
    .execute();
  assert.deepEqual(
    attempts.filter(({ status }) => status === 'running'),
    [],
    'no attempt is left running',
  );
  const bySteps = Map.groupBy(attempts, ({ step_id }) => step_id);
  for (const tries of bySteps.values()) {
    const [{ seq, attempt_count, ending, superseded_by }] = tries as [(typeof attempts)[number]];
    assert.deepEqual(
      tries.map(({ attempt }) => attempt),
      Array.from({ length: attempt_count }, (_, index) => index + 1),
      `the attempts of step ${seq} are numbered without gap`,
    );
    if (ending !== 'ok' || superseded_by) continue;
    assert.equal(tries.filter(({ status }) => status === 'ok').length, 1, `step ${seq} was ended once`);
  }
  const told = await db
    .selectFrom('trace_outbox')
    .select(['span_id', 'trace_id'])
    .where('episode_id', '=', episodeId)
    .execute();
  const { rows } = await sql`select seq from steps s where episode_id = ${episodeId}
    and (select count(*) from trace_outbox o where o.step_id = s.id) <> 1`.execute(db);
  assert.deepEqual(rows, [], 'every step has its span, once');
  const spans = new Set(told.map(({ span_id }) => span_id));
  const trace_id = told[0]?.trace_id ?? '';
  const untold = attempts.filter(
    (one) => one.status === 'lost' && !spans.has(attemptSpanIdOf(trace_id, one, one.attempt)),
  );
  assert.deepEqual(untold, [], 'every lost attempt has its span');
}

/** Log lines are numbered without gap, and what a command printed is there once, whole, under the attempt that ended its step. */
async function expectLogs({ database: { db } }: Deployment, episodeId: string, steps: readonly Step[]): Promise<void> {
  const { rows: gaps } = await sql`select step_id, attempt from execution_logs where episode_id = ${episodeId}
    group by step_id, attempt having max(line) <> count(*)`.execute(db);
  assert.deepEqual(gaps, [], 'log lines are numbered without gap');
  for (const { id, seq, name, status, output, attempt_count } of steps) {
    const said = ToolOutput.safeParse(output).data?.content;
    if (name !== 'execute_command' || status !== 'ok' || !said || said.includes('characters left out')) continue;
    const { rows } = await sql<{ text: string }>`select text from execution_logs l where step_id = ${id}
      and stream in ('stdout', 'stderr') and attempt = (select attempt from step_attempts a where a.step_id = l.step_id and status = 'ok')
      order by line`.execute(db);
    // Blank lines aside: the output is trimmed of those at its end.
    const printed = said.split('\n').slice(1).filter(Boolean);
    assert.deepEqual(
      rows.flatMap(({ text }) => text || []).toSorted(),
      printed.toSorted(),
      `the log of step ${seq} (${attempt_count} attempts) holds what the command printed`,
    );
  }
}

/** Every artifact of the database is an object whose bytes hash to its id. Returns how many there are. */
export async function expectObjects({ database, store }: Deployment): Promise<number> {
  const artifacts = await database.db.selectFrom('artifacts').select(['sha256', 'size_bytes']).execute();
  for (const { sha256, size_bytes } of artifacts) {
    const bytes = await store.readBytes(sha256, { maxBytes: OBJECT_BYTES_MAX });
    assert.equal(createHash('sha256').update(bytes).digest('hex'), sha256);
    assert.equal(bytes.length, size_bytes);
  }
  return artifacts.length;
}

/** Resolves when a query first returns a row; woken by the record's own notifications, bounded by the test's timeout. */
export async function untilRow<Row>({ database }: Deployment, find: () => Promise<Row | undefined>): Promise<Row> {
  const client = await database.pool.connect();
  try {
    let wake = () => {};
    client.on('notification', () => wake());
    await client.query('listen observatory_episode');
    for (;;) {
      const woken = new Promise<void>((resolve) => {
        wake = resolve;
      });
      const row = await find();
      if (row !== undefined) return row;
      await woken;
    }
  } finally {
    client.removeAllListeners('notification');
    await client.query('unlisten *').catch(() => {});
    client.release();
  }
}

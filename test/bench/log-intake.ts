// How many lines a second an attempt's log takes in, from being written to being stored. Peer: the same rows inserted as they are, in
// batches as large, into a table without keys.
import { openAttemptLog } from '../../src/activities/record/logs.ts';
import { beginStep } from '../../src/db/write/steps.ts';
import { AppError } from '../../src/errors.ts';
import type { Deployment } from '../support/deployment.ts';
import { median, openStage, round } from './stage.ts';

const ROUNDS = 3;
/** As many as an attempt keeps in Postgres, and no more. */
const LINES = 50_000;
const BATCH_LINES = 1_000;
const TEXT = 'solver iteration: residual 0.00042, contacts 17, energy 1.9e-3, all within bounds';

/** Medians over alternating runs. */
export type LogIntakeBench = { lines_per_s: number; bare_lines_per_s: number; ratio: number };

/** Measures both kinds in turns. */
export async function benchLogIntake(): Promise<LogIntakeBench> {
  await using stage = await openStage();
  const { deployment } = stage;
  const [ours, bare]: [number[], number[]] = [[], []];
  for (let index = 0; index <= ROUNDS; index += 1) {
    const [one, other] = [await writeLog(deployment), await insertBare(deployment)];
    if (index === 0) continue;
    ours.push(one);
    bare.push(other);
  }
  return {
    lines_per_s: round(median(ours)),
    bare_lines_per_s: round(median(bare)),
    ratio: round(median(ours.map((value, index) => value / (bare[index] ?? Number.NaN))), 2),
  };
}

async function writeLog(deployment: Deployment): Promise<number> {
  const { db, pool } = deployment.database;
  const { id } = await deployment.rehearse([]);
  const { step } = await beginStep(db, {
    identity: { episode_id: id, run_id: 'bench', seq: 1, parent_seq: null },
    description: {
      step_key: 'bench',
      kind: 'tool_call',
      agent: 'engineer',
      node: 'tools',
      name: 'execute_command',
      input: {},
      model: null,
      checkpoint_id: null,
      activity_id: '1',
      span_id: id.replaceAll('-', '').slice(0, 16),
    },
    tryer: { worker: 'bench', build: 'bench', activity_attempt: 1 },
    freezeSpan: () => [],
  });
  const storeRest = () => Promise.reject(new AppError('internal', 'the bench wrote more than an attempt keeps'));
  const log = openAttemptLog(db, { episode_id: id, step_id: step.id, attempt: 1, redact: (text) => text, storeRest });
  const started = performance.now();
  for (let line = 1; line <= LINES; line += 1) log.write('stdout', `${line} ${TEXT}\n`);
  await log.close();
  const seconds = (performance.now() - started) / 1000;
  const { rows } = await pool.query<{ count: number }>(
    'select count(*)::int as count from execution_logs where step_id = $1',
    [step.id],
  );
  if (rows[0]?.count !== LINES) throw new AppError('data_loss', `${rows[0]?.count} of ${LINES} lines were stored`);
  return LINES / seconds;
}

async function insertBare({ database: { pool } }: Deployment): Promise<number> {
  await pool.query('drop table if exists bare_lines');
  await pool.query('create table bare_lines (line int, stream text, level text, at timestamptz, text text)');
  const started = performance.now();
  for (let from = 1; from <= LINES; from += BATCH_LINES) {
    const numbers = Array.from({ length: BATCH_LINES }, (_, index) => from + index);
    const at = new Date().toISOString();
    await pool.query(
      `insert into bare_lines select line, 'stdout', 'info', $2::timestamptz, text
         from unnest($1::int[], $3::text[]) as new (line, text)`,
      [numbers, at, numbers.map((line) => `${line} ${TEXT}`)],
    );
  }
  return LINES / ((performance.now() - started) / 1000);
}

if (import.meta.main) console.log(JSON.stringify(await benchLogIntake(), null, 2));

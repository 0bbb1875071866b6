// An episode of two thousand steps: whether its histories, payloads and rows stay within their bounds. It has no peer: the bounds
// are absolute. It takes minutes.
import { expectTrueRecord, stepsOf } from '../support/record.ts';
import { call } from '../support/deployment.ts';
import type { Deployment, Line } from '../support/deployment.ts';
import { median, openStage, round } from './stage.ts';

/** Each thought asks for three calls, and the approval has four steps: 2,000 in all. */
const THOUGHTS = 499;
const BUDGETS = { steps: 2_500, tokens: 1_000_000, usd: 1, wall_s: 7_200 };

/** The largest history of all its runs, the largest payload in them, and what the database holds for each step. */
export type LongEpisodeBench = {
  steps: number;
  runs: number;
  history_events: number;
  history_bytes: number;
  payload_bytes: number;
  database_bytes_per_step: number;
  /** Of which in LangGraph's tables. */
  checkpoint_bytes_per_step: number;
  seconds: number;
  /** Medians of an `advance` among the first hundred and the last hundred. */
  first_superstep_ms: number;
  last_superstep_ms: number;
};

/** Plays it, holds its record against the invariants, and measures. */
export async function benchLongEpisode(): Promise<LongEpisodeBench> {
  await using stage = await openStage();
  const { deployment } = stage;
  await deployment.startWorker();
  const before = await bytesIn(deployment);
  const started = performance.now();
  const episode = await deployment.play(thoughts(), { budgets: BUDGETS });
  await deployment.workflows.client.workflow.getHandle(episode.workflow_id).result();
  const seconds = round((performance.now() - started) / 1000);
  await expectTrueRecord(deployment, episode.id);
  const steps = await stepsOf(deployment, episode.id);
  const after = await bytesIn(deployment);
  const histories = await Promise.all(
    [...new Set(steps.map(({ run_id }) => run_id))].map((run_id) => measure(deployment, episode.workflow_id, run_id)),
  );
  const most = (of: (history: (typeof histories)[number]) => number) => Math.max(...histories.map(of));
  const times = steps
    .filter(({ kind }) => kind === 'thought')
    .map(({ started_at, ended_at }) => Date.parse(ended_at ?? '') - Date.parse(started_at));
  return {
    steps: steps.length,
    runs: histories.length,
    history_events: most(({ events }) => events),
    history_bytes: most(({ bytes }) => bytes),
    payload_bytes: most(({ payload }) => payload),
    database_bytes_per_step: round((after.all - before.all) / steps.length),
    checkpoint_bytes_per_step: round((after.checkpoints - before.checkpoints) / steps.length),
    seconds,
    first_superstep_ms: median(times.slice(0, 100)),
    last_superstep_ms: median(times.slice(-100)),
  };
}

const thoughts = (): Line[] =>
  Array.from({ length: THOUGHTS }, (_, index) => ({
    text: `Thought ${index + 1}: I note what I found, and look at it again before I go on.`,
    calls: [
      call('write_file', { path: `/notes/${index % 50}.md`, content: `# Note ${index}\n`, overwrite: true }),
      call('read_file', { path: `/notes/${index % 50}.md` }),
      call('list_files', { path: '/notes' }),
    ],
  }));

async function bytesIn({ database: { pool } }: Deployment): Promise<{ all: number; checkpoints: number }> {
  const { rows } = await pool.query<{ all: string; checkpoints: string }>(
    `select sum(pg_total_relation_size(c.oid)) as all,
            sum(pg_total_relation_size(c.oid)) filter (where n.nspname = 'langgraph') as checkpoints
       from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where c.relkind = 'r' and n.nspname in ('public', 'langgraph')`,
  );
  return { all: Number(rows[0]?.all), checkpoints: Number(rows[0]?.checkpoints) };
}

/** Events, bytes as the server counts them, and the largest payload of a run. */
async function measure({ workflows: { client } }: Deployment, workflowId: string, runId: string) {
  const handle = client.workflow.getHandle(workflowId, runId);
  const { historyLength, historySize } = await handle.describe();
  const { events } = await handle.fetchHistory();
  let payload = 0;
  const look = (value: unknown): void => {
    if (value instanceof Uint8Array) payload = Math.max(payload, value.length);
    else if (typeof value === 'object' && value !== null) Object.values(value).forEach(look);
  };
  look(events);
  return { events: historyLength, bytes: historySize ?? 0, payload };
}

if (import.meta.main) console.log(JSON.stringify(await benchLongEpisode(), null, 2));

import { createHash, randomUUID } from 'node:crypto';
import { v7 as uuidv7 } from 'uuid';
import { insertFeedback } from '../../src/db/append/feedback.ts';
import { insertCoverage } from '../../src/db/write/coverage.ts';
import { endEpisode, setEpisodeStatus } from '../../src/db/write/episodes.ts';
import { beginRestoreDrill, beginRestorePoint, endRestoreDrill, endRestorePoint } from '../../src/db/write/recovery.ts';
import type { Episode } from '../../src/schemas/episode.ts';
import { failed, passed } from '../../src/schemas/restore-point.ts';
import type { EpisodeOutcome } from '../../src/schemas/turn.ts';
import { seedStep } from '../integration/api/test-api.ts';
import { call } from '../support/deployment.ts';
import type { Deployment } from '../support/deployment.ts';
import { stepsOf, untilRow } from '../support/record.ts';

/** Bytes that a client may store, and their hash. */
export const CONTENT = 'what a client stores';
export const CONTENT_SHA256 = createHash('sha256').update(CONTENT).digest('hex');

/** What the database holds before the first request, by what it can be asked for. */
export type Seeds = {
  /** Episodes of every status, with steps, files, log lines, feedback and an audit each. */
  episodes: string[];
  /** The one that was really played, and those that only stand there as ended. */
  completed: string;
  ended: string[];
  /** Episodes whose workflow listens. */
  open: string[];
  /** Steps that wait for a person's answer. */
  waiting: { id: string; step: number }[];
  /** An artifact that steps made. */
  artifact: string;
  restore_points: string[];
};

const ENDS: EpisodeOutcome[] = [
  { status: 'completed', terminal_reason: 'APPROVED', failure_class: null, failure: null },
  {
    status: 'failed',
    terminal_reason: 'INFRA_ERROR',
    failure_class: 'INFRA_DEVOPS',
    failure: { code: 'unavailable', message: 'The model did not answer for a day.' },
  },
  { status: 'cancelled', terminal_reason: 'USER_CANCELLED', failure_class: null, failure: null },
  { status: 'stopped', terminal_reason: 'OUT_OF_TURN_BUDGET', failure_class: 'AGENT_QUALITY', failure: null },
];
const OPEN_STATUSES = ['queued', 'running', 'paused'] as const;
/** The number of the seeded step that is a simulation. */
export const SIMULATION = 3;
const QUESTIONS = 3;
const COUNTS = { expected: 3, confirmed: 2, missing: 1, doubled: 0, orphaned: 0, wrongly_typed: 0, damaged: 0 };

/** Fills the record: a real episode that was played to its end, real ones that wait for an answer, and one in every other status. */
export async function seedRecord(deployment: Deployment): Promise<Seeds> {
  const { database, store, workflows } = deployment;
  const { db } = database;
  const played = await play(deployment);
  const open: Episode[] = [];
  for (const status of OPEN_STATUSES) {
    const episode = await deployment.accept({ task: `Stays ${status}`, tags: ['seed'] }, { '/task.md': 'the task' });
    await workflows.startEpisode(episode);
    if (status !== 'queued') await setEpisodeStatus(db, episode.id, status);
    open.push(episode);
  }
  const ended: Episode[] = [];
  for (const end of ENDS) {
    const episode = await deployment.accept({ task: `Ended as ${end.status}`, metadata: { seed: { of: 'all' } } });
    ended.push(episode);
  }
  const all = [...ended, ...open];
  for (const episode of all) {
    const run_id = randomUUID();
    for (const seq of [1, 2, SIMULATION])
      await seedStep({ db, store }, episode, {
        seq,
        run_id,
        ...(seq === SIMULATION && { kind: 'simulation' }),
        files: [{ path: `/${seq}.txt`, content: `file ${seq}` }],
      });
    await insertFeedback(
      db,
      { data_type: 'NUMERIC', name: 'score', value: 0.5, comment: 'half', seq: 1 },
      {
        episode_id: episode.id,
        author: 'operator',
        source: 'person',
        environment: 'testing',
      },
    );
    await seedCoverage(deployment, episode.id);
  }
  for (const [index, end] of ENDS.entries()) await endEpisode(db, ended[index]!.id, end);
  await seedCoverage(deployment, played.completed);
  const restore_points = await seedRecovery(deployment);
  const { sha256 } = await store.put(Buffer.from('file 1'), { contentType: 'text/plain' });
  return {
    episodes: [played.completed, ...all.map(({ id }) => id), ...played.waiting.map(({ id }) => id)],
    completed: played.completed,
    ended: ended.map(({ id }) => id),
    open: [...open.map(({ id }) => id), ...played.waiting.map(({ id }) => id)],
    waiting: played.waiting,
    artifact: sha256,
    restore_points,
  };
}

/** What a real worker plays: an episode to its end, and some up to a question. The worker has stopped then. */
async function play(deployment: Deployment): Promise<{ completed: string; waiting: Seeds['waiting'] }> {
  const worker = await deployment.startWorker();
  const completed = await deployment.play([
    { text: 'I write.', calls: [call('write_file', { path: '/note.md', content: '# A note\n' })] },
    { text: 'I look.', calls: [call('list_files', { path: '/' }), call('read_file', { path: '/note.md' })] },
    { text: 'I run.', calls: [call('execute_command', { command: 'echo out; echo err >&2' })] },
  ]);
  const asking = [];
  for (let index = 0; index < QUESTIONS; index += 1)
    asking.push(await deployment.play([{ text: 'I ask.', calls: [call('ask_person', { question: 'Which servo?' })] }]));
  const waiting: Seeds['waiting'] = [];
  for (const { id } of asking) {
    const { seq } = await untilRow(deployment, async () =>
      (await stepsOf(deployment, id)).find(({ kind, status }) => kind === 'human' && status === 'running'),
    );
    waiting.push({ id, step: seq });
  }
  await deployment.workflows.client.workflow.getHandle(completed.workflow_id).result();
  await worker.stop();
  return { completed: completed.id, waiting };
}

async function seedCoverage({ database }: Deployment, episode_id: string): Promise<void> {
  const asked = { asked: true, items: 3, reason: null };
  await insertCoverage(database.db, {
    episode_id,
    verdict: 'incomplete',
    witnesses: { history: asked, steps: asked, objects: asked, langfuse: { asked: false, items: 0, reason: 'away' } },
    counts: COUNTS,
    finding_count: 1,
    findings: [{ kind: 'missing', witness: 'langfuse', item: 'span', seq: 1, detail: 'Langfuse has no such span' }],
  });
}

async function seedRecovery({ database: { db } }: Deployment): Promise<string[]> {
  const ids = [uuidv7(), uuidv7(), uuidv7()];
  const checks = [passed('objects', { copied: 3 }), failed('tables', 'a row is missing', { rows: 1 })];
  for (const [index, status] of (['complete', 'failed', 'incomplete'] as const).entries()) {
    const id = ids[index]!;
    const started_at = await beginRestorePoint(db, id);
    const manifest_sha256 = status === 'complete' ? CONTENT_SHA256 : null;
    await endRestorePoint(db, {
      id,
      status,
      started_at,
      snapshot_at: started_at,
      ended_at: null,
      manifest_sha256,
      checks,
    });
  }
  const drill = { id: uuidv7(), point_id: ids[0]! };
  const started_at = await beginRestoreDrill(db, drill);
  await endRestoreDrill(db, { ...drill, status: 'passed', started_at, ended_at: null, rto_seconds: 3.5, checks });
  return ids;
}

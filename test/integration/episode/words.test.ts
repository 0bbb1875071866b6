// What people and models say stands in the record and in no history of Temporal: canaries are put into every field that takes
// words, over the API of a real deployment, and looked for in all that Temporal keeps of it.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { getEpisode } from '../../../src/db/read/episodes.ts';
import { deleteUnheardWords, hearWords } from '../../../src/db/write/person-words.ts';
import { LOST_WORDS } from '../../../src/activities/episode/words.ts';
import type { Episode } from '../../../src/schemas/episode.ts';
import { aftercareIdOf } from '../../../src/workflows/names.ts';
import { startApi } from '../../support/api-process.ts';
import type { ApiProcess } from '../../support/api-process.ts';
import { call, createDeployment } from '../../support/deployment.ts';
import type { Deployment } from '../../support/deployment.ts';
import { answerStep, pauseEpisode, sendMessage } from '../../support/people.ts';
import { expectTrueRecord, stepsOf, untilRow } from '../../support/record.ts';

let deployment: Deployment;
let api: ApiProcess;
beforeAll(async () => {
  deployment = await createDeployment();
  await deployment.startWorker();
  api = await startApi(deployment);
});
afterAll(async () => {
  await api[Symbol.asyncDispose]();
  await deployment[Symbol.asyncDispose]();
});

/** A word that is found nowhere by chance. */
const canary = (field: string) => `canary-${field}-7e1c`;
const CANARY = /canary-[a-z-]+-7e1c/g;
/** Many commands, each a process of its own. */
const LONG = { timeout: 300_000 };
const TASK = 'a task whose first line may be seen';

const ended = async ({ id, workflow_id }: Pick<Episode, 'id' | 'workflow_id'>) => {
  await deployment.workflows.client.workflow
    .getHandle(workflow_id)
    .result()
    .catch(() => {});
  return getEpisode(deployment.database.db, id);
};
const run = async (...args: string[]) => {
  const { code, out, err } = await api.run([...args, '--json']);
  expect({ code, err }).toMatchObject({ code: 0 });
  return JSON.parse(out) as Episode;
};
/** The open step of a person's with this name, after this one. */
const untilOpen = ({ id }: Episode, name: string, after = 0) =>
  untilRow(deployment, async () =>
    (await stepsOf(deployment, id)).find(
      (step) => step.kind === 'human' && step.status === 'running' && step.name === name && step.seq > after,
    ),
  );

/** All text in a value, bytes read as text: payloads are JSON, which nothing encrypts or packs here. */
function textsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  if (value instanceof Uint8Array) return [Buffer.from(value).toString()];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsIn) : [];
}

/** What Temporal keeps of a workflow: the histories of its runs, and what it shows of each. */
async function textsOf(workflowId: string, runId?: string): Promise<string> {
  const { client } = deployment.workflows;
  const handle = client.workflow.getHandle(workflowId, runId);
  const { raw } = await handle.describe();
  return textsIn([await handle.fetchHistory(), raw]).join('\n');
}

test(
  'no word of people and no content of models stands in a history, and all of them in the record',
  LONG,
  async () => {
    const source = await deployment.play(
      [
        {
          text: canary('thought'),
          thinking_ms: 500,
          calls: [call('write_file', { path: '/a.txt', content: canary('file') })],
        },
        { text: '', calls: [call('ask_person', { question: canary('question') })] },
        { text: '', calls: [call('execute_command', { command: `echo ${canary('argument')}` })] },
        { text: '', calls: [call('execute_command', { command: `echo ${canary('refused')}` })] },
      ],
      {
        task: `${TASK}\n${canary('task')}`,
        tags: [canary('tag')],
        metadata: { note: canary('metadata') },
        seed_id: canary('seed'),
        approvals: { execute_command: 'ask' },
      },
    );
    await untilOpen(source, 'ask_person');
    await run('episodes', 'say', source.id, canary('message'));
    await run('episodes', 'pause', source.id, '--reason', canary('pause'));
    await run('episodes', 'answer', source.id, canary('answer'));
    const paused = await untilOpen(source, 'pause');
    expect(paused.input).toEqual({ author: 'Ada', text: canary('pause') });
    await run('episodes', 'resume', source.id);
    const wanted = await untilOpen(source, 'approval');
    await run('episodes', 'answer', source.id, canary('approval'));
    const unwanted = await untilOpen(source, 'approval', wanted.seq);
    await run('episodes', 'answer', source.id, '--decline', canary('decline'));
    const first = await ended(source);
    expect(first).toMatchObject({ terminal_reason: 'APPROVED' });
    await expectTrueRecord(deployment, source.id);

    const rerun = await ended(await run('episodes', 'rerun', source.id));
    expect(rerun).toMatchObject({ terminal_reason: 'APPROVED', recorded_miss: null });
    const forked = await ended(
      await run('episodes', 'fork', source.id, '--step', String(unwanted.seq), '--message', canary('fork')),
    );
    expect(forked).toMatchObject({ terminal_reason: 'APPROVED' });
    await run('rewind', forked.id, '--step', String(unwanted.seq + 1));
    expect(await ended(forked)).toMatchObject({ terminal_reason: 'APPROVED' });

    const recorded = JSON.stringify([
      await stepsOf(deployment, source.id),
      await stepsOf(deployment, rerun.id),
      await stepsOf(deployment, forked.id),
      first,
    ]);
    const fields = [
      'thought',
      'question',
      'argument',
      'refused',
      'task',
      'tag',
      'metadata',
      'seed',
      'pause',
      'message',
    ];
    for (const field of [...fields, 'answer', 'approval', 'decline', 'fork']) expect(recorded).toContain(canary(field));
    expect(await spokenIn(rerun)).toEqual(await spokenIn(first));

    const runs = [first, rerun, await getEpisode(deployment.database.db, forked.id)];
    const kept = [];
    for (const { id, workflow_id, run_id } of [...runs, forked])
      for (const [workflow, its] of [[workflow_id, run_id] as const, [aftercareIdOf(id, run_id ?? '')] as const]) {
        await deployment.workflows.client.workflow.getHandle(workflow, its ?? undefined).result();
        kept.push(await textsOf(workflow, its ?? undefined));
      }
    expect(kept.join('\n')).toContain(TASK); // what may be seen is found, so what is not found is not there
    expect(kept.join('\n')).toContain('Ada');
    expect(new Set(kept.join('\n').match(CANARY))).toEqual(new Set());
  },
);

/** Who said what in an episode, in order. */
const spokenIn = async ({ id }: Episode) =>
  (await stepsOf(deployment, id))
    .filter(({ kind }) => kind === 'human')
    .map(({ name, status, output }) => ({ name, status, output }));

test('words that the record lost are told as lost; words that nobody heard are given up a day after the end', async () => {
  const { db } = deployment.database;
  const episode = await deployment.play([{ calls: [call('ask_person', { question: 'Well?' })] }]);
  const { seq } = await untilOpen(episode, 'ask_person');
  await sendMessage(deployment, episode, { id: 'gone', text: 'this will be lost' });
  await pauseEpisode(deployment, episode, { text: 'wait' });
  await pauseEpisode(deployment, episode, { id: 'unheard', text: 'a second pause changes nothing' });
  await db.deleteFrom('person_requests').where('key', '=', 'gone').execute();
  await answerStep(deployment, episode, { step: seq, text: 'well' });
  await untilOpen(episode, 'pause');
  await deployment.workflows.resumeEpisode(episode, { author: 'ada' });
  await ended(episode);
  expect((await spokenIn(episode)).map(({ output }) => output)).toEqual([
    { content: 'well', result: { author: 'ada' } },
    { content: LOST_WORDS, result: { author: 'ada' } },
    { content: 'resumed', result: { author: 'ada' } },
  ]);
  const left = async () =>
    (await db.selectFrom('person_requests').select('key').where('episode_id', '=', episode.id).execute()).length;
  expect(await deleteUnheardWords(db, { age_s: 3_600, limit: 10 })).toBe(0);
  expect(await left()).toBe(3);
  expect(await deleteUnheardWords(db, { age_s: 0, limit: 10 })).toBe(1);
  expect(await hearWords(db, episode.id, { kind: 'pause', key: 'unheard' })).toBeUndefined();
  expect(await left()).toBe(2);
});

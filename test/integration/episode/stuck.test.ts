// What does not get on says so within minutes: workflow code that fails again and again, a task that no worker takes, a queue that
// nobody polls. The server's own pace is waited for, so this takes minutes.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { until } from '../../../src/embedded/until.ts';
import { getEpisode } from '../../../src/db/read/episodes.ts';
import type { Episode } from '../../../src/schemas/episode.ts';
import { createDeployment } from '../../support/deployment.ts';
import type { Deployment } from '../../support/deployment.ts';
import { openAlerts } from '../../support/record.ts';
import { observatory, startApi } from '../../support/api-process.ts';
import type { ApiProcess } from '../../support/api-process.ts';

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

const handleOf = ({ workflow_id }: Episode) => deployment.workflows.client.workflow.getHandle(workflow_id);
const read = ({ id }: Episode) => getEpisode(deployment.database.db, id);

const DURATION_MS_MAX = 300_000;
const MINUTES = { duration_ms_max: 200_000 };
const untilStuck = (episode: Episode) =>
  until({ what: 'that it is stuck', ...MINUTES, attempt: async () => (await read(episode)).stuck ?? undefined });

/** Starts an episode's workflow with other arguments, or on another queue, than ours. */
async function startOtherwise(queue: string, args: unknown[]): Promise<Episode> {
  const episode = await deployment.accept({ agent: 'single_engineer', model: 'scripted' });
  const { workflow } = deployment.workflows.client;
  await workflow.start('EpisodeWorkflow', { workflowId: episode.workflow_id, taskQueue: queue, args });
  return episode;
}

test(
  'an episode whose workflow code fails, and one that no worker takes, say so within minutes: record, alert, show and doctor',
  { timeout: DURATION_MS_MAX },
  async () => {
    const prefix = deployment.config.temporal.task_queue_prefix;
    const failing = await startOtherwise(`${prefix}episodes`, [null]);
    const untaken = await startOtherwise(`${prefix}nobody`, [null]);
    expect(await untilStuck(failing)).toMatchObject({
      waits_for: 'a task of its workflow code',
      because: expect.stringMatching(/^it fails: .*null/) as string,
    });
    expect(await untilStuck(untaken)).toMatchObject({ because: 'no worker takes it', attempt: 1 });
    const alerted = async () => ((await openAlerts(deployment, 'episodes_stuck')).length === 2 ? true : undefined);
    await until({ what: 'the alerts', ...MINUTES, attempt: alerted });
    const sentence = /waits for a task of its workflow code since \S+Z, attempt \d+, because it fails/;
    expect((await openAlerts(deployment, 'episodes_stuck')).map(({ message }) => message).join()).toMatch(sentence);
    expect((await api.run(['episodes', 'show', failing.id])).out).toMatch(sentence);
    expect((await observatory(['doctor'], deployment.env)).out).toMatch(sentence);
    for (const episode of [failing, untaken]) await handleOf(episode).terminate('seen');
    const ended = async () => ((await read(untaken)).ended_at === null ? undefined : true);
    await until({ what: 'its end', ...MINUTES, attempt: ended });
    const over = async () => ((await openAlerts(deployment, 'episodes_stuck')).length === 0 ? true : undefined);
    await until({ what: 'the end of the alerts', ...MINUTES, attempt: over });
  },
);

test('a queue that nobody polls is an alert within minutes', { timeout: DURATION_MS_MAX }, async () => {
  await deployment.killWorkers();
  const unserved = async () => ((await openAlerts(deployment, 'queue_unserved')).length === 3 ? true : undefined);
  await until({ what: 'the alerts of three queues', ...MINUTES, attempt: unserved });
  const [alert] = await openAlerts(deployment, 'queue_unserved');
  expect(alert?.message).toMatch(/^Queue \S+: nobody polls it for \w+ tasks/);
  await deployment.startWorker();
  const served = async () => ((await openAlerts(deployment, 'queue_unserved')).length === 0 ? true : undefined);
  await until({ what: 'the end of the alerts', ...MINUTES, attempt: served });
});

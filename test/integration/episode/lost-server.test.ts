// A Temporal that knows no open episode at all is another one than they were started in, or has lost its database: the record
// is not ended for it. Here a real server loses their workflows, with the API looking on.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { getEpisode } from '../../../src/db/read/episodes.ts';
import type { Episode } from '../../../src/schemas/episode.ts';
import { startApi } from '../../support/api-process.ts';
import type { ApiProcess } from '../../support/api-process.ts';
import { call, createDeployment } from '../../support/deployment.ts';
import type { Deployment } from '../../support/deployment.ts';
import { openAlerts, untilRow } from '../../support/record.ts';
import { until } from '../../../src/embedded/until.ts';

const EPISODES = 5;

let deployment: Deployment;
let api: ApiProcess | undefined;
beforeAll(async () => {
  deployment = await createDeployment();
  await deployment.startWorker();
});
afterAll(async () => {
  await api?.[Symbol.asyncDispose]();
  await deployment[Symbol.asyncDispose]();
});

const read = ({ id }: Episode) => getEpisode(deployment.database.db, id);
const untilEpisode = (episode: Episode, is: (now: Episode) => boolean) =>
  untilRow(deployment, async () => {
    const now = await read(episode);
    return is(now) ? now : undefined;
  });
const findAlert = async () => (await openAlerts(deployment, 'workflows_missing'))[0];

async function forget({ workflow_id }: Episode): Promise<void> {
  const { client } = deployment.workflows;
  const { namespace } = client.options;
  await client.workflowService.deleteWorkflowExecution({ namespace, workflowExecution: { workflowId: workflow_id } });
  const isForgotten = () =>
    client.workflow
      .getHandle(workflow_id)
      .describe()
      .then(
        () => undefined,
        () => true,
      );
  await until({ what: 'that Temporal forgot it', duration_ms_max: 20_000, attempt: isForgotten });
}

test('a Temporal that has none of the open episodes is an alert that names its namespace; what an operator cancels ends as lost', async () => {
  const asks = [{ calls: [call('ask_person', { question: 'Well?' })] }];
  const episodes: Episode[] = [];
  for (let count = 0; count < EPISODES; count += 1) episodes.push(await deployment.play(asks));
  for (const episode of episodes) await untilEpisode(episode, ({ status }) => status === 'waiting');
  for (const episode of episodes) await forget(episode);
  const looking = (api = await startApi(deployment));
  const alert = await until({ what: 'the alert', duration_ms_max: 60_000, attempt: findAlert });
  expect(alert.subject).toBe(deployment.config.temporal.namespace);
  expect(alert.message).toContain(`${EPISODES} of ${EPISODES} open episodes`);
  for (const episode of episodes) expect(await read(episode)).toMatchObject({ status: 'waiting', ended_at: null });

  // Whoever knows that they are lost says so of each; the few that are left then are what a deletion leaves.
  const lost = { status: 'failed', terminal_reason: 'WORKFLOW_LOST' };
  for (const episode of episodes.slice(0, 2)) {
    expect(await looking.run(['episodes', 'cancel', episode.id])).toMatchObject({ code: 0 });
    expect(await untilEpisode(episode, ({ ended_at }) => ended_at !== null)).toMatchObject(lost);
  }
  for (const episode of episodes)
    expect(await untilEpisode(episode, ({ ended_at }) => ended_at !== null)).toMatchObject(lost);
  const isOver = async () => ((await findAlert()) ? undefined : true);
  await until({ what: 'the end of the alert', duration_ms_max: 60_000, attempt: isOver });
});

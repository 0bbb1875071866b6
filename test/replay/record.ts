// npm run fixtures: plays one episode of each kind on real servers and keeps the history of each of its runs in
// test/replay/histories. A history that is there already stays: those of old code are what proves that new code goes on with
// what is open. `--again` records all anew, for a change of the workflows that no deployment can have open runs of.
import { randomUUID } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { insertEpisode } from '../../src/db/append/episodes.ts';
import { getEpisode } from '../../src/db/read/episodes.ts';
import { demoRequest } from '../../src/cli/demo-inputs.ts';
import { cacheFolder, processEnvironment } from '../../src/config/config.ts';
import { startServers } from '../../src/embedded/stack.ts';
import { until } from '../../src/embedded/until.ts';
import { writeFixture } from '../../src/runtime/replay/fixture.ts';
import { StartEpisode } from '../../src/schemas/episode.ts';
import type { Episode } from '../../src/schemas/episode.ts';
import { aftercareIdOf } from '../../src/workflows/names.ts';
import { call, createDeployment } from '../support/deployment.ts';
import type { Deployment, Line } from '../support/deployment.ts';
import { stepsOf } from '../support/record.ts';
import { HISTORIES } from './histories.ts';
import { answerStep, pauseEpisode, sendMessage } from '../support/people.ts';

const READY_MS_MAX = 120_000;
const look: Line = { calls: [call('list_files', {})] };
const pause: Line = { calls: [call('execute_command', { command: 'sleep 2' })] };

/** Plays one episode; resolves with the workflow whose history is to be kept, when it has ended. */
type Play = (deployment: Deployment) => Promise<Pick<Episode, 'workflow_id'>>;

const PLAYS: Record<string, Play> = {
  approved: async (deployment) => {
    const { request, files } = await demoRequest();
    const episode = await deployment.accept(request, Object.fromEntries(files.map((one) => [one.path, one.content])));
    await deployment.workflows.startEpisode(episode);
    return ended(deployment, episode);
  },
  rejected: async (deployment) => {
    const rejection = call('finish', { decision: 'REJECTED', reason: 'no', review_path: '/no.md' });
    const said = [
      { ...look, text: '' },
      { text: '', calls: [call('write_file', { path: '/no.md', content: 'no' })] },
    ];
    return started(deployment, { lines: [...said, { text: '', calls: [rejection] }] });
  },
  'out-of-budget': async (deployment) => {
    const budgets = { steps: 4, tokens: 100_000, usd: 1, wall_s: 600 };
    return ended(
      deployment,
      await deployment.play(
        Array.from({ length: 5 }, () => look),
        { budgets },
      ),
    );
  },
  'agent-stuck': async (deployment) => started(deployment, { lines: [1, 2, 3, 4].map(() => ({ text: 'Well…' })) }),
  cancelled: async (deployment) => {
    const episode = await deployment.play([{ calls: [call('execute_command', { command: 'sleep 60' })] }, look]);
    await untilStep(deployment, episode, 2);
    await deployment.workflows.cancelEpisode(episode);
    return ended(deployment, episode);
  },
  paused: async (deployment) => {
    const episode = await deployment.play([pause, look]);
    await untilStep(deployment, episode, 2);
    await pauseEpisode(deployment, episode, { text: 'lunch' });
    await untilHuman(deployment, episode);
    await deployment.workflows.resumeEpisode(episode, { author: 'ada' });
    return ended(deployment, episode);
  },
  steered: async (deployment) => {
    const episode = await deployment.play([pause, look]);
    await untilStep(deployment, episode, 2);
    await sendMessage(deployment, episode, { text: 'mind the corridor' });
    return ended(deployment, episode);
  },
  answered: playAnswered,
  // The same, since people's words are rows that the history refers to, and time is spent by work on record.
  'answered-by-reference': playAnswered,
  retried: async (deployment) => {
    const episode = await deployment.play([look, { calls: [call('execute_command', { command: 'sleep 3' })] }]);
    await untilStep(deployment, episode, 4);
    await deployment.killWorkers();
    await deployment.startWorker();
    return ended(deployment, episode);
  },
  reset: async (deployment) => {
    const episode = await deployment.play([look, look, pause, look]);
    await untilStep(deployment, episode, 6);
    await resetAfterThought(deployment, episode);
    return ended(deployment, episode);
  },
  'continued-as-new': async (deployment) => {
    const lines = Array.from({ length: 12 }, () => ({ ...look, text: '' }));
    return started(deployment, { lines: [...lines, ...APPROVAL], history_events_max: 80 });
  },
  forked: async (deployment) => {
    const { id, budgets } = await ended(deployment, await deployment.play([look, look, look]));
    const { namespace } = deployment.config.temporal;
    const request = StartEpisode.parse({
      task: 'a fork',
      agent: 'single_engineer',
      model: 'scripted:transcript',
      budgets,
    });
    const ancestry = { parent_episode_id: id, forked_from_seq: 3, recorded_until: null };
    const { episode } = await insertEpisode(deployment.database.db, {
      request,
      // A place within a thought whose call is left to run, and a word that is said there.
      ancestry: { generation_kind: 'fork', ...ancestry, message: { author: 'ada', text: 'mind the corridor' } },
      namespace,
      idempotency_key: null,
      code_version: null,
    });
    await deployment.workflows.startEpisode(episode);
    return ended(deployment, episode);
  },
  // Of the code that audited only; `archived` is the aftercare that keeps histories too.
  aftercare: archived,
  archived,
};

/** Asks a person, and has a call approved by one. */
async function playAnswered(deployment: Deployment): Promise<Pick<Episode, 'workflow_id'>> {
  const question = call('ask_person', { question: 'Which one?', choices: ['left', 'right'] });
  const lines = [{ calls: [question] }, { calls: [call('execute_command', { command: 'true' })] }];
  const episode = await deployment.play(lines, { approvals: { execute_command: 'ask' } });
  const asked = await untilHuman(deployment, episode);
  await answer(deployment, episode, asked);
  await answer(deployment, episode, await untilHuman(deployment, episode, asked));
  return ended(deployment, episode);
}

/** Plays an episode; resolves with the workflow that cared for it. */
async function archived(deployment: Deployment): Promise<Pick<Episode, 'workflow_id'>> {
  const { id } = await ended(deployment, await deployment.play([look]));
  const { run_id } = await getEpisode(deployment.database.db, id);
  return ended(deployment, { workflow_id: aftercareIdOf(id, run_id ?? '') });
}

const APPROVAL: Line[] = [
  { text: '', calls: [call('write_file', { path: '/review.md', content: 'checked' })] },
  { text: '', calls: [call('finish', { decision: 'APPROVED', reason: 'done', review_path: '/review.md' })] },
];

/** Starts an episode that says exactly these lines, and waits for its end. */
async function started(
  deployment: Deployment,
  { lines, history_events_max = 4_000 }: { lines: Line[]; history_events_max?: number },
): Promise<Episode> {
  const transcript = JSON.stringify({ lines: { engineer: lines } });
  const request = { agent: 'single_engineer', model: 'scripted:transcript' };
  const episode = await deployment.accept(request, { '/transcript.json': transcript });
  await deployment.workflows.client.workflow.start('EpisodeWorkflow', {
    workflowId: episode.workflow_id,
    taskQueue: `${deployment.config.temporal.task_queue_prefix}episodes`,
    args: [{ episode_id: episode.id, budgets: episode.budgets, history_events_max }],
  });
  return ended(deployment, episode);
}

async function ended<T extends Pick<Episode, 'workflow_id'>>({ workflows }: Deployment, episode: T): Promise<T> {
  // However it ends: what counts is its history.
  await workflows.client.workflow
    .getHandle(episode.workflow_id)
    .result()
    .catch(() => {});
  return episode;
}

const untilStep = (deployment: Deployment, { id }: Episode, seq: number) =>
  until({
    what: `step ${seq}`,
    duration_ms_max: READY_MS_MAX,
    attempt: async () => (await stepsOf(deployment, id)).find((step) => step.seq === seq),
  });

/** The number of the step, later than `after`, that waits for a person. */
const untilHuman = (deployment: Deployment, { id }: Episode, after = 0) =>
  until({
    what: 'a step that waits for a person',
    duration_ms_max: READY_MS_MAX,
    attempt: async () => {
      const steps = await stepsOf(deployment, id);
      return steps.find(({ kind, status, seq }) => kind === 'human' && status === 'running' && seq > after)?.seq;
    },
  });

const answer = (deployment: Deployment, episode: Episode, step: number) =>
  answerStep(deployment, episode, { step, text: 'left' });

/** Cuts the run after its second completed task, as `temporal workflow reset` does. */
async function resetAfterThought({ workflows, config }: Deployment, { workflow_id }: Episode): Promise<void> {
  const handle = workflows.client.workflow.getHandle(workflow_id);
  const { events } = await handle.fetchHistory();
  const completed = (events ?? []).filter((event) => event.workflowTaskCompletedEventAttributes);
  const workflowTaskFinishEventId = completed[3]?.eventId;
  if (!workflowTaskFinishEventId) throw new Error('the run is too short to be reset');
  await workflows.client.workflowService.resetWorkflowExecution({
    namespace: config.temporal.namespace,
    workflowExecution: { workflowId: workflow_id },
    reason: 'a fixture',
    workflowTaskFinishEventId,
    requestId: randomUUID(),
  });
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { again: { type: 'boolean', default: false } },
});
const kept = new Set(await readdir(HISTORIES).catch(() => []));
const wanted = Object.entries(PLAYS).filter(
  ([kind]) => (positionals.length === 0 || positionals.includes(kind)) && (values.again || !kept.has(`${kind}.json`)),
);
const env = processEnvironment();
const home = await mkdtemp(join(tmpdir(), 'observatory-fixtures-'));
const cache = cacheFolder(env);
const servers = await startServers({ home, env: {}, log: () => {}, cache, ports: 'any' });
try {
  await using deployment = await createDeployment(servers.env);
  await deployment.startWorker();
  for (const [kind, play] of wanted) {
    const episode = await play(deployment);
    for (const file of await writeFixture(deployment.workflows.client, { episode, folder: HISTORIES, name: kind }))
      console.log(file);
  }
} finally {
  await servers.stop();
  await rm(home, { recursive: true, force: true });
}

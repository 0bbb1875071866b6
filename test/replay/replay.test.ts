/**
 * Goal: the workflow code of today goes on with what the code of yesterday began. Method: golden histories, recorded once and
 * kept, each named for what it proves, are replayed against the code as it stands; no server is needed. Where a change cannot
 * be additive, `patched()` keeps the old ones replaying: recording them again would prove nothing.
 */
import { readdir, readFile, readlink, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { History } from '@temporalio/common/lib/proto-utils.js';
import { beforeAll, expect, test } from 'vitest';
import { correspondencesOf, renderCorrespondence } from '../../src/runtime/replay/correspondence.ts';
import { parseHistory } from '../../src/runtime/replay/history-events.ts';
import { redactHistory } from '../../src/runtime/replay/fixture.ts';
import { openReplayStream } from '../../src/runtime/replay/replay-stream.ts';
import { quietRuntime, replayHistories } from '../../src/runtime/replay/replay.ts';
import { buildWorkflowBundle } from '../../src/runtime/temporal/workflow-bundle.ts';
import type { WorkflowBundle } from '../../src/runtime/temporal/workflow-bundle.ts';
import { sentenceOf } from '../../src/schemas/replay.ts';
import type { Replay } from '../../src/schemas/replay.ts';
import { HISTORIES, KNOWN_BAD, TEST_HOME } from './histories.ts';

const KINDS = [
  'aftercare',
  'agent-stuck',
  'answered',
  'answered-by-reference',
  'approved',
  'archived',
  'cancelled',
  'continued-as-new',
  'forked',
  'out-of-budget',
  'paused',
  'rejected',
  'reset',
  'retried',
  'steered',
];

const golden = new Map<string, string>();
let bundle: WorkflowBundle;

beforeAll(async () => {
  quietRuntime();
  // Bundling takes seconds: a bundle of the same sources is used again.
  bundle = await buildWorkflowBundle(join(TEST_HOME, 'cache'));
  for (const name of (await readdir(HISTORIES)).toSorted())
    golden.set(basename(name, '.json'), await readFile(join(HISTORIES, name), 'utf8'));
}, 60_000);

/** Replays histories with the code of a bundle, the project's own unless another is given. */
async function replay(histories: History[], by = bundle): Promise<Replay[]> {
  return Array.fromAsync(replayHistories(by, histories));
}

const historyOf = (name: string): History => parseHistory(golden.get(name) ?? '{}');

/** The first events of a history, up to the `count`th that has these attributes. */
function cut(history: History, attributes: keyof NonNullable<History['events']>[number], count: number): History {
  const events = history.events ?? [];
  const ends = events.filter((event) => event[attributes]);
  return { events: events.slice(0, events.indexOf(ends[count - 1] ?? {}) + 1) };
}

test('there is a golden history of each kind of run', () => {
  expect([...golden.keys()]).toEqual(expect.arrayContaining(KINDS));
});

test('every golden history replays, task for task', async () => {
  const replays = await replay([...golden.values()].map(parseHistory));
  const sentences = [...golden.keys()].map((name, index) => `${name}: ${replays[index]?.verdict}`);
  expect(sentences).toEqual([...golden.keys()].map((name) => `${name}: deterministic`));
  for (const { workflow_tasks, replayed_tasks, uncovered } of replays) {
    expect(replayed_tasks).toBe(workflow_tasks);
    expect(uncovered).toBeNull();
  }
});

test('a known-bad history fails, and the place where it parts from the code is named', async () => {
  const texts = await Promise.all((await readdir(KNOWN_BAD)).map((name) => readFile(join(KNOWN_BAD, name), 'utf8')));
  const [bad] = await replay(texts.map(parseHistory));
  expect(bad && sentenceOf(bad)).toMatch(
    /^NONDETERMINISM at event 93: history ActivityTaskScheduled\(simulate\), code ActivityTaskScheduled\(callTool\) \(15\/21 /,
  );
});

test('activities that a change of the code puts in another order are caught and named', async () => {
  const code = await readFile(bundle.codePath, 'utf8');
  const changed = code.replace(
    '{ beginEpisode, endEpisode }',
    '{ beginEpisode: endEpisode, endEpisode: beginEpisode }',
  );
  expect(changed).not.toBe(code);
  const codePath = join(TEST_HOME, `changed-${process.pid}.js`);
  await writeFile(codePath, changed);
  const [bad] = await replay([historyOf('rejected')], { codePath, build: 'changed' });
  await rm(codePath);
  expect(bad && sentenceOf(bad)).toMatch(
    /^NONDETERMINISM at event 5: history ActivityTaskScheduled\(beginEpisode\), code ActivityTaskScheduled\(endEpisode\)/,
  );
});

test('a history that ends otherwise than the code ends it does not pass', async () => {
  const history = historyOf('rejected');
  const last = history.events?.at(-1);
  const completed = last?.workflowExecutionCompletedEventAttributes?.workflowTaskCompletedEventId;
  const failed = { workflowTaskCompletedEventId: completed ?? null, failure: { message: 'no' } };
  const { workflowExecutionCompletedEventAttributes: _, ...rest } = last ?? {};
  const end = { ...rest, eventType: 3, workflowExecutionFailedEventAttributes: failed };
  const [bad] = await replay([{ events: [...(history.events?.slice(0, -1) ?? []), end] }]);
  expect(bad).toMatchObject({ verdict: 'nondeterministic', mismatch: { code: 'WorkflowExecutionCompleted' } });
});

test('a history whose tasks only ever failed does not pass: nothing was compared', async () => {
  const started = cut(historyOf('rejected'), 'workflowTaskStartedEventAttributes', 1);
  const events = started.events ?? [];
  const failed = {
    eventId: 4 as never,
    eventType: 9,
    workflowTaskFailedEventAttributes: { scheduledEventId: 2 as never, startedEventId: 3 as never },
  };
  const [none] = await replay([{ events: [...events, failed] }]);
  expect(none).toMatchObject({ verdict: 'unreplayable', workflow_tasks: 0, replayed_tasks: 0 });
  expect(none && sentenceOf(none)).toMatch(/no task completed \(1 failed\): there is nothing to compare/);
});

test('an open run is deterministic as far as it is known, and its unfinished task is named', async () => {
  const open = cut(historyOf('rejected'), 'workflowTaskStartedEventAttributes', 6);
  const [verdict] = await replay([open]);
  expect(verdict).toMatchObject({ verdict: 'deterministic', workflow_tasks: 5, replayed_tasks: 5 });
  expect(verdict && sentenceOf(verdict)).toMatch(/5\/5 workflow tasks, .* \(the task of event \d+ had not completed/);
});

test('one stream replays what is asked of it, side by side and after a history that fails', async () => {
  await using replays = openReplayStream(bundle);
  const good = historyOf('rejected');
  const bad = parseHistory(await readFile(join(KNOWN_BAD, (await readdir(KNOWN_BAD))[0] ?? ''), 'utf8'));
  await expect(replays.replay({ events: [] })).rejects.toMatchObject({ code: 'invalid_argument' });
  const verdicts = await Promise.all([good, bad, good].map((history) => replays.replay(history)));
  expect(verdicts.map(({ verdict }) => verdict)).toEqual(['deterministic', 'nondeterministic', 'deterministic']);
});

test('a replay opens no network socket', async () => {
  const before = await sockets();
  const seen = new Set<string>();
  const looks: Promise<void>[] = [];
  const look = async () => (await sockets()).forEach((socket) => seen.add(socket));
  const onActivation = () => void looks.push(look());
  await Array.fromAsync(replayHistories(bundle, [historyOf('approved')], { onActivation }));
  await Promise.all(looks);
  expect(looks.length).toBeGreaterThan(70);
  const opened = [...seen].filter((socket) => !before.includes(socket));
  expect(opened.filter((socket) => network.has(socket))).toEqual([]);
});

const network = new Set<string>();

/** The inodes of this process's sockets; those of the network are noted, whoever opened them. */
async function sockets(): Promise<string[]> {
  for (const table of ['tcp', 'tcp6', 'udp', 'udp6']) {
    const text = await readFile(`/proc/self/net/${table}`, 'utf8').catch(() => '');
    for (const line of text.split('\n').slice(1)) network.add(line.trim().split(/\s+/)[9] ?? '');
  }
  const links = (await readdir('/proc/self/fd')).map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => ''));
  return (await Promise.all(links)).flatMap((link) => /^socket:\[(\d+)\]$/.exec(link)?.[1] ?? []);
}

test('each step is found in history: superstep, checkpoint, step, event', () => {
  const rows = correspondencesOf(historyOf('continued-as-new'));
  const thoughts = rows.filter(({ activity }) => activity === 'advance');
  expect(thoughts.map(({ superstep }) => superstep)).toEqual(thoughts.map((_, index) => index + 1));
  for (const [index, { next_checkpoint }] of thoughts.slice(0, -1).entries())
    expect(thoughts[index + 1]?.checkpoint).toBe(next_checkpoint);
  const steps = rows.flatMap(({ step }) => step ?? []);
  expect(steps).toEqual(steps.map((_, index) => (steps[0] ?? 0) + index));
  expect(rows.map(renderCorrespondence).join('\n')).toMatch(
    /event +\d+ {2}superstep +2 {2}step +\d+ {2}callTool +checkpoint [0-9a-f-]{36}/,
  );
});

test('a golden history tells no machine, person or word', () => {
  const said = Buffer.from(
    JSON.stringify({
      author: 'ada',
      text: 'mind /srv/ada/plan',
      queue: 'workspace-pc-of-ada-1-ab',
      task_line: 'for ada',
    }),
  );
  const task = Buffer.from('"for ada"').toString('base64');
  const started = {
    identity: '77@pc-of-ada',
    input: { payloads: [{ metadata: { encoding: 'anNvbg==' }, data: said.toString('base64') }] },
    searchAttributes: { indexedFields: { EpisodeTask: { metadata: { encoding: 'anNvbg==' }, data: task } } },
  };
  const failed = {
    failure: { message: 'at pc-of-ada', stackTrace: 'at /srv/ada/x.ts' },
    identity: 'pc-of-ada-77-0ab1',
  };
  const event = { eventId: '1', userMetadata: { summary: 'ada' }, a: started, b: failed };
  const told = redactHistory(JSON.stringify({ events: [event] })).replaceAll(/"data":"([^"]*)"/g, (_, data: string) =>
    Buffer.from(data, 'base64').toString(),
  );
  expect(told).not.toMatch(/\bada\b|srv|mind/);
  expect(told).toContain('"queue":"workspace-machine-1-ab"');
});

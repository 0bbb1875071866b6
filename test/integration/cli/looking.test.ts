/**
 * Looking at episodes from the command line, and being asked: real API and worker processes over real servers. What is
 * looked at is an episode in which a command fails, and one that waits for a person.
 */
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { call, createDeployment } from '../../support/deployment.ts';
import type { Deployment, Line } from '../../support/deployment.ts';
import { untilRow } from '../../support/record.ts';
import { startApi } from '../../support/api-process.ts';
import type { ApiProcess } from '../../support/api-process.ts';

/** A JSON answer as the tests look at it: what it must be, they expect. */
// oxlint-disable-next-line typescript/no-explicit-any
type Loose = any;

let deployment: Deployment;
let api: ApiProcess;
let dir: string;
let failing: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'observatory-looking-'));
  deployment = await createDeployment();
  await deployment.startWorker();
  api = await startApi(deployment);
  failing = await start([{ calls: [FAILS] }, { calls: [REVIEW] }, { calls: [FINISH] }], '--tag', 'first');
  await untilStatus(failing, 'completed');
});
afterAll(async () => {
  await api[Symbol.asyncDispose]();
  await deployment[Symbol.asyncDispose]();
  await rm(dir, { recursive: true, force: true });
});

const FAILS = call('read_file', { path: '/nowhere.md' });
const REVIEW = call('write_file', { path: '/review.md', content: 'I looked.\nIt \u001b[31mholds\u001b[0m.' });
const FINISH = call('finish', { decision: 'APPROVED', reason: 'it is done', review_path: '/review.md' });

async function start(lines: Line[], ...more: string[]): Promise<string> {
  const file = join(dir, 'transcript.json');
  await writeFile(file, JSON.stringify({ lines: { engineer: lines.map((line) => ({ text: '', ...line })) } }));
  const task = ['--task', 'Turn the paddle'];
  const args = ['episodes', 'start', ...task, '--agent', 'single_engineer', '--transcript', file, '--json', ...more];
  return (await json(args)).id;
}

async function json(args: string[]): Promise<Loose> {
  const { code, out, err } = await api.run(args.includes('--json') ? args : [...args, '--json']);
  expect({ code, err }).toEqual({ code: 0, err: '' });
  return JSON.parse(out);
}

async function text(args: string[]): Promise<string> {
  const { code, out, err } = await api.run(args);
  expect({ code, err }).toEqual({ code: 0, err: '' });
  return out;
}

const untilStatus = (id: string, status: string) =>
  untilRow(deployment, async () => {
    const row = await deployment.database.db
      .selectFrom('episodes')
      .select('status')
      .where('id', '=', id)
      .executeTakeFirst();
    return row?.status === status ? row : undefined;
  });

test('an episode is named by the beginning of its id, by latest, and by nothing that fits several', async () => {
  // The last 12 digits are random: of two ids one differs from the other there at the latest.
  expect((await json(['episodes', 'show', failing.slice(0, 30)])).id).toBe(failing);
  expect((await json(['episodes', 'show', failing.replaceAll('-', '').slice(0, 20)])).id).toBe(failing);
  const second = await start([{ calls: [REVIEW] }, { calls: [FINISH] }], '--tag', 'second');
  expect((await json(['episodes', 'show', 'latest'])).id).toBe(second);
  const several = await api.run(['episodes', 'show', failing.slice(0, 2)]);
  expect(several.code).toBe(1);
  for (const id of [failing, second]) expect(several.err).toContain(`\n  ${id}  `);
  expect((await api.run(['episodes', 'show', 'ffff'])).err).toBe('observatory: No episode’s id begins with ffff.\n');
  expect((await api.run(['episodes', 'cancel', 'xyz'])).err).toContain('xyz is no id of an episode');
  await untilStatus(second, 'completed');
});

test('show says with what a step failed, and all of one step when asked for it', async () => {
  const shown = await text(['episodes', 'show', failing]);
  const { steps } = await json(['episodes', 'show', failing]);
  const failed = steps.find(({ status }: Loose) => status === 'error');
  expect(shown).toContain(`  Step ${failed.seq}, read_file of engineer:\n      ${failed.error.code}: `);
  const one = await text(['episodes', 'show', failing, '--step', String(failed.seq)]);
  expect(one).toMatch(new RegExp(`^Step: +${failed.seq}: tool_call read_file of engineer$`, 'm'));
  expect(one).toContain('path: /nowhere.md');
  expect(one).toContain(`Failure: ${failed.error.code}: `);
  expect(one).toMatch(/^Tries:\n {2}1 {2}error {2}\S+ {2}/m);
  expect((await json(['episodes', 'show', failing, '--step', '1'])).attempts).toHaveLength(1);
  const none = await api.run(['episodes', 'show', failing, '--step', '99']);
  expect(none).toMatchObject({ code: 1, err: expect.stringContaining('no step 99') });
});

test('control characters that an agent wrote are shown and not obeyed', async () => {
  const { steps } = await json(['episodes', 'show', failing]);
  const wrote = steps.find(({ name }: Loose) => name === 'write_file');
  const one = await text(['episodes', 'show', failing, '--step', String(wrote.seq)]);
  expect(one).not.toContain('\u001b');
  expect(one).toMatch(/␛\[31mholds|\\e\[31mholds/);
});

test('files are listed, and one is got whole by its path or the end of it', async () => {
  const { items } = await json(['episodes', 'files', 'list', failing, '--role', 'output']);
  const review = items.find(({ path }: Loose) => path === '/review.md');
  expect(await text(['episodes', 'files', 'list', failing])).toMatch(/ output .* \/review\.md$/m);
  const out = join(dir, 'got.md');
  await text(['episodes', 'files', 'get', failing, 'review.md', '--out', out]);
  const bytes = await readFile(out);
  expect(bytes.toString()).toBe(REVIEW.args['content']);
  expect(createHash('sha256').update(bytes).digest('hex')).toBe(review.sha256);
  expect(await text(['episodes', 'files', 'get', failing, '/review.md', '--out', '-'])).toBe(bytes.toString());
  const none = await api.run(['episodes', 'files', 'get', failing, 'nothing.stl']);
  expect(none).toMatchObject({ code: 1, err: expect.stringContaining('files list') });
});

test('two episodes are compared step by step, and the first that differs is named', async () => {
  const same = await api.run(['episodes', 'diff', failing, failing]);
  expect(same).toMatchObject({ code: 0, out: expect.stringContaining('steps are the same') });
  const other = await start([{ calls: [FAILS] }, { text: 'Hm.', calls: [REVIEW] }, { calls: [FINISH] }]);
  await untilStatus(other, 'completed');
  const { code, out } = await api.run(['episodes', 'diff', failing, other, '--json']);
  const { first, steps } = JSON.parse(out);
  expect(code).toBe(1);
  expect(steps[first]).toMatchObject({ a: { seq: 3 }, b: { seq: 3 }, differs: ['output'] });
  const told = (await api.run(['episodes', 'diff', failing, other])).out;
  expect(told).toContain('step 3: thought think of engineer\n  output\n');
});

test('words are found, outcomes counted, and addresses told', async () => {
  const found = await json(['search', '--kind', 'episode', 'paddle']);
  expect(found.items.map(({ episode_id }: Loose) => episode_id)).toContain(failing);
  expect(await text(['search', 'paddle', 'turn'])).toContain(failing);
  expect(await text(['search', 'a-word-that-nobody-wrote'])).toBe('Nothing was found.\n');
  expect(await json(['statistics', '--tag', 'first'])).toMatchObject({ episodes: 1, by_outcome: { APPROVED: 1 } });
  const told = await text(['statistics', '--tag', 'first']);
  expect(told).toContain('Episodes: 1: 1 completed\nOutcomes: 1 APPROVED\nApproved: 100.0 %');
  const places = await json(['episodes', 'open', failing]);
  expect(places.page).toMatch(new RegExp(`/episodes/${failing}$`));
  expect(await text(['episodes', 'open', failing, '--print'])).toContain(places.page);
});

test('schedules are listed, wait, run again and run now, each under the name of who did it', async () => {
  const { items } = await json(['schedules', 'list']);
  const point = items.find(({ id }: Loose) => id.endsWith('restore-point')).id;
  await text(['schedules', 'pause', point]);
  const listed = await json(['schedules', 'list']);
  expect(listed.items.find(({ id }: Loose) => id === point)).toMatchObject({
    paused: true,
    note: expect.stringContaining('Paused by Ada'),
  });
  expect(await text(['schedules', 'resume', point])).toBe(`Schedule ${point} runs by itself again.\n`);
  const watch = items.find(({ id }: Loose) => id.endsWith('recovery-watch')).id;
  expect(await json(['schedules', 'run', watch])).toMatchObject({ id: watch, paused: false });
  const wrong = await api.run(['schedules', 'run', 'nonsense']);
  expect(wrong).toMatchObject({ code: 1, err: expect.stringContaining(point) });
});

test('who is asked sees the question, or the call with its arguments, and the command that answers', async () => {
  const question = call('ask_person', { question: 'Which tray?', choices: ['left', 'right'] });
  const id = await start(
    [{ calls: [question] }, { calls: [REVIEW] }, { calls: [FINISH] }],
    '--approval',
    'write_file=ask',
  );
  await untilStatus(id, 'waiting');
  const answer = `observatory episodes answer ${id} --step 2 "the answer"`;
  const asked = [`Step 2 waits for a person's answer.`, 'Which tray?', '- left', '- right', answer];
  const [shown, events, one] = await Promise.all([
    text(['episodes', 'show', id]),
    text(['episodes', 'events', id]),
    text(['episodes', 'show', id, '--step', '2']),
  ]);
  for (const words of asked) for (const view of [shown, events]) expect(view).toContain(words);
  expect(one).toContain(answer);
  const alertsOf = async () =>
    (await fetchJson('/v1/alerts')).items.filter(({ name }: Loose) => name === 'person_asked');
  const [alert] = await untilRow(deployment, async () => ((await alertsOf()).length > 0 ? alertsOf() : undefined));
  for (const words of asked) expect(alert.message).toContain(words);
  expect(alert.facts).toMatchObject({ episode_id: id, step: '2', answer_with: answer });

  await text(['episodes', 'answer', id, 'left']);
  const approval = await untilRow(deployment, async () =>
    deployment.database.db
      .selectFrom('steps')
      .select('seq')
      .where('episode_id', '=', id)
      .where('name', '=', 'approval')
      .where('status', '=', 'running')
      .executeTakeFirst(),
  );
  const then = await text(['episodes', 'show', id]);
  for (const words of [
    'may write_file be run?',
    'path: /review.md',
    'It ␛[31mholds',
    `approve ${id} --step ${approval.seq}`,
  ])
    expect(then).toContain(words);
  await text(['episodes', 'approve', id]);
  await untilStatus(id, 'completed');
  expect(await alertsOf()).toEqual([]);
  const tail = await text(['episodes', 'tail', id]);
  for (const words of asked) expect(tail).toContain(words);
});

test('a fork’s logs and events begin with its parent’s of the steps that both have, page by page', async () => {
  const words = [{ text: 'I read.', calls: [FAILS] }, { text: 'I write.', calls: [REVIEW] }, { calls: [FINISH] }];
  const parent = await start(words);
  await untilStatus(parent, 'completed');
  const { id } = await json(['episodes', 'fork', parent, '--step', '3']);
  await untilStatus(id, 'completed');
  const linesOf = async (of: string) => (await json(['episodes', 'logs', of])).items;
  const [of_parent, of_fork] = [await linesOf(parent), await linesOf(id)];
  expect(of_parent.map(({ text: said }: Loose) => said)).toContain('I read.');
  const shared = of_parent.filter(({ seq }: Loose) => seq !== null && seq <= 3);
  expect(of_fork.slice(0, shared.length)).toEqual(shared);
  expect(of_fork.slice(shared.length).every(({ seq }: Loose) => seq === null || seq > 3)).toBe(true);

  const paged: Loose[] = [];
  for (let cursor = ''; ;) {
    const page = await fetchJson(`/v1/episodes/${id}/logs?limit=1${cursor && `&cursor=${cursor}`}`);
    paged.push(...page.items);
    if (page.next_cursor === null) break;
    cursor = page.next_cursor;
  }
  expect(paged).toEqual(of_fork);
  expect(await json(['episodes', 'logs', id, '--step', '1'])).toEqual(
    await json(['episodes', 'logs', parent, '--step', '1']),
  );

  const eventsOf = async (of: string) => (await json(['episodes', 'events', of])).items;
  const before = (await eventsOf(parent)).filter(({ seq }: Loose) => seq <= 3);
  expect(before.length).toBeGreaterThan(0);
  expect((await eventsOf(id)).slice(0, before.length)).toEqual(before);
});

test('a re-run’s logs tell what was taken from the record', async () => {
  const { id } = await json(['episodes', 'rerun', failing, '--recorded-until', '2']);
  await untilStatus(id, 'completed');
  const { items } = await json(['episodes', 'logs', id]);
  const told = items.filter(({ text: said }: Loose) => said.includes('the recorded one'));
  expect(told.map(({ seq, text: said }: Loose) => [seq, said])).toEqual(
    [1, 2].map((seq) => [
      seq,
      `the answer is the recorded one of step ${seq} of episode ${failing}: nothing was asked or run`,
    ]),
  );
});

test('what an agent or a script cannot do without is asked for when the episode is started', async () => {
  const bare = await api.run(['episodes', 'start', '--task', 'Say hello']);
  expect(bare.code).toBe(1);
  expect(bare.err).toContain(
    'body /inputs: has no /benchmark_definition.yaml, which the agent mechanism_engineer needs',
  );
  const silent = await api.run([
    'episodes',
    'start',
    '--task',
    'x',
    '--agent',
    'single_engineer',
    '--model',
    'scripted:transcript',
  ]);
  expect(silent.err).toContain('body /inputs: has no /transcript.json, which the model scripted:transcript needs');
  const other = join(dir, 'benchmark_definition.yaml');
  await writeFile(other, 'version: 1\n');
  const mine = await api.run(['episodes', 'start', '--task', 'x', '--input', `/benchmark_definition.yaml=${other}`]);
  expect(mine.err).toContain('body /model: the script sideways-transfer was written for examples/sideways-transfer/');
  const alone = await api.run([
    'episodes',
    'start',
    '--task',
    'x',
    '--agent',
    'single_engineer',
    '--model',
    'scripted',
  ]);
  expect(alone.err).toContain('body /agent: the script sideways-transfer was written for');
});

async function fetchJson(path: string): Promise<Loose> {
  const answer = await fetch(`${api.env['OBSERVATORY_URL']}${path}`, {
    headers: { authorization: `Bearer ${api.env['OBSERVATORY_API_KEY']}` },
  });
  return answer.json();
}

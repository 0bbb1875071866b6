// What a running thought says, told by every process of the API as it comes: on real servers, with a worker whose model says half
// of its answer and waits.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { tellLive } from '../../../src/activities/episode/live-words.ts';
import type { StreamFrame } from '../../../src/api/routes/stream.ts';
import { createClient } from '../../../src/client/client.ts';
import { followStream } from '../../../src/client/stream.ts';
import { listenToEpisodes } from '../../../src/db/listen.ts';
import { getStepDetail } from '../../../src/db/read/steps.ts';
import type { Words } from '../../../src/schemas/words.ts';
import { createRedactor } from '../../../src/tracing/redaction.ts';
import { startApi } from '../../support/api-process.ts';
import type { ApiProcess } from '../../support/api-process.ts';
import { createDeployment } from '../../support/deployment.ts';
import type { Deployment } from '../../support/deployment.ts';
import { until } from '../../../src/embedded/until.ts';
import { stepsOf } from '../../support/record.ts';

const SECRET = 'sk-abcdefghijklmnopqrstuvwxyz';
const REASONING = [
  'The corri',
  'dor is narrow, ',
  'and the key is sk-abcdefghij',
  'klmnopqrstuvwxyz',
  ' so I take the ',
];
const WORDS = ['I look ', 'at the ', 'files '];

/** A model that says this much, and the rest when it is let go on. */
async function startSlowModel() {
  const { promise: gate, resolve: open } = Promise.withResolvers<void>();
  const server = createServer((_, response) => {
    const say = (delta: object, finish_reason: string | null = null) =>
      response.write(`data: ${JSON.stringify({ choices: [{ index: 0, delta, finish_reason }] })}\n\n`);
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    for (const reasoning_content of REASONING) say({ reasoning_content });
    for (const content of WORDS) say({ content });
    const goOn = async () => {
      await gate;
      say({ content: 'first.' });
      say({ tool_calls: [{ index: 0, id: 'a', function: { name: 'list_files', arguments: '{}' } }] });
      say({}, 'tool_calls');
      response.end('data: [DONE]\n\n');
    };
    void goOn();
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    base_url: `http://127.0.0.1:${port}/v1`,
    open,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => {
        server.close(resolve);
      });
    },
  };
}

let deployment: Deployment;
let processes: ApiProcess[];
beforeAll(async () => {
  deployment = await createDeployment();
  processes = [await startApi(deployment), await startApi(deployment)];
}, 60_000);
afterAll(async () => {
  for (const process of processes) await process[Symbol.asyncDispose]();
  await deployment[Symbol.asyncDispose]();
});

/** What was told of one kind, put together as a client does it. */
const together = (frames: readonly StreamFrame[], kind: Words['kind']) =>
  frames.reduce(
    (text, frame) => (frame.type === 'words' && frame.kind === kind ? text.slice(0, frame.from) + frame.text : text),
    '',
  );

test('words and reasoning reach the clients of every process while the thought runs, redacted, and are stored nowhere', async () => {
  await using model = await startSlowModel();
  await deployment.startWorker({ MODEL_BASE_URL: model.base_url, MODEL_NAME: 'oracle' });
  const episode = await deployment.accept({
    agent: 'single_engineer',
    model: 'default',
    budgets: { steps: 2, tokens: 1_000, usd: null, wall_s: 600 },
  });
  const heard = await Promise.all(
    processes.map(async ({ env }) => {
      const client = createClient({ url: env['OBSERVATORY_URL'] ?? '', key: env['OBSERVATORY_API_KEY'] ?? '' });
      const frames: StreamFrame[] = [];
      const over = (async () => {
        for await (const frame of followStream(client, episode.id, { signal: AbortSignal.timeout(60_000) }))
          frames.push(frame);
      })();
      return { frames, over };
    }),
  );
  await deployment.workflows.startEpisode(episode);
  await until({
    what: 'both clients hear the running thought',
    duration_ms_max: 30_000,
    attempt: () =>
      Promise.resolve(
        heard.every(
          ({ frames }) => together(frames, 'text').endsWith('files ') && together(frames, 'reasoning').endsWith('the '),
        ) || undefined,
      ),
  });
  const [running] = await stepsOf(deployment, episode.id);
  expect(running?.status).toBe('running');
  model.open();
  for (const { frames, over } of heard) {
    await over;
    expect(together(frames, 'text')).toBe('I look at the files ');
    expect(together(frames, 'reasoning')).toBe('The corridor is narrow, and the key is [redacted] so I take the ');
    expect(JSON.stringify(frames)).not.toContain(SECRET);
    const kinds = frames.flatMap((frame) =>
      frame.type === 'words' || ((frame.type === 'step_started' || frame.type === 'step_ended') && frame.step.seq === 1)
        ? frame.type
        : [],
    );
    expect([kinds[0], kinds.at(-1)]).toEqual(['step_started', 'step_ended']);
  }
  const whole = await getStepDetail(deployment.database.db, episode.id, 1);
  expect(whole.output).toMatchObject({ text: 'I look at the files first.' });
});

test('what comes faster than it can be told loses its beginning, and says where it goes on', async () => {
  const episode = await deployment.accept({ agent: 'single_engineer' });
  await using listener = listenToEpisodes(deployment.config.database_url.reveal());
  const heard: Words[] = [];
  const ready = Promise.withResolvers<void>();
  listener.subscribe(episode.id, ready.resolve, (words) => heard.push(words));
  await ready.promise; // it listens
  const step = { id: episode.id, episode_id: episode.id, seq: 1 } as Parameters<typeof tellLive>[1];
  await using live = tellLive({ db: deployment.database.db, redactor: createRedactor() }, step, 1);
  const said = Array.from({ length: 20_000 }, (_, place) => `word${place} \u0001 `).join('');
  live.hear({ kind: 'text', text: said });
  await until({
    what: 'the end is heard',
    duration_ms_max: 10_000,
    attempt: () => Promise.resolve(heard.at(-1)?.text.endsWith('word19999 \u0001 ') || undefined),
  });
  expect(heard).toHaveLength(8);
  for (const { from, text } of heard) expect(said.slice(from, from + text.length)).toBe(text);
});

test('what a deployment takes out is not told live: reasoning by its name, and words that may still become a pattern’s', async () => {
  const episode = await deployment.accept({ agent: 'single_engineer' });
  await using listener = listenToEpisodes(deployment.config.database_url.reveal());
  const heard: Words[] = [];
  const ready = Promise.withResolvers<void>();
  listener.subscribe(episode.id, ready.resolve, (words) => heard.push(words));
  await ready.promise;
  const step = { id: episode.id, episode_id: episode.id, seq: 1 } as Parameters<typeof tellLive>[1];
  const redactor = createRedactor({ keys: ['reasoning'], patterns: ['card \\d{4} \\d{4}'] });
  await using live = tellLive({ db: deployment.database.db, redactor }, step, 1);
  live.hear({ kind: 'reasoning', text: 'I think of it. ' });
  live.hear({ kind: 'text', text: `the card 1234 5678 ${'and more '.repeat(60)}card 4321 ` });
  await until({
    what: 'something is heard',
    duration_ms_max: 10_000,
    attempt: () => Promise.resolve(heard.length > 0 || undefined),
  });
  expect(heard.map(({ kind }) => kind)).toEqual(['text']);
  expect(heard[0]?.text).toMatch(/^the \[redacted\] and more /);
  expect(heard[0]?.text).not.toContain('4321');
});

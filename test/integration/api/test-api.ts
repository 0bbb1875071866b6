import { createHash, randomUUID } from 'node:crypto';
import { inject } from 'vitest';
import { createApp } from '../../../src/api/app.ts';
import type { ApiDeps } from '../../../src/api/deps.ts';
import { insertApiKey } from '../../../src/db/append/api-keys.ts';
import { insertEpisode } from '../../../src/db/append/episodes.ts';
import { listenToEpisodes } from '../../../src/db/listen.ts';
import { insertLogLines } from '../../../src/db/write/logs.ts';
import { beginStep, endStep } from '../../../src/db/write/steps.ts';
import type { StepEnd } from '../../../src/db/write/steps.ts';
import { readRecoveryStatus } from '../../../src/backup/recovery-status.ts';
import { AppError } from '../../../src/errors.ts';
import { createAgents } from '../../../src/agents/agents.ts';
import { createCatalogue } from '../../../src/runtime/catalogue.ts';
import type { ArtifactLink } from '../../../src/schemas/artifact.ts';
import { StartEpisode } from '../../../src/schemas/episode.ts';
import type { Episode } from '../../../src/schemas/episode.ts';
import { createReconstruction } from '../../../src/runtime/reconstruction.ts';
import type { StepKind } from '../../../src/schemas/step.ts';
import { loadConfig } from '../../../src/config/config.ts';
import { s3Options } from '../../../src/runtime/artifact-store.ts';
import { createS3ObjectStore } from '../../../src/storage/s3.ts';
import { createSpanFreezer } from '../../../src/tracing/spans.ts';
import { createTestDatabase } from '../../support/database.ts';

/** A JSON answer as the tests look at it: what it must be, they expect. */
// oxlint-disable-next-line typescript/no-explicit-any
export type Loose = any;

const NAMESPACE = 'test';
/** The workflow build of the API under test. */
export const BUILD = '0.0.0+test';
export const OPERATOR = 'operator-key-of-the-tests';
export const READER = 'reader-key-of-the-tests';

/** The API on a real database and object store. `started`, `cancelled`, `deleted` and `said` hold what the workflows were asked for. */
export async function createTestApi(changes: Partial<ApiDeps> = {}) {
  const database = await createTestDatabase();
  const { db } = database.client;
  const store = createS3ObjectStore(s3Options(loadConfig(inject('environment'))));
  for (const [key, role] of [
    [OPERATOR, 'operator'],
    [READER, 'reader'],
  ] as const)
    await insertApiKey(db, { name: role, role, key_sha256: sha256Of(key) });

  const started: string[] = [];
  const cancelled: string[] = [];
  const deleted: string[] = [];
  const replayed: string[] = [];
  const said: Loose[] = [];
  const logged: { facts: object; event: string }[] = [];
  const log = (facts: object, event: string) => void logged.push({ facts, event });
  const listener = listenToEpisodes(database.url);
  const app = createApp({
    db,
    requests_per_s_max: 0,
    stream_ms_max: 60_000,
    watchEpisode: (id, wake, hear) => listener.subscribe(id, wake, hear),
    stopping: new AbortController().signal,
    store,
    startEpisode: async ({ id }) => void started.push(id),
    cancelEpisode: async ({ id }) => void cancelled.push(id),
    deleteEpisode: async ({ id }) => void deleted.push(id),
    pauseEpisode: async (episode, pause) => void said.push({ what: 'pause', episode: episode.id, ...pause }),
    resumeEpisode: async ({ id }, { author }) => void said.push({ what: 'resume', episode: id, author }),
    sendMessage: async (episode, message) => void said.push({ what: 'message', episode: episode.id, ...message }),
    answerStep: async (episode, answer) => void said.push({ what: 'answer', episode: episode.id, ...answer }),
    rewindEpisode: async ({ id }, rewinding) => void said.push({ what: 'rewind', episode: id, ...rewinding }),
    startReproduction: async (id, requests) => void said.push({ what: 'reproduce', id, requests }),
    reconstruction: createReconstruction({ db, store, agents: createAgents(new Map()) }),
    catalogue: () => createCatalogue({ default: undefined, named: {}, endpoints: {} }, createAgents(new Map())),
    listSchedules: async () => [],
    steerSchedule: async (id, steering) => {
      said.push({ id, ...steering });
      return { id, present: true, paused: steering.what === 'pause', note: '', next_at: null, last_at: null };
    },
    recovery: {
      status: async () => readRecoveryStatus(db, { now_ms: Date.now(), same_endpoint: true }),
      startRestorePoint: async () => ({ workflow_id: 'restore-point-asked' }),
    },
    auditCoverage: async (audit) => {
      said.push({ what: 'audit', ...audit });
      return { workflow_id: `audit-${audit.episode_id}` };
    },
    replays: { build: BUILD, start: async ({ id }) => void replayed.push(id) },
    chooseModel: () => 'scripted',
    isPriced: () => true,
    checkRequest: ({ agent }) => {
      if (agent !== 'mechanism_engineer') throw new AppError('failed_precondition', 'no such agent');
    },
    namespace: NAMESPACE,
    code_version: 'test',
    links: {
      api_url: 'http://api.test',
      temporal_ui_url: 'http://temporal.test/',
      temporal_namespace: 'default',
      langfuse_project_url: () => 'http://langfuse.test/project/p1',
    },
    environment: 'testing',
    ready: async () => ({ database: { state: 'ok' } }),
    logger: { info: log, warn: log, error: log },
    ...changes,
  });
  const call = (path: string, init: RequestInit & { key?: string } = {}) => {
    const { key = OPERATOR, ...rest } = init;
    const headers = new Headers(rest.headers);
    if (key !== '') headers.set('authorization', `Bearer ${key}`);
    return app.request(path, { ...rest, headers });
  };
  return {
    app,
    db,
    database,
    store,
    started,
    cancelled,
    deleted,
    said,
    replayed,
    logged,
    call,
    /** Sends JSON. */
    post: (path: string, body: unknown, headers: Record<string, string> = {}) =>
      call(path, {
        method: 'POST',
        body: JSON.stringify(body),
        headers: { 'content-type': 'application/json', ...headers },
      }),
    /** Reads a JSON answer. */
    get: async (path: string) => (await call(path)).json() as Promise<Loose>,
    async [Symbol.asyncDispose]() {
      await listener[Symbol.asyncDispose]();
      await store[Symbol.asyncDispose]();
      await database[Symbol.asyncDispose]();
    },
  };
}
export type TestApi = Awaited<ReturnType<typeof createTestApi>>;

export const sha256Of = (content: string | Uint8Array) => createHash('sha256').update(content).digest('hex');

/** An accepted episode, inserted as the API does. */
export async function seedEpisode({ db }: Pick<TestApi, 'db'>, request: Partial<StartEpisode> = {}): Promise<Episode> {
  const { episode } = await insertEpisode(db, {
    request: StartEpisode.parse({ task: 'Move the ball', ...request }),
    namespace: NAMESPACE,
    idempotency_key: null,
    code_version: null,
  });
  return episode;
}

/** An ended step with its attempt, two log lines and the given files, whose bytes are stored first. */
export async function seedStep(
  api: Pick<TestApi, 'db' | 'store'>,
  episode: Pick<Episode, 'id'>,
  options: {
    seq: number;
    run_id?: string;
    step_key?: string;
    kind?: StepKind;
    files?: { path: string; content: string; role?: 'input' | 'output'; type?: string }[];
  },
): Promise<void> {
  const { seq, run_id = 'run-1', step_key = `call-model:${seq}`, kind = 'thought', files = [] } = options;
  const freezeSpan = createSpanFreezer({ namespace: NAMESPACE });
  const artifacts: ArtifactLink[] = [];
  for (const { path, content, role = 'output', type = 'text/plain; charset=utf-8' } of files) {
    const stored = await api.store.put(Buffer.from(content), { contentType: 'text/plain' });
    artifacts.push({ role, path, ...stored, content_type: type, kind: 'OTHER', clock: null });
  }
  const begun = await beginStep(api.db, {
    identity: { episode_id: episode.id, run_id, seq, parent_seq: null },
    description: {
      step_key,
      kind,
      agent: 'engineer_planner',
      node: 'agent',
      name: 'think',
      input: { messages: seq },
      model: 'scripted',
      checkpoint_id: null,
      activity_id: String(seq),
      span_id: randomUUID().replaceAll('-', '').slice(0, 16),
    },
    tryer: { worker: 'worker-1', build: 'build-1', activity_attempt: 1 },
    freezeSpan,
  });
  if (begun.state !== 'running') throw new Error('the seeded step had ended already');
  await insertLogLines(api.db, {
    episode_id: episode.id,
    step_id: begun.step.id,
    attempt: begun.attempt,
    lines: (['stdout', 'stderr'] as const).map((stream, index) => ({
      line: index + 1,
      stream,
      level: 'info',
      at: '2026-01-01T00:00:00.000000Z',
      text: `line ${index + 1} of step ${seq}`,
    })),
  });
  const end: StepEnd = {
    status: 'ok',
    output: { text: 'done' },
    error: null,
    usage: { input_tokens: 10, cached_tokens: 0, output_tokens: 5, reasoning_tokens: 0, usd: 0.001 },
    artifacts,
    workspace: null,
    search_text: null,
  };
  await endStep(api.db, { step: begun.step, attempt: begun.attempt, end, freezeSpan });
}

// Where a model's reasoning is found once its episode has ended, and that it is nowhere where the deployment takes it out: in the
// API, its stream, the bundle, the events, and what Langfuse (its stand-in) was told.
import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Pool } from 'pg';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { getEpisode } from '../../../../src/db/read/episodes.ts';
import { unzip } from '../../../../src/embedded/unzip.ts';
import { startCollector } from '../../../../src/langfuse-stand-in/server.ts';
import type { CollectorServer } from '../../../../src/langfuse-stand-in/server.ts';
import { aftercareIdOf } from '../../../../src/workflows/names.ts';
import { startApi } from '../../../support/api-process.ts';
import { createTestDatabase } from '../../../support/database.ts';
import type { TestDatabase } from '../../../support/database.ts';
import { createDeployment } from '../../../support/deployment.ts';
import { REASONING } from '../../../support/six-forms.ts';
import { startSixServers } from '../../../support/six-servers.ts';
import type { SixServers } from '../../../support/six-servers.ts';

const keys = { public_key: 'pk-lf-tests', secret_key: randomBytes(12).toString('hex') };

let servers: SixServers;
let home: TestDatabase;
let collector: CollectorServer;
let folder: string;
beforeAll(async () => {
  servers = await startSixServers();
  home = await createTestDatabase();
  collector = await startCollector({ databaseUrl: home.url, port: 0, keys });
  folder = await mkdtemp(join(tmpdir(), 'observatory-reasoning-'));
});
afterAll(async () => {
  await collector[Symbol.asyncDispose]();
  await home[Symbol.asyncDispose]();
  await servers[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

/** What an episode of a deployment with these settings left everywhere, once Langfuse has it too, as texts. */
async function leave(changes: Record<string, string>) {
  await using deployment = await createDeployment({
    ...inject('environment'),
    LANGFUSE_BASE_URL: collector.url,
    LANGFUSE_PUBLIC_KEY: keys.public_key,
    LANGFUSE_SECRET_KEY: keys.secret_key,
    MODEL_BASE_URL: servers.base_url('ollama'),
    MODEL_NAME: 'engineer',
    ...changes,
  });
  await deployment.startWorker();
  const { id, workflow_id, trace_id } = await deployment.accept({ agent: 'single_engineer', model: 'default' });
  await using api = await startApi(deployment);
  const { OBSERVATORY_URL = '', OBSERVATORY_API_KEY = '' } = api.env;
  const read = async (path: string) => {
    const headers = { authorization: `Bearer ${OBSERVATORY_API_KEY}` };
    return (await fetch(`${OBSERVATORY_URL}/v1/episodes/${id}${path}`, { headers })).text();
  };
  const stream = read('/stream'); // until it ends
  await deployment.workflows.startEpisode(await getEpisode(deployment.database.db, id));
  const handle = deployment.workflows.client.workflow.getHandle(workflow_id);
  await handle.result();
  const { runId } = await handle.describe();
  await deployment.workflows.client.workflow.getHandle(aftercareIdOf(id, runId)).result();
  const { terminal_reason } = await getEpisode(deployment.database.db, id);
  return {
    terminal_reason,
    steps: await read('/steps?limit=100'),
    stream: await stream,
    events: await read('/events?limit=100'),
    bundle: await readBundle((args) => api.run(args), id),
    langfuse: await dump(home.client.pool, trace_id),
    record: await dump(deployment.database.pool),
  };
}

async function readBundle(
  run: (args: string[]) => Promise<{ code: number; err: string }>,
  id: string,
): Promise<string> {
  const [file, to] = [join(folder, `${id}.zip`), join(folder, id)];
  const { code, err } = await run(['bundle', id, '--out', file]);
  if (code !== 0) throw new Error(`no bundle: ${err}`);
  await unzip(file, to);
  const names = await readdir(to, { recursive: true, withFileTypes: true });
  const texts = names.filter((one) => one.isFile()).map((one) => readFile(join(one.parentPath, one.name), 'utf8'));
  return (await Promise.all(texts)).join('\n');
}

/** Every row of a database that has this text, or every row, as text. */
async function dump(pool: Pool, text = ''): Promise<string> {
  const { rows: tables } = await pool.query<{ name: string }>(
    `select format('%I.%I', table_schema, table_name) as name from information_schema.tables
      where table_type = 'BASE TABLE' and table_schema not in ('pg_catalog', 'information_schema')`,
  );
  const parts = await Promise.all(
    tables.map(async ({ name }) => {
      const asked = `select coalesce(string_agg(r::text, E'\\n'), '') as rows from ${name} r where r::text like '%' || $1 || '%'`;
      return (await pool.query<{ rows: string }>(asked, [text])).rows[0]?.rows ?? '';
    }),
  );
  return parts.join('\n');
}

const wordsIn = (text: string) => REASONING.filter((said) => text.includes(said)).length;

test('the reasoning of every thought is in API, stream, events, bundle and Langfuse', async () => {
  const { terminal_reason, record: _, ...left } = await leave({});
  expect(terminal_reason).toBe('APPROVED');
  const all = REASONING.length;
  const found = Object.fromEntries(Object.entries(left).map(([name, text]) => [name, wordsIn(text)]));
  expect(found).toEqual({ steps: all, stream: all, events: all, bundle: all, langfuse: all });
}, 180_000);

test('where reasoning is taken out it is in none of them, nor in any row of the record', async () => {
  const { terminal_reason, ...left } = await leave({ OBSERVATORY_REDACT_KEYS: 'reasoning' });
  expect(terminal_reason).toBe('APPROVED');
  const found = Object.fromEntries(Object.entries(left).map(([name, text]) => [name, wordsIn(text)]));
  expect(found).toEqual({ steps: 0, stream: 0, events: 0, bundle: 0, langfuse: 0, record: 0 });
  expect(left.steps, 'what was said beside it is there').toContain('Now turn 0.');
}, 180_000);

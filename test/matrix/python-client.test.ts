/**
 * Goal: the client that openapi-python-client makes of openapi.json is whole, compiles and calls the live API; recursive JSON goes
 * there and back. Method: the generator as pinned, in a temporary folder; every warning of it is a failure; a script of a user's
 * then plays an episode on real servers.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ROOT, startApi } from '../support/api-process.ts';
import { APPROVAL, createDeployment } from '../support/deployment.ts';
import { bootServers } from '../support/servers.ts';

const PARTS = join(import.meta.dirname, 'python-client');
const run = promisify(execFile);
const opened = new AsyncDisposableStack();
let folder: string;
let python: string;
let api: Record<string, string>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'observatory-test-'));
  opened.defer(() => rm(folder, { recursive: true }));
  await run('python3', ['-m', 'venv', join(folder, 'venv')]);
  python = join(folder, 'venv/bin/python');
  const requirements = join(PARTS, 'requirements.txt');
  await run(python, ['-m', 'pip', 'install', '--quiet', '--only-binary', ':all:', '--requirement', requirements]);
  const servers = await bootServers(() => {});
  opened.defer(() => servers.stop());
  const deployment = opened.use(await createDeployment(servers.env));
  await deployment.startWorker();
  api = opened.use(await startApi(deployment)).env;
});
afterAll(() => opened.disposeAsync());

test('a client that openapi-python-client generates has every operation, compiles, and plays an episode', async () => {
  const document = join(ROOT, 'openapi.json');
  const config = join(PARTS, 'config.yml');
  const target = join(folder, 'generated');
  const options = ['--path', document, '--config', config, '--output-path', target, '--meta', 'none'];
  await run(python, ['-m', 'openapi_python_client', 'generate', ...options, '--fail-on-warning']);
  expect(await operationsIn(target)).toEqual(await operationsOf(document));

  const transcript = JSON.stringify({ lines: { engineer: APPROVAL } });
  await writeFile(join(folder, 'transcript.json'), transcript);
  const sha256 = createHash('sha256').update(transcript).digest('hex');
  const script = [join(PARTS, 'call.py'), join(folder, 'transcript.json'), sha256];
  const { stdout } = await run(python, ['-W', 'error', ...script], { env: { ...api, PYTHONPATH: folder } });
  expect(JSON.parse(stdout)).toEqual({
    modules: expect.any(Number),
    ended: 'APPROVED',
    metadata: true,
    steps: ['think', 'write_file', 'think', 'finish'],
    call: { path: '/review.md', content: 'checked' },
    events: expect.arrayContaining(['write_file_tool', 'review_decision']),
    listed: true,
    problem: 404,
    content: true,
  });
});

/** The operations of the document, as Python names them. */
async function operationsOf(document: string): Promise<string[]> {
  type Document = { paths: Record<string, Record<string, { operationId?: string }>> };
  const { paths } = JSON.parse(await readFile(document, 'utf8')) as Document;
  const ids = Object.values(paths).flatMap((path) =>
    Object.values(path).flatMap(({ operationId }) => operationId ?? []),
  );
  return ids.map((id) => id.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)).toSorted();
}

/** The operations that the client has a module for. */
async function operationsIn(client: string): Promise<string[]> {
  const names = await readdir(join(client, 'api'), { recursive: true });
  const modules = names.filter((name) => name.includes('/') && name.endsWith('.py') && !name.endsWith('__init__.py'));
  return modules.map((name) => name.replace(/^.*\/|\.py$/g, '')).toSorted();
}

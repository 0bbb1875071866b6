import { execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, open, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cacheFolder, processEnvironment } from '../../src/config/config.ts';

const REQUIREMENTS = join(import.meta.dirname, 'requirements.txt');
const SETTINGS = join(import.meta.dirname, 'schemathesis.toml');
const PYTHON = 'python3';
const INSTALL_DURATION_MS_MAX = 5 * 60_000;
/** Of the phase that walks from answer to answer an example is one walk, over all operations together. */
const WALKS = 30;

/** What to test, and with how many generated requests for each operation. */
export type Campaign = {
  url: string;
  key: string;
  /** The OpenAPI document, with examples that name what the server holds. */
  document: object;
  /** More settings in TOML, for the dictionaries. */
  settings: string;
  seed: number;
  max_examples: number;
  /** Walk among these operations only, from answer to answer; else all phases run on all. */
  walk?: string[];
  /** Where the settings, the output and the reports go. */
  folder: string;
};

/** Runs schemathesis to its end; its reports and what it printed lie in the folder. */
export async function runSchemathesis(campaign: Campaign): Promise<void> {
  const { folder, key, seed, url, walk } = campaign;
  const packages = await install();
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const schema = join(folder, 'openapi.json');
  const settings = join(folder, 'schemathesis.toml');
  await writeFile(schema, JSON.stringify(campaign.document, null, 2));
  await writeFile(settings, [await readFile(SETTINGS, 'utf8'), examplesOf(campaign), campaign.settings].join('\n'));
  const output = await open(join(folder, 'output.txt'), 'w');
  const args = ['-m', 'schemathesis.cli', '--config-file', settings, 'run', schema, '--url', url, '--no-color'];
  args.push('--seed', String(seed), ...(walk ? ['--phases', 'stateful'] : []));
  args.push(...(walk ?? []).flatMap((id) => ['--include-operation-id', id]));
  args.push('--report-json-path', join(folder, 'report.json'), '--report-ndjson-path', join(folder, 'events.ndjson'));
  const child = spawn(PYTHON, args, {
    env: { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '', PYTHONPATH: packages, API_KEY: key },
    stdio: ['ignore', output.fd, output.fd],
    cwd: folder,
  });
  await once(child, 'exit');
  await output.close();
}

const examplesOf = ({ max_examples }: Campaign) => `
[phases.fuzzing.generation]
max-examples = ${max_examples}

[phases.stateful.generation]
max-examples = ${Math.max(WALKS, max_examples)}
`;

/** The folder of the pinned packages, fetched by pip where the cache has none for this Python yet. */
async function install(): Promise<string> {
  const requirements = await readFile(REQUIREMENTS);
  const run = promisify(execFile);
  const about = 'import sys, sysconfig; print(sys.version, sysconfig.get_platform())';
  const { stdout } = await run(PYTHON, ['-c', about]);
  const digest = createHash('sha256').update(requirements).update(stdout).digest('hex').slice(0, 16);
  const cache = cacheFolder(processEnvironment());
  const target = join(cache, `schemathesis-${digest}`);
  if (existsSync(target)) return target;
  await mkdir(cache, { recursive: true });
  const fetching = `${target}.${process.pid}`;
  const args = ['-m', 'pip', 'install', '--quiet', '--no-deps', '--only-binary', ':all:', '--require-hashes'];
  args.push('--target', fetching, '--requirement', REQUIREMENTS, '--disable-pip-version-check');
  await run(PYTHON, args, { timeout: INSTALL_DURATION_MS_MAX });
  // Named only when it is whole; another run may have been faster.
  await rename(fetching, target).catch(async (error: unknown) => {
    await rm(fetching, { recursive: true, force: true });
    if (!existsSync(target)) throw error;
  });
  return target;
}

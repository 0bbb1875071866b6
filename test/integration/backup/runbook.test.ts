/** Goal: the runbook's commands work as they stand, in their order. Method: they are read out of it and run by a shell. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { urlOfDatabase } from '../../../src/backup/postgres-tools.ts';
import { openBucket } from '../../../src/runtime/recovery.ts';
import { createRecoveryDeployment, MAIN, openDatabase, removeBucket } from './recovery-deployment.ts';

const RUNBOOK = join(import.meta.dirname, '../../../docs/runbooks/restore.md');

test('every command of the restore runbook succeeds, in the order of the page', { timeout: 300_000 }, async () => {
  const page = await readFile(RUNBOOK, 'utf8');
  const commands = [...page.matchAll(/```sh\n([\s\S]*?)```/g)].flatMap(([, block = '']) => block.trim().split('\n'));
  expect(commands).toHaveLength(10);
  await using deployment = await createRecoveryDeployment();
  await deployment.store(['one', 'two']);
  const worker = await deployment.startWorker();
  const killWorker = async () => {
    worker.kill('SIGKILL');
    await once(worker, 'exit');
  };
  expect(await deployment.run(['backup', 'run'])).toMatchObject({ code: 0 });
  expect(await deployment.run(['drill'])).toMatchObject({ code: 0 });

  // The page's own names, made this test's: others may run beside it.
  const database = `${new URL(deployment.config.database_url.reveal()).pathname.slice(1)}_restored`;
  const bucket = `${deployment.config.s3.bucket_artifacts}-restored`;
  try {
    const printed: string[] = [];
    // From the switch on, everything runs with the two variables that the page names.
    const switched = {
      DATABASE_URL: urlOfDatabase(deployment.config.database_url.reveal(), database),
      S3_BUCKET_ARTIFACTS: bucket,
    };
    const first = commands.indexOf('observatory set-up');
    expect(page).toContain(`DATABASE_URL=postgres://<as before>/observatory_restored`);
    await killWorker();
    for (const [n, command] of commands.entries()) {
      const over = n >= first ? switched : {};
      if (command === 'observatory backup run') await deployment.startWorker(switched);
      const own = command.replaceAll('observatory_restored', database).replaceAll('observatory-restored', bucket);
      const shell = `observatory() { '${process.execPath}' '${MAIN}' "$@"; }\n${own}`;
      const child = spawn('/bin/sh', ['-c', shell], { env: { ...process.env, ...deployment.env, ...over } });
      const [stdout, stderr, code] = await Promise.all([
        text(child.stdout),
        text(child.stderr),
        new Promise((resolve) => child.once('close', resolve)),
      ]);
      expect(code, `${command}\n${stdout}${stderr}`).toBe(0);
      printed.push(stdout);
    }
    expect(printed[0]).toMatch(/complete\s+yes/);
    expect(printed[4]).toContain('The restore is complete');
    expect(printed[6]).toContain('0 episodes go on in epoch 1');
  } finally {
    await using server = openDatabase(urlOfDatabase(deployment.config.database_url.reveal(), 'postgres'));
    await server.pool.query(`drop database if exists "${database}" with (force)`);
    await using target = openBucket(deployment.config.s3, bucket);
    await removeBucket(target.names);
  }
});

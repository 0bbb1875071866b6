/** Goal: the runbook's commands work as they stand, in their order. Method: they are read out of it and run by a shell. */
import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { urlOfDatabase } from '../../../src/activities/backup/postgres-tools.ts';
import { openBucket } from '../../../src/runtime/recovery.ts';
import { createRecoveryDeployment, MAIN, openDatabase, removeBucket } from './recovery-deployment.ts';

const RUNBOOK = join(import.meta.dirname, '../../../docs/runbooks/restore.md');

test('every command of the restore runbook succeeds, in the order of the page', { timeout: 300_000 }, async () => {
  const page = await readFile(RUNBOOK, 'utf8');
  const commands = [...page.matchAll(/```sh\n([\s\S]*?)```/g)].flatMap(([, block = '']) => block.trim().split('\n'));
  expect(commands).toHaveLength(7);
  await using deployment = await createRecoveryDeployment();
  await deployment.store(['one', 'two']);
  await deployment.startWorker();
  expect(await deployment.run(['backup', 'run'])).toMatchObject({ code: 0 });
  expect(await deployment.run(['drill'])).toMatchObject({ code: 0 });

  // The page's own names, made this test's: others may run beside it.
  const database = `${new URL(deployment.config.database_url.reveal()).pathname.slice(1)}_restored`;
  const bucket = `${deployment.config.s3.bucket_artifacts}-restored`;
  try {
    const printed: string[] = [];
    for (const command of commands) {
      const own = command.replaceAll('observatory_restored', database).replaceAll('observatory-restored', bucket);
      const shell = `observatory() { '${process.execPath}' '${MAIN}' "$@"; }\n${own}`;
      const child = spawn('/bin/sh', ['-c', shell], { env: { ...process.env, ...deployment.env } });
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
  } finally {
    await using server = openDatabase(urlOfDatabase(deployment.config.database_url.reveal(), 'postgres'));
    await server.pool.query(`drop database if exists "${database}" with (force)`);
    await using target = openBucket(deployment.config.s3, bucket);
    await removeBucket(target.names);
  }
});

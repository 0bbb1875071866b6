/**
 * Goal: after the loss of everything, a restore point brings all of it back, under other names, equal to the last row and byte.
 * Method: a deployment with a real episode; its commands as a person types them; then its database and bucket are emptied.
 */
import { generateKeyPairSync } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { listTableFigures } from '../../../src/db/read/recovery.ts';
import { openBucket } from '../../../src/runtime/recovery.ts';
import { pointPrefix } from '../../../src/backup/manifest.ts';
import { urlOfDatabase } from '../../../src/backup/postgres-tools.ts';
import { createRecoveryDeployment, openDatabase, PASSWORD, removeBucket, sha256 } from './recovery-deployment.ts';
import type { RecoveryDeployment } from './recovery-deployment.ts';

let deployment: RecoveryDeployment;
/** More than fits one folder, some larger than the memory spool. */
const CONTENTS = [...Array.from({ length: 60 }, (_, n) => `object ${n}`), 'x'.repeat(17 * 1024 ** 2), ''];

const OURS = generateKeyPairSync('ed25519');
const ANOTHER = generateKeyPairSync('ed25519');
const keyText = (key: KeyObject) =>
  key.export({ format: 'der', type: key.type === 'private' ? 'pkcs8' : 'spki' }).toString('base64');

beforeAll(async () => {
  deployment = await createRecoveryDeployment({ BACKUPS_SIGNING_KEY: keyText(OURS.privateKey) });
  await deployment.store(CONTENTS);
  await deployment.startWorker();
});
afterAll(async () => deployment?.[Symbol.asyncDispose]());

test(
  'everything that was lost reads back equal from another database and another bucket',
  { timeout: 180_000 },
  async () => {
    const { backups, config } = deployment;
    const run = async (args: string[]) => deployment.run(args);
    const made = await run(['backup', 'run', '--json']);
    expect(made.stderr, 'progress goes to standard error').not.toContain('observatory:');
    const point = JSON.parse(made.stdout);
    expect(point).toMatchObject({ status: 'complete' });
    expect(made.code).toBe(0);

    const drilled = await run(['drill', '--json']);
    expect(JSON.parse(drilled.stdout)).toMatchObject({ status: 'passed', point_id: point.id });
    const listed = JSON.parse((await run(['backup', 'list', '--json'])).stdout);
    expect(listed).toMatchObject({
      items: [{ id: point.id, status: 'complete', verified: true, objects: CONTENTS.length, missing: 0 }],
      damaged: [],
    });
    const verified = await run(['backup', 'verify', point.id, '--json']);
    expect(JSON.parse(verified.stdout)).toMatchObject({ id: point.id, status: 'passed' });
    const shown = JSON.parse((await run(['backup', 'show', 'latest', '--json'])).stdout);

    const live = new URL(config.database_url.reveal()).pathname.slice(1);
    const refused = await run(['restore', point.id, '--database', live, '--bucket', `${config.s3.bucket_artifacts}-2`]);
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining(`The database ${live} is not empty`) });
    const bucketRefused = await run(['restore', point.id, '--bucket', config.s3.bucket_artifacts]);
    expect(bucketRefused).toMatchObject({ code: 1, stderr: expect.stringContaining('is not empty') });

    // Where somebody else's key is trusted, a point that ours signed is not, and an unsigned one nowhere.
    const signed_by = keyText(OURS.publicKey);
    expect(shown.signature).toMatchObject({ algorithm: 'ed25519', public_key: signed_by });
    const mistrusting = { BACKUPS_SIGNING_KEY: keyText(ANOTHER.privateKey) };
    const mistrusted = await deployment.run(['restore', point.id], mistrusting);
    expect(mistrusted).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('another key than the configured one'),
    });
    const doubted = await deployment.run(['backup', 'verify', point.id, '--json'], mistrusting);
    expect(JSON.parse(doubted.stdout)).toMatchObject({
      status: 'failed',
      checks: expect.arrayContaining([expect.objectContaining({ name: 'signature', status: 'failed' })]),
    });
    const { names } = backups.backups;
    const key = `${pointPrefix(point.id)}manifest.json`;
    const signed = Buffer.from(await names.readBytes(key, 1024 ** 2));
    const replace = async (bytes: Buffer) => {
      await names.remove([key]);
      await names.put(key, bytes, { contentType: 'application/json' });
    };
    await replace(Buffer.from(JSON.stringify({ ...JSON.parse(signed.toString()), signature: null })));
    expect(await run(['restore', point.id])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('is not signed'),
    });
    await replace(signed);

    // The loss: every table and every object.
    await backups.pool.query(
      'drop schema public cascade; drop schema if exists langgraph cascade; create schema public',
    );
    await removeBucket(backups.source.names);

    const database = `${live}_restored`;
    const bucket = `${config.s3.bucket_artifacts}-restored`;
    const restored = await run(['restore', '--json', '--database', database, '--bucket', bucket]);
    try {
      expect(JSON.parse(restored.stdout)).toMatchObject({
        status: 'complete',
        restore_epoch: 1,
        plan: { point: point.id, signed_by },
      });
      expect(restored.code).toBe(0);
      await using again = openDatabase(urlOfDatabase(config.database_url.reveal(), database));
      const tables = await listTableFigures(again.pool);
      // The restore itself changes these: a new epoch, and its own point's row, which the snapshot caught unfinished.
      const own = new Set(['public.deployment', 'public.restore_points', 'public.restored_episodes']);
      const same = ({ name }: { name: string }) => !own.has(name);
      expect(tables.filter(same)).toEqual(shown.database.tables.filter(same));
      expect(tables.find(({ name }) => name === 'public.artifacts')?.rows).toBe(CONTENTS.length);
      const { rows } = await again.pool.query('select id, status from restore_points');
      expect(rows).toEqual([{ id: point.id, status: 'complete' }]);

      await using target = openBucket(config.s3, bucket);
      for (const content of CONTENTS) {
        const bytes = await target.store.readBytes(sha256(content), { maxBytes: 32 * 1024 ** 2 });
        expect(sha256(bytes)).toBe(sha256(content));
        expect((await target.store.stat(sha256(content)))?.content_type).toBe('text/plain');
      }
      const twice = await run(['restore', '--database', database, '--bucket', `${bucket}-2`]);
      expect(twice).toMatchObject({
        code: 1,
        stderr: expect.stringContaining(`The database ${database} is not empty`),
      });
      const printed = [made, drilled, verified, restored].map(({ stdout, stderr }) => stdout + stderr).join('');
      expect(printed).not.toContain(PASSWORD);
      expect(printed).not.toContain(config.s3.secret_access_key.reveal());
      expect(printed).not.toContain(keyText(OURS.privateKey));
      await removeBucket(target.names);
    } finally {
      await using server = openDatabase(urlOfDatabase(config.database_url.reveal(), 'postgres'));
      await server.pool.query(`drop database if exists "${database}" with (force)`);
    }
  },
);

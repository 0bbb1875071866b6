/**
 * Goal: every fault of a restore point is caught by name, and none is called success.
 * Method: one deployment; each fault is made in its buckets, its programs or its addresses, and mended afterwards.
 */
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { pointPrefix, readManifest, sealManifest, writeManifest } from '../../../src/activities/backup/manifest.ts';
import { insertArtifact } from '../../../src/db/append/artifacts.ts';
import type { BackupStore } from '../../../src/storage/backup-store.ts';
import { objectKey } from '../../../src/storage/keys.ts';
import { createRecoveryDeployment, PASSWORD, sha256, UNSIGNED } from './recovery-deployment.ts';
import type { RecoveryDeployment } from './recovery-deployment.ts';

const CONTENTS = Array.from({ length: 8 }, (_, n) => `precious ${n}`);
const FIRST = sha256(CONTENTS[0] as string);
let deployment: RecoveryDeployment;
let scratch: string;

beforeAll(async () => {
  deployment = await createRecoveryDeployment();
  scratch = await mkdtemp(join(tmpdir(), 'observatory-faults-'));
  await deployment.store(CONTENTS);
  await deployment.startWorker();
});
afterAll(async () => {
  await deployment?.[Symbol.asyncDispose]();
  await rm(scratch, { recursive: true, force: true });
});

type Outcome = { status: string; id: string; checks: { name: string; status: string; reason: string | null }[] };

/** The outcome of a command that prints one, and the names of its failed checks with their reasons. */
async function outcomeOf(args: string[], env: Record<string, string> = {}) {
  const { code, stdout, stderr } = await deployment.run([...args, '--json'], env);
  if (stdout === '') throw new Error(stderr);
  const outcome = JSON.parse(stdout) as Outcome;
  const failures = outcome.checks
    .filter(({ status }) => status !== 'ok')
    .map(({ name, reason }) => `${name}: ${reason}`);
  return { code, status: outcome.status, id: outcome.id, failures };
}
const makePoint = () => outcomeOf(['backup', 'run', '--outage', '1']);

/** Writes an object's name anew, as a fault would, with these bytes. */
async function overwrite(store: BackupStore, key: string, bytes: Uint8Array): Promise<void> {
  await store.remove([key]);
  await store.put(key, bytes, { contentType: 'application/octet-stream' });
}

/** Runs `work` while the object holds other bytes, and then puts the true ones back. */
async function whileAltered(
  { store, key, alter }: { store: BackupStore; key: string; alter: (bytes: Buffer) => Uint8Array | undefined },
  work: () => Promise<void>,
): Promise<void> {
  const bytes = Buffer.from(await store.readBytes(key, 1024 ** 2));
  const altered = alter(Buffer.from(bytes));
  if (altered) await overwrite(store, key, altered);
  else await store.remove([key]);
  try {
    await work();
  } finally {
    await overwrite(store, key, bytes);
  }
}
const flip = (bytes: Buffer): Buffer => {
  const at = bytes.length >> 1;
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  return bytes;
};

test(
  'a stored point that is damaged fails verification and the drill, by the name of the part',
  { timeout: 180_000 },
  async () => {
    const { names } = deployment.backups.backups;
    const { id } = await makePoint();
    const shown = JSON.parse((await deployment.run(['backup', 'show', id, '--json'])).stdout);
    const { key } = shown.database.dump;

    for (const alter of [flip, (bytes: Buffer) => bytes.subarray(0, Math.floor(bytes.length * 0.6))])
      await whileAltered({ store: names, key, alter }, async () => {
        expect(await outcomeOf(['backup', 'verify', id])).toMatchObject({
          code: 1,
          status: 'failed',
          failures: [expect.stringMatching(/^dump: .*database\.dump is damaged/)],
        });
        expect(await outcomeOf(['drill', id])).toMatchObject({
          code: 1,
          status: 'failed',
          failures: [expect.stringMatching(/^restore: .*database\.dump is damaged/)],
        });
      });

    for (const alter of [flip, () => undefined])
      await whileAltered({ store: names, key: objectKey(FIRST), alter }, async () => {
        expect(await outcomeOf(['backup', 'verify', id])).toMatchObject({
          code: 1,
          status: 'failed',
          failures: [
            expect.stringContaining(`mirror: 1 objects are absent or damaged in the mirror, among them ${FIRST}`),
          ],
        });
      });

    await whileAltered(
      {
        store: names,
        key: `${pointPrefix(id)}manifest.json`,
        alter: (bytes) => Buffer.from(String(bytes).replace('"count":8', '"count":7')),
      },
      async () => {
        for (const args of [
          ['backup', 'verify', id],
          ['backup', 'show', id],
          ['restore', id],
          ['drill', id],
        ]) {
          const { code, stdout, stderr } = await deployment.run(args);
          expect({ args, code }).toEqual({ args, code: 1 });
          expect(stdout + stderr).toContain(`The manifest of the restore point ${id} was altered or is damaged`);
        }
        expect(JSON.parse((await deployment.run(['backup', 'list', '--json'])).stdout)).toMatchObject({
          damaged: [id],
        });
      },
    );
    expect(await outcomeOf(['backup', 'verify', id])).toMatchObject({ code: 0, status: 'passed', failures: [] });
  },
);

test(
  'a drill notices rows that are not those of the snapshot, and leaves no scratch database',
  { timeout: 120_000 },
  async () => {
    const { names } = deployment.backups.backups;
    const { id } = await makePoint();
    const { manifest_sha256: _, signature: _signature, ...true_one } = await readManifest(names, id);
    const tables = true_one.database.tables.map((table) =>
      table.name === 'public.artifacts' ? { ...table, rows_hash: '1' } : table,
    );
    const other = '00000000-0000-7000-8000-0000000000aa';
    await writeManifest(
      names,
      sealManifest({ ...true_one, id: other, database: { ...true_one.database, tables } }, UNSIGNED),
    );
    const drill = await outcomeOf(['drill', other]);
    expect(drill).toMatchObject({
      code: 1,
      status: 'failed',
      failures: ["tables: the rows differ from the snapshot's in public.artifacts"],
    });
    const { rows } = await deployment.backups.pool.query(
      'select datname from pg_database where strpos(datname, $1) > 0',
      [drill.id.replaceAll('-', '')],
    );
    expect(rows).toEqual([]);
    await names.remove([`${pointPrefix(other)}manifest.json`]);
  },
);

test('a mirror that lost or changed an object is mended by the next point', { timeout: 120_000 }, async () => {
  const { names } = deployment.backups.backups;
  expect(await makePoint()).toMatchObject({ status: 'complete' });
  await names.remove([objectKey(FIRST)]);
  await overwrite(names, objectKey(sha256(CONTENTS[1] as string)), Buffer.from('another 1!'));
  const { id, status } = await makePoint();
  expect(status).toBe('complete');
  expect(await outcomeOf(['backup', 'verify', id])).toMatchObject({ status: 'passed' });
});

test('a source that lost objects, or holds other bytes, makes no complete point', { timeout: 120_000 }, async () => {
  const { names } = deployment.backups.source;
  for (const alter of [() => undefined, flip])
    await whileAltered({ store: names, key: objectKey(FIRST), alter }, async () => {
      // The mirror loses it too, or it would still be restorable from there.
      await deployment.backups.backups.names.remove([objectKey(FIRST)]);
      const { code, status, failures } = await makePoint();
      expect({ code, status }).toEqual({ code: 1, status: 'incomplete' });
      expect(failures.map((failure) => failure.split(':')[0])).toEqual(['source', 'mirror', 'references']);
      expect(failures.join()).toContain(FIRST);
    });
  expect(await makePoint()).toMatchObject({ code: 0, status: 'complete' });
});

test('an empty source is told although the mirror still holds everything', { timeout: 120_000 }, async () => {
  const { names } = deployment.backups.source;
  const keys = CONTENTS.map((content) => objectKey(sha256(content)));
  await names.remove(keys);
  expect(await makePoint()).toMatchObject({
    code: 1,
    status: 'incomplete',
    failures: [expect.stringMatching(/^source: 8 of 8 referenced objects are absent/)],
  });
  const mirrored: string[] = [];
  for await (const { key } of deployment.backups.backups.names.list('sha256/')) mirrored.push(key);
  expect(mirrored.toSorted()).toEqual(keys.toSorted());
  await deployment.store(CONTENTS);
  expect(await makePoint()).toMatchObject({ status: 'complete' });
});

/** A folder with PostgreSQL's programs, in which `pg_dump` is this script around the real one. */
async function programs(name: string, pgDump: string): Promise<string> {
  const folder = join(scratch, name);
  await mkdir(folder);
  const real = deployment.config.postgres_bin_dir;
  for (const program of ['pg_dump', 'pg_dumpall', 'pg_restore']) {
    const original = real === undefined ? `$(PATH="$PATH" command -v ${program})` : join(real, program);
    const script = program === 'pg_dump' ? pgDump : 'exec "$real" "$@"';
    await writeFile(join(folder, program), `#!/bin/sh\nreal=${original}\n${script}\n`);
    await chmod(join(folder, program), 0o755);
  }
  return folder;
}

test.each([
  {
    fault: 'pg_dump is older than the server',
    pgDump: 'echo "pg_dump (PostgreSQL) 9.6.24"',
    says: /^beforehand: pg_dump is version 9, older than the server/,
  },
  {
    fault: 'pg_dump writes 60 % and says that all is well',
    pgDump: `[ "$1" = --version ] && exec "$real" "$@"
"$real" "$@"
for arg; do case $arg in --file=*) file=\${arg#--file=};; esac; done
truncate -s $(($(stat -c %s "$file") * 60 / 100)) "$file"`,
    says: /^database: pg_restore ended with exit code 1/,
  },
  {
    fault: 'the disk is full',
    pgDump: `[ "$1" = --version ] && exec "$real" "$@"\nulimit -f 8\nexec "$real" "$@"`,
    says: /^database: pg_dump (was ended by SIGXFSZ|ended with exit code 1: .*File too large)/,
  },
])('no point is made when $fault', { timeout: 120_000 }, async ({ fault, pgDump, says }) => {
  await using other = await createRecoveryDeployment();
  await other.store(CONTENTS);
  const folder = await programs(fault.replaceAll(/\W/g, '-'), pgDump);
  await other.startWorker({ OBSERVATORY_POSTGRES_BIN_DIR: folder });
  const { code, stdout } = await other.run(['backup', 'run', '--outage', '1', '--json']);
  const point = JSON.parse(stdout) as Outcome;
  expect({ code, status: point.status }).toEqual({ code: 1, status: 'failed' });
  expect(point.checks.map(({ name, reason }) => `${name}: ${reason}`)).toEqual([expect.stringMatching(says)]);
  expect(JSON.parse((await other.run(['backup', 'list', '--json'])).stdout)).toEqual({ items: [], damaged: [] });
  const { rows } = await other.backups.pool.query('select status from restore_points');
  expect(rows).toEqual([{ status: 'failed' }]);
});

test('no point is made without its bucket, and none with a refused key', { timeout: 120_000 }, async () => {
  for (const [env, says] of [
    [{ S3_BUCKET_BACKUPS: 'recovery-no-such-bucket' }, /beforehand: The bucket recovery-no-such-bucket does not exist/],
    [
      {
        S3_BACKUPS_ENDPOINT: deployment.config.s3.endpoint,
        S3_BACKUPS_ACCESS_KEY_ID: 'nobody',
        S3_BACKUPS_SECRET_ACCESS_KEY: 'wrong-secret-key',
      },
      /beforehand: The object store refused our credentials/,
    ],
    [
      { S3_BACKUPS_ENDPOINT: 'http://127.0.0.1:9', S3_BACKUPS_ACCESS_KEY_ID: 'a', S3_BACKUPS_SECRET_ACCESS_KEY: 'b' },
      /beforehand: /,
    ],
  ] as const) {
    await using other = await createRecoveryDeployment();
    await other.startWorker(env);
    const { code, stdout, stderr } = await other.run(['backup', 'run', '--outage', '1', '--json']);
    const point = JSON.parse(stdout) as Outcome;
    expect({ code, status: point.status }).toEqual({ code: 1, status: 'failed' });
    expect(point.checks.map(({ name, reason }) => `${name}: ${reason}`)).toEqual([expect.stringMatching(says)]);
    expect(stdout + stderr).not.toContain('wrong-secret-key');
  }
});

test(
  'a password or role that the server refuses is told, though nothing can be recorded',
  { timeout: 120_000 },
  async () => {
    await using other = await createRecoveryDeployment();
    const url = new URL(other.config.database_url.reveal());
    url.username = 'nobody_of_this_name';
    await other.startWorker({ DATABASE_URL: url.href });
    const { code, stdout } = await other.run(['backup', 'run', '--outage', '1', '--json']);
    const point = JSON.parse(stdout) as Outcome;
    expect({ code, status: point.status }).toEqual({ code: 1, status: 'failed' });
    expect(point.checks.map(({ name, reason }) => `${name}: ${reason}`)).toEqual([
      expect.stringMatching(/^begin: (role "nobody_of_this_name" does not exist|password authentication failed)/),
    ]);
  },
);

test('no credential is in any history of recovery', { timeout: 120_000 }, async () => {
  const { client } = deployment.workflows;
  const secrets = [PASSWORD, deployment.config.s3.secret_access_key.reveal(), deployment.config.database_url.reveal()];
  const prefix = deployment.config.temporal.task_queue_prefix;
  let histories = 0;
  for await (const { workflowId, runId } of client.workflow.list({ query: `TaskQueue = '${prefix}maintenance'` })) {
    const text = JSON.stringify(await client.workflow.getHandle(workflowId, runId).fetchHistory());
    const bytes = text.replaceAll(/"data":\{"type":"Buffer","data":\[([\d,]*)\]\}/g, (_, codes: string) =>
      Buffer.from(codes.split(',').map(Number)).toString('utf8'),
    );
    for (const secret of secrets) expect(bytes).not.toContain(secret);
    histories++;
  }
  expect(histories).toBeGreaterThan(0);
});

test(
  'what is written and given up while points are made leaves no reference dangling',
  { timeout: 180_000 },
  async () => {
    const { backups } = deployment;
    const race = { going: true };
    const stored: string[] = [];
    const write = async () => {
      for (let n = 0; race.going; n++) {
        const put = await backups.source.store.put(Buffer.from(`racing ${n}`), { contentType: 'text/plain' });
        await insertArtifact(backups.db, put);
        stored.push(put.sha256);
      }
    };
    const giveUp = async () => {
      for (let n = 0; race.going; n++) {
        const sha = stored[n];
        if (sha === undefined) await new Promise((resolve) => setImmediate(resolve));
        else if (n % 3 === 0)
          await backups.db
            .updateTable('artifacts')
            .set({ deleted_at: new Date().toISOString() })
            .where('sha256', '=', sha)
            .execute();
        if (sha === undefined) n--;
      }
    };
    const racing = [write(), giveUp()];
    try {
      for (let round = 0; round < 2; round++) {
        const { id, status, failures } = await makePoint();
        expect({ status, failures }).toEqual({ status: 'complete', failures: [] });
        expect(await outcomeOf(['backup', 'verify', id])).toMatchObject({ status: 'passed' });
        expect(await outcomeOf(['drill', id])).toMatchObject({ status: 'passed' });
      }
    } finally {
      race.going = false;
      await Promise.all(racing);
    }
    expect(stored.length).toBeGreaterThan(20);
  },
);

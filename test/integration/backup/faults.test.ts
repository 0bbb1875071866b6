/**
 * Goal: every fault of a restore point is caught by name, and none is called success.
 * Method: one deployment; each fault is made in its buckets, its programs or its addresses, and mended afterwards.
 */
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { pointPrefix, readManifest, sealManifest, writeManifest } from '../../../src/backup/manifest.ts';
import type { BackupStore } from '../../../src/storage/backup-store.ts';
import { openBucket } from '../../../src/runtime/recovery.ts';
import { objectKey } from '../../../src/storage/keys.ts';
import { createRecoveryDeployment, PASSWORD, removeBucket, sha256, UNSIGNED } from './recovery-deployment.ts';
import type { Outcome, RecoveryDeployment } from './recovery-deployment.ts';

const CONTENTS = Array.from({ length: 8 }, (_, n) => `precious ${n}`);
const FIRST = sha256(CONTENTS[0] as string);
/** Larger than one part of an upload. */
const IN_PARTS_BYTES = 17 * 1024 ** 2;
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

/** An outcome with the names of its failed checks and their reasons. */
function told({ status, id, checks }: Outcome) {
  const failures = checks.filter((check) => check.status !== 'ok').map(({ name, reason }) => `${name}: ${reason}`);
  return { status, id, failures };
}
/** The outcome of a command that prints one. */
async function outcomeOf(args: string[]) {
  const { code, stdout, stderr } = await deployment.run([...args, '--json']);
  if (stdout === '') throw new Error(stderr);
  return { code, ...told(JSON.parse(stdout) as Outcome) };
}
const makePoint = async () => told(await deployment.makePoint());
const verify = async (id: string) => told(await deployment.verify(id));
const drill = async (id: string) => told(await deployment.drill(id));

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
    const { id } = await outcomeOf(['backup', 'run', '--outage', '1']);
    const shown = JSON.parse((await deployment.run(['backup', 'show', id, '--json'])).stdout);
    const { key } = shown.database.dump;

    const unverified = { status: 'failed', failures: [expect.stringMatching(/^dump: .*database\.dump is damaged/)] };
    const undrilled = { status: 'failed', failures: [expect.stringMatching(/^restore: .*database\.dump is damaged/)] };
    await whileAltered({ store: names, key, alter: flip }, async () => {
      expect(await outcomeOf(['backup', 'verify', id])).toMatchObject({ code: 1, ...unverified });
      expect(await outcomeOf(['drill', id])).toMatchObject({ code: 1, ...undrilled });
    });
    const cut = (bytes: Buffer) => bytes.subarray(0, Math.floor(bytes.length * 0.6));
    await whileAltered({ store: names, key, alter: cut }, async () => {
      expect(await verify(id)).toMatchObject(unverified);
      expect(await drill(id)).toMatchObject(undrilled);
    });

    for (const alter of [flip, () => undefined])
      await whileAltered({ store: names, key: objectKey(FIRST), alter }, async () => {
        expect(await verify(id)).toMatchObject({
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
    const drilled = await drill(other);
    expect(drilled).toMatchObject({
      status: 'failed',
      failures: ["tables: the rows differ from the snapshot's in public.artifacts"],
    });
    const { rows } = await deployment.backups.pool.query(
      'select datname from pg_database where strpos(datname, $1) > 0',
      [drilled.id.replaceAll('-', '')],
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
  // Stored in parts: its etag is no hash of its bytes, neither before nor after.
  const large = Buffer.alloc(IN_PARTS_BYTES, 'parts');
  const [inParts = ''] = await deployment.store([large.toString()]);
  const file = join(scratch, 'in-parts');
  const putInParts = async () => {
    await writeFile(file, large);
    await names.put(objectKey(inParts), { file }, { contentType: 'text/plain' });
    expect((await names.stat(objectKey(inParts)))?.etag).toContain('-');
  };
  await putInParts();
  expect(await makePoint()).toMatchObject({ status: 'complete' });
  large.writeUInt8(0, IN_PARTS_BYTES >> 1);
  await names.remove([objectKey(inParts)]);
  await putInParts();
  expect(await verify('latest')).toMatchObject({ status: 'failed', failures: [expect.stringContaining(inParts)] });
  const { id, status } = await makePoint();
  expect(status).toBe('complete');
  expect(await verify(id)).toMatchObject({ status: 'passed' });
  await deployment.backups.pool.query('update artifacts set deleted_at = now() where sha256 = $1', [inParts]);
});

test('a source that lost objects, or holds other bytes, makes no complete point', { timeout: 120_000 }, async () => {
  const { names } = deployment.backups.source;
  for (const alter of [() => undefined, flip])
    await whileAltered({ store: names, key: objectKey(FIRST), alter }, async () => {
      // The mirror loses it too, or it would still be restorable from there.
      await deployment.backups.backups.names.remove([objectKey(FIRST)]);
      const { code, status, failures } = await outcomeOf(['backup', 'run', '--outage', '1']);
      expect({ code, status }).toEqual({ code: 1, status: 'incomplete' });
      expect(failures.map((failure) => failure.split(':')[0])).toEqual(['source', 'mirror', 'references']);
      expect(failures.join()).toContain(FIRST);
    });
  expect(await makePoint()).toMatchObject({ status: 'complete' });
});

test(
  'a source that lists half, or nothing, is told although the mirror still holds everything',
  { timeout: 120_000 },
  async () => {
    const { names } = deployment.backups.source;
    const keys = CONTENTS.map((content) => objectKey(sha256(content)));
    const mirrored = async () => {
      const found: string[] = [];
      for await (const { key } of deployment.backups.backups.names.list('sha256/')) found.push(key);
      return new Set(found);
    };
    const before = await mirrored();
    for (const lost of [keys.slice(0, 4), keys]) {
      await names.remove(lost);
      const { status, failures } = await makePoint();
      expect(status).toBe('incomplete');
      expect(failures).toEqual([expect.stringContaining(`source: ${lost.length} of 8 referenced objects are absent`)]);
      expect(await mirrored()).toEqual(before);
    }
    await deployment.store(CONTENTS);
    expect(await makePoint()).toMatchObject({ status: 'complete' });
  },
);

/** PostgreSQL's programs in a folder of their own; `pg_dump` does what the file `fault` beside it says, where there is one. */
async function programs(): Promise<{ folder: string; fault: string }> {
  const folder = join(scratch, 'programs');
  const fault = join(folder, 'fault');
  await mkdir(folder);
  const real = deployment.config.postgres_bin_dir;
  for (const program of ['pg_dump', 'pg_dumpall', 'pg_restore']) {
    const original = real === undefined ? `$(PATH="$PATH" command -v ${program})` : join(real, program);
    const faulty = program === 'pg_dump' ? `[ -e '${fault}' ] && . '${fault}'\n` : '';
    await writeFile(join(folder, program), `#!/bin/sh\nreal=${original}\n${faulty}exec "$real" "$@"\n`);
    await chmod(join(folder, program), 0o755);
  }
  return { folder, fault };
}

const PROGRAM_FAULTS = [
  {
    fault: 'pg_dump is older than the server',
    script: 'echo "pg_dump (PostgreSQL) 9.6.24"; exit 0',
    says: /^beforehand: pg_dump is version 9, older than the server/,
  },
  {
    fault: 'pg_dump writes 60 % and says that all is well',
    script: `[ "$1" = --version ] && exec "$real" "$@"
"$real" "$@"
for arg; do case $arg in --file=*) file=\${arg#--file=};; esac; done
truncate -s $(($(stat -c %s "$file") * 60 / 100)) "$file"; exit 0`,
    says: /^database: pg_restore ended with exit code 1/,
  },
  {
    fault: 'one bit of the dumped rows, which come last, is flipped before they are stored',
    script: `[ "$1" = --version ] && exec "$real" "$@"
"$real" "$@"
for arg; do case $arg in --file=*) file=\${arg#--file=};; esac; done
at=$(($(stat -c %s "$file") - 60))
byte=$(od -An -tu1 -j $at -N1 "$file")
printf "\\\\$(printf %o $((byte ^ 1)))" | dd of="$file" bs=1 seek=$at conv=notrunc 2>/dev/null; exit 0`,
    says: /^database: pg_restore ended with exit code 1/,
  },
  {
    fault: 'the disk is full',
    script: `[ "$1" = --version ] && exec "$real" "$@"\nulimit -f 8`,
    says: /^database: pg_dump (was ended by SIGXFSZ|ended with exit code 1: .*File too large)/,
  },
];

test(
  'no point is made by a program that fails; the next one is, and the last good one stays',
  { timeout: 180_000 },
  async () => {
    await using other = await createRecoveryDeployment();
    await other.store(CONTENTS);
    const { folder, fault } = await programs();
    await other.startWorker({ OBSERVATORY_POSTGRES_BIN_DIR: folder });
    const good = await other.makePoint();
    expect(good).toMatchObject({ status: 'complete' });
    for (const { fault: name, script, says } of PROGRAM_FAULTS) {
      await writeFile(fault, `${script}\n`);
      const { status, failures } = told(await other.makePoint());
      expect({ name, status }).toEqual({ name, status: 'failed' });
      expect(failures).toEqual([expect.stringMatching(says)]);
      await rm(fault);
      expect({ name, ...(await other.makePoint()) }).toMatchObject({ name, status: 'complete' });
    }
    const listed = JSON.parse((await other.run(['backup', 'list', '--json'])).stdout) as { items: { id: string }[] };
    expect(listed.items).toHaveLength(1 + PROGRAM_FAULTS.length);
    expect(await other.verify(good.id)).toMatchObject({ status: 'passed' });
  },
);

test('no point is made without its bucket, and one is when it is there', { timeout: 120_000 }, async () => {
  await using other = await createRecoveryDeployment();
  await other.store(CONTENTS);
  const bucket = `${other.config.s3.bucket_backups}-absent`;
  const env = { S3_BUCKET_BACKUPS: bucket };
  await other.startWorker(env);
  const { status, checks } = await other.makePoint();
  expect(status).toBe('failed');
  expect(checks[0]).toMatchObject({ name: 'beforehand', reason: `The bucket ${bucket} does not exist.` });
  await using absent = openBucket(other.config.s3, bucket);
  await absent.names.createBucket();
  expect(await other.makePoint()).toMatchObject({ status: 'complete' });
  await removeBucket(absent.names);
});

test('no point is made with a refused key, or without the store', { timeout: 120_000 }, async () => {
  for (const [env, says] of [
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
    // A server that trusts everybody of this machine refuses at least a role that it does not have.
    const trusts = url.password === PASSWORD;
    if (trusts) url.username = 'nobody_of_this_name';
    else url.password = 'a-wrong-password';
    await other.startWorker({ DATABASE_URL: url.href });
    const { code, stdout } = await other.run(['backup', 'run', '--outage', '1', '--json']);
    const point = JSON.parse(stdout) as Outcome;
    expect({ code, status: point.status }).toEqual({ code: 1, status: 'failed' });
    expect(point.checks.map(({ name, reason }) => `${name}: ${reason}`)).toEqual([
      expect.stringMatching(/^begin: (role "nobody_of_this_name" does not exist|password authentication failed)/),
    ]);
    expect(stdout).not.toContain('a-wrong-password');
  },
);

test('no credential is in any history or log of recovery', { timeout: 120_000 }, async () => {
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
  const said = deployment.said();
  expect(said).toContain('serves');
  for (const secret of secrets) expect(said).not.toContain(secret);
});

/** Goal: retention removes what the policy gives up and nothing else, and a fault never passes for permission. Method: points of many days in a real bucket. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { pointPrefix, readManifest, sealManifest, writeManifest } from '../../../src/backup/manifest.ts';
import { RETENTION } from '../../../src/backup/retention-policy.ts';
import { findMirrorObjects } from '../../../src/db/read/recovery.ts';
import type { RestorePoint, RetentionReport } from '../../../src/schemas/restore-point.ts';
import { objectKey } from '../../../src/storage/keys.ts';
import { createRecoveryDeployment, sha256, UNSIGNED } from './recovery-deployment.ts';
import type { RecoveryDeployment } from './recovery-deployment.ts';

const CONTENTS = Array.from({ length: 20 }, (_, n) => `retained ${n}`);
const DAY_MS = 86_400_000;
let deployment: RecoveryDeployment;
let point: RestorePoint;

beforeAll(async () => {
  deployment = await createRecoveryDeployment();
  await deployment.store(CONTENTS);
  await deployment.startWorker();
  point = JSON.parse((await deployment.run(['backup', 'run', '--json'])).stdout);
}, 180_000);
afterAll(async () => deployment?.[Symbol.asyncDispose]());

/** One night's retention, as the schedule runs it; `approve` signals a person's approval. */
async function retain(name: string, approve = false): Promise<RetentionReport> {
  const prefix = deployment.config.temporal.task_queue_prefix;
  const handle = await deployment.workflows.client.workflow.start('RetentionWorkflow', {
    taskQueue: `${prefix}maintenance`,
    workflowId: `${prefix}retention-${name}`,
    args: [],
  });
  if (approve) await handle.signal('approveMirrorSweep');
  return (await handle.result()) as RetentionReport;
}

/** Why a night's sweep gave nothing up; it then waits for a person, and is ended. */
async function refusalOf(name: string): Promise<string | null> {
  const prefix = deployment.config.temporal.task_queue_prefix;
  const handle = await deployment.workflows.client.workflow.start('RetentionWorkflow', {
    taskQueue: `${prefix}maintenance`,
    workflowId: `${prefix}refused-${name}`,
    args: [],
  });
  for (;;) {
    const history = await handle.fetchHistory();
    const done = history.events?.filter((event) => event.activityTaskCompletedEventAttributes) ?? [];
    if (done.length >= 2) {
      const data = done.at(-1)?.activityTaskCompletedEventAttributes?.result?.payloads?.[0]?.data;
      await handle.terminate();
      return (JSON.parse(Buffer.from(data!).toString('utf8')) as RetentionReport['mirror']).refused;
    }
    expect((await handle.describe()).status.name).toBe('RUNNING');
  }
}

test(
  'of forty nights the tiers stay, and a point that is pruned leaves nothing behind',
  { timeout: 180_000 },
  async () => {
    const { names } = deployment.backups.backups;
    const { manifest_sha256: _, signature: _signature, ...newest } = await readManifest(names, point.id);
    for (let age = 1; age < 40; age++) {
      const id = `00000000-0000-7000-8000-${String(age).padStart(12, '0')}`;
      const snapshot_at = new Date(Date.parse(newest.database.snapshot_at) - age * DAY_MS).toISOString();
      await writeManifest(
        names,
        sealManifest({ ...newest, id, database: { ...newest.database, snapshot_at } }, UNSIGNED),
      );
      await names.put(`${pointPrefix(id)}verified/drill.json`, Buffer.from('{}'), { contentType: 'application/json' });
    }
    // The newest point is not verified yet: what is newer than a verified one is no reason to prune, the verified one is.
    const { kept, pruned, mirror } = await retain('forty');
    expect(kept.length + pruned.length).toBe(40);
    expect(kept.length).toBeGreaterThanOrEqual(RETENTION.days + RETENTION.weeks);
    expect(kept.length).toBeLessThanOrEqual(RETENTION.days + RETENTION.weeks + 2);
    expect(kept).toContain(point.id);
    const left = new Set<string>();
    for await (const { key } of names.list('points/')) left.add(key.split('/')[1] ?? '');
    expect([...left].toSorted()).toEqual(kept.toSorted());
    expect(mirror).toEqual({ listed: CONTENTS.length, unreferenced: 0, removed: 0, refused: null });
  },
);

test('what nothing refers to keeps its bytes for a month, and then goes', { timeout: 120_000 }, async () => {
  const { backups, db, pool } = deployment.backups;
  const stray = await backups.store.put(Buffer.from('nobody refers to me'), { contentType: 'text/plain' });
  expect((await retain('stray')).mirror).toMatchObject({ unreferenced: 1, removed: 0, refused: null });
  expect(await backups.store.stat(stray.sha256)).toBeDefined();
  await pool.query(
    `update mirror_objects set unreferenced_at = unreferenced_at - interval '31 days' where sha256 = $1`,
    [stray.sha256],
  );
  expect((await retain('month')).mirror).toMatchObject({ unreferenced: 1, removed: 1, refused: null });
  expect(await backups.store.stat(stray.sha256)).toBeUndefined();
  expect(await findMirrorObjects(db, [stray.sha256])).toEqual(new Map());
});

test('more than a tenth at once waits for a person', { timeout: 120_000 }, async () => {
  const { backups } = deployment.backups;
  const strays = await Promise.all(
    [1, 2, 3].map(async (n) => backups.store.put(Buffer.from(`stray ${n}`), { contentType: 'text/plain' })),
  );
  expect(await refusalOf('tenth')).toMatch(/^3 of 23 objects would be given up, more than a tenth/);
  expect((await retain('approved', true)).mirror).toMatchObject({ unreferenced: 3, refused: null });
  await backups.names.remove(strays.map(({ sha256: stray }) => objectKey(stray)));
});

test(
  'a mirror that lists too little, or a manifest that is damaged, stops the sweep and is told',
  { timeout: 180_000 },
  async () => {
    const { backups } = deployment.backups;
    const keys = CONTENTS.slice(5).map((content) => objectKey(sha256(content)));
    await backups.names.remove(keys);
    expect(await refusalOf('half')).toMatch(/^the mirror lists 5 objects of the 2\d that are known/);
    await backups.names.put(`${pointPrefix('00000000-0000-7000-8000-00000000ffff')}manifest.json`, Buffer.from('{}'), {
      contentType: 'application/json',
    });
    expect(await refusalOf('damaged')).toBe('a manifest is missing or damaged: nobody knows what it refers to');
  },
);

/** Goal: the API tells how recovery stands from the record alone, pages through the tries, and schedules are there. Method: rows as activities write them. */
import { expect, test } from 'vitest';
import { scheduleIds } from '../../../temporal/schedules.ts';
import {
  beginRestoreDrill,
  beginRestorePoint,
  endRestoreDrill,
  endRestorePoint,
} from '../../../src/db/write/recovery.ts';
import { failed, passed } from '../../../src/schemas/restore-point.ts';
import { createTestApi, READER } from '../api/test-api.ts';
import type { Loose } from '../api/test-api.ts';
import { createRecoveryDeployment } from './recovery-deployment.ts';

const idOf = (n: number) => `01900000-0000-7000-8000-${String(n).padStart(12, '0')}`;

test('status and list say what the last points and drills found, newest first', async () => {
  const api = await createTestApi();
  const read = async (path: string): Promise<Loose> => (await api.call(path, { key: READER })).json();
  expect(await read('/v1/recovery/status')).toMatchObject({ status: 'never', rpo_seconds: null, last_attempt: null });

  const ended = { ended_at: null, manifest_sha256: null };
  for (const n of [1, 2, 3]) {
    const started_at = await beginRestorePoint(api.db, idOf(n));
    const good = n !== 2;
    const status = good ? ('complete' as const) : ('failed' as const);
    const checks = [good ? passed('mirror', { copied: n }) : failed('mirror', 'one is missing')];
    await endRestorePoint(api.db, { id: idOf(n), status, started_at, snapshot_at: started_at, ...ended, checks });
    const expected = n === 1 ? 'never' : n === 2 ? 'failing' : 'never';
    expect((await read('/v1/recovery/status')).status).toBe(expected);
  }
  const drill = { id: idOf(9), point_id: idOf(3) };
  const started_at = await beginRestoreDrill(api.db, drill);
  await endRestoreDrill(api.db, {
    ...drill,
    status: 'passed',
    started_at,
    ended_at: null,
    rto_seconds: 1.5,
    checks: [],
  });
  expect(await read('/v1/recovery/status')).toMatchObject({
    status: 'ok',
    rpo_seconds: expect.any(Number),
    rto_seconds: 1.5,
    last_complete: { id: idOf(3) },
    last_drill: { id: idOf(9), status: 'passed' },
    same_endpoint: true,
    mirror: { objects: 0, bytes: 0 },
  });

  const first = await read('/v1/restore-points?limit=2');
  expect(first.items.map(({ id, status }: { id: string; status: string }) => [id, status])).toEqual([
    [idOf(3), 'complete'],
    [idOf(2), 'failed'],
  ]);
  const second = await read(`/v1/restore-points?limit=2&cursor=${first.next_cursor}`);
  expect(second).toMatchObject({ items: [{ id: idOf(1) }], next_cursor: null });

  expect((await api.call('/v1/restore-points', { method: 'POST', key: READER })).status).toBe(403);
  const asked = await api.call('/v1/restore-points', { method: 'POST' });
  expect(asked.status).toBe(202);
  expect(await asked.json()).toEqual({ workflow_id: 'restore-point-asked' });
});

test('set-up makes the schedules of recovery, each with a note, no overlap and a bounded catch-up', async () => {
  await using deployment = await createRecoveryDeployment();
  const { client } = deployment.workflows;
  const prefix = deployment.config.temporal.task_queue_prefix;
  const ids = scheduleIds(prefix).filter((id) => /restore-|recovery-/.test(id));
  expect(ids.map((id) => id.slice(prefix.length)).toSorted()).toEqual([
    'recovery-watch',
    'restore-drill',
    'restore-point',
    'restore-point-retention',
  ]);
  for (const id of ids) {
    const { state, policies, action } = await client.schedule.getHandle(id).describe();
    expect(state.note).toMatch(/\w/);
    expect(policies).toMatchObject({ overlap: 'SKIP', catchupWindow: 12 * 3_600_000 });
    expect(action.taskQueue).toBe(`${prefix}maintenance`);
  }
});

import { expect, test } from 'vitest';
import { AGE_S_MAX, judgeRecovery } from '../../../src/backup/recovery-status.ts';
import type { RecoveryFacts } from '../../../src/db/read/recovery-facts.ts';
import { failed } from '../../../src/schemas/restore-point.ts';
import type { RestoreDrill, RestorePoint } from '../../../src/schemas/restore-point.ts';

const NOW_MS = Date.parse('2026-03-10T06:00:00Z');
const at = (age_s: number) => new Date(NOW_MS - age_s * 1000).toISOString();

const point = (status: RestorePoint['status'], age_s: number): RestorePoint => ({
  id: '01900000-0000-7000-8000-000000000001',
  status,
  started_at: at(age_s),
  snapshot_at: at(age_s),
  ended_at: at(age_s),
  manifest_sha256: null,
  checks: status === 'complete' ? [] : [failed('mirror', '1 object is missing')],
});
const drill = (status: RestoreDrill['status']): RestoreDrill => ({
  id: '01900000-0000-7000-8000-000000000002',
  point_id: '01900000-0000-7000-8000-000000000001',
  status,
  started_at: at(60),
  ended_at: at(50),
  rto_seconds: 12,
  checks: status === 'passed' ? [] : [failed('tables', 'the rows differ')],
});
const facts = (changes: Partial<RecoveryFacts> = {}): RecoveryFacts => ({
  now_ms: NOW_MS,
  deployed_ms: NOW_MS - 90 * 86_400_000,
  last_attempt: point('complete', 3600),
  last_complete: point('complete', 3600),
  last_drill: drill('passed'),
  verified: { snapshot_ms: NOW_MS - 3_600_000, rto_seconds: 12 },
  ...changes,
});
const failures = (changes: Partial<RecoveryFacts>) =>
  judgeRecovery(facts(changes)).checks.flatMap(({ name, reason }) => (reason === null ? [] : [`${name}: ${reason}`]));

test('a point and a drill of the last night are ok, and their ages are told', () => {
  expect(judgeRecovery(facts())).toMatchObject({ status: 'ok', rpo_seconds: 3600, rto_seconds: 12 });
});

test.each([
  [AGE_S_MAX, 'ok'],
  [AGE_S_MAX + 1, 'stale'],
])('a verified snapshot of %i seconds is %s', (age_s, status) => {
  const aged = {
    last_complete: point('complete', age_s),
    verified: { snapshot_ms: NOW_MS - age_s * 1000, rto_seconds: 1 },
  };
  expect(judgeRecovery(facts(aged)).status).toBe(status);
});

test('points that no drill has verified for more than 26 hours are stale, however young', () => {
  expect(judgeRecovery(facts({ verified: { snapshot_ms: NOW_MS - 30 * 3_600_000, rto_seconds: 1 } })).status).toBe(
    'stale',
  );
  expect(failures({ verified: null })).toEqual(['verified_age: there is none after 2160 hours']);
});

test.each(['incomplete', 'failed'] as const)('a last try that is %s is failing, with its reason', (status) => {
  expect(judgeRecovery(facts({ last_attempt: point(status, 60) })).status).toBe('failing');
  expect(failures({ last_attempt: point(status, 60) })).toEqual(['last_attempt: mirror: 1 object is missing']);
});

test('a failed drill is failing, with its reason', () => {
  expect(judgeRecovery(facts({ last_drill: drill('failed') })).status).toBe('failing');
  expect(failures({ last_drill: drill('failed') })).toEqual(['last_drill: tables: the rows differ']);
});

test('a deployment of today without any point is `never`; after 26 hours it is stale', () => {
  const none = { last_attempt: null, last_complete: null, last_drill: null, verified: null };
  expect(judgeRecovery(facts({ ...none, deployed_ms: NOW_MS - 3_600_000 })).status).toBe('never');
  expect(judgeRecovery(facts({ ...none, deployed_ms: NOW_MS - (AGE_S_MAX + 1) * 1000 })).status).toBe('stale');
});

import { expect, test } from 'vitest';
import { watchRecovery } from '../../../src/runtime/recovery-watch.ts';
import { AppError } from '../../../src/errors.ts';
import { failed, passed } from '../../../src/schemas/restore-point.ts';
import type { RecoveryStatus } from '../../../src/schemas/restore-point.ts';

const status = (changes: Partial<RecoveryStatus>): RecoveryStatus => ({
  status: 'ok',
  rpo_seconds: 60,
  rto_seconds: 1,
  last_attempt: null,
  last_complete: null,
  last_drill: null,
  mirror: { objects: 0, bytes: 0, reread_share: 0 },
  same_endpoint: true,
  checks: [passed('point_age')],
  ...changes,
});

test.each([
  {
    state: 'stale',
    found: async () => status({ status: 'stale', checks: [failed('verified_age', 'it is 30 hours old')] }),
    told: { raised: 'Recovery is stale: verified_age: it is 30 hours old' },
  },
  {
    state: 'unknown',
    found: async () => Promise.reject(new AppError('unavailable', 'the database is away')),
    told: { raised: 'Recovery is unknown: the database is away' },
  },
  { state: 'ok', found: async () => status({}), told: { cleared: 'recovery' } },
])('a recovery that is $state is told to operators with its reasons', async ({ found, told }) => {
  const heard = await new Promise((resolve) => {
    const watching = watchRecovery(found, {
      raise: async ({ message }) => resolve({ raised: message }),
      clear: async (name) => resolve({ cleared: name }),
    });
    watching[Symbol.dispose]();
  });
  expect(heard).toEqual(told);
});

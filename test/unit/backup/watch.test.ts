import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { loadConfig } from '../../../src/runtime/config.ts';
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

const configWith = (webhook: string) =>
  loadConfig({
    DATABASE_URL: 'postgres://me@127.0.0.1/record',
    S3_ENDPOINT: 'http://127.0.0.1:1',
    S3_ACCESS_KEY_ID: 'a',
    S3_SECRET_ACCESS_KEY: 'b',
    TEMPORAL_ADDRESS: '127.0.0.1:1',
    ALERT_WEBHOOK_URL: webhook,
  });

test.each([
  {
    state: 'stale',
    found: async () => status({ status: 'stale', checks: [failed('verified_age', 'it is 30 hours old')] }),
    reasons: ['verified_age: it is 30 hours old'],
  },
  {
    state: 'unknown',
    found: async () => Promise.reject(new AppError('unavailable', 'the database is away')),
    reasons: ['the database is away'],
  },
])(
  'a recovery that is $state is logged and posted to the webhook with its reasons',
  async ({ state, found, reasons }) => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const warnings: object[] = [];
    const posted = once(server, 'request');
    const config = configWith(`http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`);
    const watching = watchRecovery(found, { config, logger: { warn: (facts) => void warnings.push(facts) } });
    const [request, response] = await posted;
    expect(await json(request)).toEqual({ alert: 'recovery', status: state, reasons });
    response.end();
    watching[Symbol.dispose]();
    server.close();
    expect(warnings).toEqual([{ alert: 'recovery', status: state, reasons }]);
  },
);

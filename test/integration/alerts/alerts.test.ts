// The channel to operators: rows, log events, and a webhook whose messages are checked by Standard Webhooks' own library.
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingHttpHeaders, IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { Webhook } from 'standardwebhooks';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { createAlerts, createAnnounce } from '../../../src/alerts/alerts.ts';
import { deliverWebhooks } from '../../../src/alerts/webhook.ts';
import { listAlerts } from '../../../src/db/read/alerts.ts';
import { createTestDatabase } from '../../support/database.ts';
import type { TestDatabase } from '../../support/database.ts';

const HOUR_MS = 3_600_000;
const ALERT = { name: 'recovery', message: 'Recovery is stale', facts: { status: 'stale' } };

let database: TestDatabase;
let receiver: Server;
let received: { headers: IncomingHttpHeaders; body: string }[];
let status: number;
let logged: string[];
let webhook: { url: string; secret: string };

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database?.[Symbol.asyncDispose]());

beforeEach(async () => {
  await database.client.pool.query('truncate alerts, webhook_messages');
  received = [];
  logged = [];
  status = 204;
  const receive = async (request: IncomingMessage, response: ServerResponse) => {
    received.push({ headers: request.headers, body: await text(request) });
    response.writeHead(status).end();
  };
  receiver = createServer((request, response) => void receive(request, response)).listen(0, '127.0.0.1');
  await once(receiver, 'listening');
  const { port } = receiver.address() as AddressInfo;
  webhook = { url: `http://127.0.0.1:${port}/hook`, secret: `whsec_${randomBytes(32).toString('base64')}` };
});
afterEach(() => {
  receiver?.closeAllConnections();
  receiver?.close();
});

const channel = (now = () => new Date()) => {
  const deps = { db: database.client.db, webhook, now, log: (event: string) => void logged.push(event) };
  return { ...createAlerts(deps), announce: createAnnounce(deps) };
};
const deliver = (later_ms = 0) => deliverWebhooks(database.client.db, webhook, () => new Date(Date.now() + later_ms));
const types = () => received.map(({ body }) => (JSON.parse(body) as { type: string }).type);
const open = () => listAlerts(database.client.db, { open: true, limit: 10 });

test('what is raised again while it stands is one alert, told once; when it is over that is told too', async () => {
  const alerts = channel();
  for (let raised = 0; raised < 3; raised += 1) await alerts.raise(ALERT);
  await alerts.raise({ ...ALERT, subject: 'another' });
  expect(await open()).toMatchObject([{ subject: 'another' }, { ...ALERT, subject: '', times: 3, cleared_at: null }]);
  expect(await deliver()).toBe(2);
  await alerts.clear('recovery');
  await alerts.clear('recovery');
  expect(await open()).toMatchObject([{ subject: 'another' }]);
  expect(await deliver()).toBe(1);
  expect(types()).toEqual(['alert.raised', 'alert.raised', 'alert.cleared']);
  expect(logged).toEqual(['alert', 'alert', 'alert cleared']);
  await alerts.raise(ALERT);
  expect(await listAlerts(database.client.db, { open: false, limit: 10 })).toHaveLength(3);
});

test('what still stands after six hours is told again', async () => {
  const alerts = channel();
  await alerts.raise(ALERT);
  await database.client.pool.query(`update alerts set told_at = told_at - interval '6 hours 1 minute'`);
  await alerts.raise(ALERT);
  await alerts.raise(ALERT);
  await deliver();
  expect(types()).toEqual(['alert.raised', 'alert.raised']);
});

test('a message is signed as Standard Webhooks says: its library takes it, and refuses what was changed', async () => {
  await channel().announce('episode.ended', '019c0000-0000-7000-8000-000000000001', { status: 'completed' });
  await deliver();
  const [{ headers, body } = { headers: {}, body: '' }] = received;
  const signed = Object.fromEntries(
    ['webhook-id', 'webhook-timestamp', 'webhook-signature'].map((name) => [name, String(headers[name])]),
  );
  const told = new Webhook(webhook.secret).verify(body, signed);
  expect(told).toEqual({ type: 'episode.ended', timestamp: expect.any(String), data: { status: 'completed' } });
  expect(() => new Webhook(webhook.secret).verify(body.replace('completed', 'failed'), signed)).toThrow(/signature/i);
});

test('a message is due at the time at which it was announced, however fine the clock of the database is', async () => {
  const announced_at = new Date();
  await channel(() => announced_at).announce('episode.ended', '019c0000-0000-7000-8000-000000000004', {});
  expect(await deliverWebhooks(database.client.db, webhook, () => announced_at)).toBe(1);
});

test('a receiver that fails gets the same message again, later and later, until it takes it', async () => {
  const { announce } = channel();
  await announce('episode.ended', '019c0000-0000-7000-8000-000000000002', {});
  await announce('episode.ended', '019c0000-0000-7000-8000-000000000002', {});
  status = 500;
  expect(await deliver()).toBe(0);
  expect(await deliver()).toBe(0);
  expect(received).toHaveLength(1);
  expect(await deliver(6_000)).toBe(0);
  status = 200;
  expect(await deliver(10_000)).toBe(0);
  expect(await deliver(2 * HOUR_MS)).toBe(1);
  expect(await deliver(4 * HOUR_MS)).toBe(0);
  expect(new Set(received.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
  expect(received).toHaveLength(3);
});

test('a message that nobody takes for three days is given up, and says so', async () => {
  await channel().announce('episode.ended', '019c0000-0000-7000-8000-000000000003', {});
  status = 500;
  expect(await deliver(3 * 24 * HOUR_MS + 1)).toBe(0);
  expect(await deliver(8 * 24 * HOUR_MS)).toBe(0);
  const { rows } = await database.client.pool.query(
    `select error, given_up_at is not null as over from webhook_messages`,
  );
  expect(rows).toEqual([{ error: 'the webhook answers HTTP 500', over: true }]);
});

test('an alert about a database that is away reaches the webhook without it, once', async () => {
  const alerts = channel();
  await database.client.pool.query('alter table alerts rename to elsewhere');
  await alerts.raise({ ...ALERT, message: 'the database is away' });
  await alerts.raise({ ...ALERT, message: 'the database is away' });
  await database.client.pool.query('alter table elsewhere rename to alerts');
  expect(types()).toEqual(['alert.raised']);
  expect(logged).toEqual(['alert']);
});

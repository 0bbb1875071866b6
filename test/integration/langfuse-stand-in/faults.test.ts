import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { exportOf, newTraceId, OTLP, otlpSpan, startTestCollector, V4 } from './test-stand-in.ts';
import type { TestCollector } from './test-stand-in.ts';

let collector: TestCollector;
beforeAll(async () => {
  collector = await startTestCollector({ faults: true });
});
afterAll(async () => collector[Symbol.asyncDispose]());
beforeEach(async () => {
  await collector.call('/faults', { method: 'DELETE' });
});

const plan = (...faults: object[]) => collector.post('/faults', { faults });
const made = async () => (await collector.get('/faults')).faults.map((fault: { made: number }) => fault.made);

/** Sends one span. `stored` reads whether it is there. */
async function send(headers: Record<string, string> = V4, init: RequestInit = {}) {
  const traceId = newTraceId();
  const request = collector.call(OTLP, {
    method: 'POST',
    body: JSON.stringify(exportOf(otlpSpan({ traceId }))),
    headers: { 'content-type': 'application/json', ...headers },
    ...init,
  });
  const answer = await request.catch((error: Error) => error);
  const stored = async () => (await collector.api.observations.getMany({ traceId })).data.length;
  return { answer, stored };
}

describe('a fault', () => {
  test.each([
    ['error_500', 500, 'application/json'],
    ['bad_gateway_html', 502, 'text/html; charset=UTF-8'],
    ['unavailable_503', 503, 'application/json'],
    ['rate_limited_429', 429, 'application/json'],
    ['too_large_413', 413, 'application/json'],
  ])('%s answers %d and stores nothing', async (kind, status, type) => {
    await plan({ kind, retry_after_s: 7 });
    const { answer, stored } = await send();
    expect(answer).toMatchObject({ status });
    const { headers } = answer as Response;
    expect(headers.get('content-type')).toBe(type);
    expect(headers.get('retry-after')).toBe(status === 429 ? '7' : null);
    expect(await stored()).toBe(0);
  });

  test('reset_before_storing ends the connection and stores nothing', async () => {
    await plan({ kind: 'reset_before_storing', count: 1 });
    const { answer, stored } = await send();
    expect((answer as Error).cause).toMatchObject({ code: 'ECONNRESET' });
    expect(await stored()).toBe(0);
  });

  test('store_then_reset looks the same to the sender, and stores', async () => {
    await plan({ kind: 'store_then_reset', count: 1 });
    const { answer, stored } = await send();
    expect((answer as Error).cause).toMatchObject({ code: 'ECONNRESET' });
    expect(await stored()).toBe(1);
  });

  test('hang never answers; what gives up has stored nothing', async () => {
    await plan({ kind: 'hang', count: 1 });
    const { answer, stored } = await send(V4, { signal: AbortSignal.timeout(200) });
    expect(answer).toMatchObject({ name: 'TimeoutError' });
    expect(await stored()).toBe(0);
  });

  test('hang does not keep the collector from stopping', async () => {
    const own = await startTestCollector({ faults: true });
    await own.post('/faults', { faults: [{ kind: 'hang' }] });
    const answer = own.post(OTLP, exportOf()).catch((error: Error) => error);
    await expect.poll(async () => (await own.get('/faults')).faults[0].made).toBe(1);
    await own[Symbol.asyncDispose]();
    expect(await answer).toBeInstanceOf(Error);
  });

  test('drop answers 200 and stores nothing', async () => {
    await plan({ kind: 'drop' });
    const { answer, stored } = await send();
    expect(answer).toMatchObject({ status: 200 });
    expect(await stored()).toBe(0);
  });

  test('delay_visibility stores what reads see only later', async () => {
    await plan({ kind: 'delay_visibility', delay_ms: 5_000 });
    const { stored } = await send();
    expect(await stored()).toBe(0);
    collector.pass(4_999);
    expect(await stored()).toBe(0);
    collector.pass(1);
    expect(await stored()).toBe(1);
  });

  test('too_large_413 lets smaller bodies through', async () => {
    await plan({ kind: 'too_large_413', bytes: 1_000 });
    const spans = (count: number) =>
      exportOf(...Array.from({ length: count }, () => otlpSpan({ traceId: newTraceId() })));
    expect((await collector.post(OTLP, spans(1), V4)).status).toBe(200);
    expect((await collector.post(OTLP, spans(10), V4)).status).toBe(413);
  });
});

describe('a plan of faults', () => {
  test('strikes as often as it says, in its order, and tells what it made', async () => {
    await plan({ kind: 'error_500', count: 2 }, { kind: 'unavailable_503', count: 1 });
    const statuses: unknown[] = [];
    for (let request = 0; request < 4; request += 1) statuses.push(((await send()).answer as Response).status);
    expect(statuses).toEqual([500, 500, 503, 200]);
    expect(await made()).toEqual([2, 1]);
  });

  test('strikes the kinds of requests it is for', async () => {
    await plan({ kind: 'unavailable_503', on: ['reads', 'health', 'scores'] });
    expect((await send()).answer).toMatchObject({ status: 200 });
    for (const path of ['/api/public/v2/observations', '/api/public/health'])
      expect((await collector.call(path)).status).toBe(503);
    expect((await collector.post('/api/public/scores', {})).status).toBe(503);
    expect((await collector.call('/')).status).toBe(200);
  });

  test('draws the same lots for the same seed', async () => {
    const drawn = async (seed: number) => {
      await collector.post('/faults', { seed, faults: [{ kind: 'error_500', probability: 0.5 }] });
      const statuses: number[] = [];
      for (let request = 0; request < 20; request += 1)
        statuses.push((await collector.post(OTLP, exportOf(), V4)).status);
      return statuses.join();
    };
    const first = await drawn(1);
    expect(await drawn(1)).toBe(first);
    expect(await drawn(2)).not.toBe(first);
    expect(first).toContain('200');
    expect(first).toContain('500');
  });

  test('is refused when it makes no sense', async () => {
    for (const fault of [
      { kind: 'fire' },
      { kind: 'drop', count: 0 },
      { kind: 'drop', probability: 2 },
      { kind: 'drop', on: [] },
    ])
      expect((await plan(fault)).status).toBe(400);
  });
});

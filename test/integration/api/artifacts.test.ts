import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createTestApi, READER, seedEpisode, seedStep, sha256Of } from './test-api.ts';
import type { TestApi } from './test-api.ts';

let api: TestApi;
beforeAll(async () => {
  api = await createTestApi();
});
afterAll(async () => api[Symbol.asyncDispose]());

const put = (content: string, options: { sha256?: string; type?: string; key?: string } = {}) =>
  api.call(`/v1/artifacts/${options.sha256 ?? sha256Of(content)}`, {
    method: 'PUT',
    body: content,
    headers: { 'content-type': options.type ?? 'application/octet-stream' },
    ...(options.key !== undefined && { key: options.key }),
  });

describe('putting an artifact', () => {
  test('stores the bytes and their row, once', async () => {
    const content = `fresh ${randomUUID()}`;
    const first = await put(content, { type: 'Text/Markdown; charset=utf-8' });
    expect(first.status).toBe(201);
    const sha256 = sha256Of(content);
    expect(await first.json()).toMatchObject({
      sha256,
      size_bytes: content.length,
      uri: `s3://${api.store.bucket}/sha256/${sha256.slice(0, 2)}/${sha256}`,
      href: `/v1/artifacts/${sha256}/content`,
    });
    expect(await (await put(content)).json()).toMatchObject({ content_type: 'text/markdown' });
    expect(await api.store.stat(sha256)).toMatchObject({ size_bytes: content.length, content_type: 'text/markdown' });
    expect(await (await api.call(`/v1/artifacts/${sha256}/content`)).text()).toBe(content);
  });

  test('stores nothing when the bytes have another hash', async () => {
    const sha256 = sha256Of(randomUUID());
    const answer = await put('something else', { sha256 });
    expect(answer.status).toBe(409);
    expect(await api.store.stat(sha256)).toBeUndefined();
    expect((await api.call(`/v1/artifacts/${sha256}`)).status).toBe(404);
  });

  test('takes nothing too, whose hash is known as well', async () => {
    const answer = await put('');
    expect([200, 201]).toContain(answer.status);
    const content = await api.call(`/v1/artifacts/${sha256Of('')}/content`);
    expect([content.status, await content.text()]).toEqual([200, '']);
  });

  test('refuses more than five gibibytes before it reads them', async () => {
    const answer = await api.call(`/v1/artifacts/${'0'.repeat(64)}`, {
      method: 'PUT',
      body: 'x',
      headers: { 'content-length': String(5 * 1024 ** 3 + 1) },
    });
    expect(answer.status).toBe(413);
  });

  test('needs an operator’s key', async () => {
    expect((await put('x', { key: READER })).status).toBe(403);
  });
});

describe('the content of an artifact', () => {
  const content = `0123456789 ${randomUUID()}`;
  const sha256 = sha256Of(content);
  const path = `/v1/artifacts/${sha256}/content`;
  const get = (headers: Record<string, string>, method = 'GET') => api.call(path, { method, headers });
  beforeAll(async () => {
    await put(content);
  });

  test('is served whole, for ever, and by name of its hash', async () => {
    const answer = await get({});
    expect(answer.status).toBe(200);
    expect(await answer.text()).toBe(content);
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      etag: `"${sha256}"`,
      'accept-ranges': 'bytes',
      'cache-control': 'private, max-age=31536000, immutable',
      'content-length': String(content.length),
      'x-content-type-options': 'nosniff',
    });
  });

  test.each([
    ['bytes=0-4', '01234', `bytes 0-4/${content.length}`],
    ['bytes=40-', content.slice(40), `bytes 40-46/${content.length}`],
    ['bytes=-3', content.slice(-3), `bytes 44-46/${content.length}`],
  ])('is served in part for %s', async (range, text, contentRange) => {
    const answer = await get({ range });
    expect(answer.status).toBe(206);
    expect(answer.headers.get('content-range')).toBe(contentRange);
    expect(answer.headers.get('content-length')).toBe(String(text.length));
    expect(await answer.text()).toBe(text);
  });

  test('has no range beyond its end', async () => {
    const answer = await get({ range: 'bytes=100-' });
    expect(answer.status).toBe(416);
    expect(answer.headers.get('content-range')).toBe(`bytes */${content.length}`);
    expect(answer.headers.get('content-type')).toBe('application/problem+json');
  });

  test('is served whole when several ranges are asked for, or one of other content', async () => {
    expect((await get({ range: 'bytes=0-1,3-4' })).status).toBe(200);
    expect((await get({ range: 'bytes=0-1', 'if-range': '"other"' })).status).toBe(200);
    expect((await get({ range: 'bytes=0-1', 'if-range': `"${sha256}"` })).status).toBe(206);
  });

  test('is not sent again to who has it', async () => {
    const answer = await get({ 'if-none-match': `"${sha256}"` });
    expect([answer.status, await answer.text()]).toEqual([304, '']);
    expect(answer.headers.get('etag')).toBe(`"${sha256}"`);
    expect((await get({ 'if-none-match': '"other"' })).status).toBe(200);
  });

  test('is described without being sent', async () => {
    const answer = await get({}, 'HEAD');
    expect([answer.status, await answer.text()]).toEqual([200, '']);
    expect(answer.headers.get('content-length')).toBe(String(content.length));
  });

  test('never runs in a browser: HTML is text, and nothing may load', async () => {
    const html = `<script>alert(1)</script>${randomUUID()}`;
    await put(html, { type: 'text/html' });
    const answer = await api.call(`/v1/artifacts/${sha256Of(html)}/content`);
    expect(answer.headers.get('content-type')).toBe('text/plain; charset=utf-8');
    expect(answer.headers.get('content-security-policy')).toContain('sandbox');
    expect(await answer.text()).toBe(html);
  });

  test('is named as the step named it', async () => {
    const text = `report ${randomUUID()}`;
    const episode = await seedEpisode(api);
    await seedStep(api, episode, { seq: 1, files: [{ path: '/out/Bericht ä.txt', content: text }] });
    const answer = await api.call(`/v1/artifacts/${sha256Of(text)}/content`);
    expect(answer.headers.get('content-disposition')).toBe(
      `inline; filename="Bericht _.txt"; filename*=UTF-8''Bericht%20%C3%A4.txt`,
    );
  });

  test('is served under the type and name of the link that is followed, also where the same bytes have several', async () => {
    const text = `{"seen": "${randomUUID()}"}`;
    const episode = await seedEpisode(api);
    const asText = { path: '/out/notes.txt', content: text };
    const asJson = { path: '/out/facts.json', content: text, type: 'application/json' };
    await seedStep(api, episode, { seq: 1, files: [asText, { ...asJson, role: 'input' }] });
    await seedStep(api, episode, { seq: 2, files: [{ ...asText, type: 'application/x-ndjson' }] });
    const served = async (href: string) => {
      const { status, headers } = await api.call(href);
      const name = /filename="([^"]+)"/.exec(headers.get('content-disposition') ?? '')?.[1];
      return [status, headers.get('content-type'), name];
    };
    type Files = { href: string }[];
    const read = async (path: string): Promise<unknown> =>
      (await api.call(`/v1/episodes/${episode.id}/${path}`)).json();
    const listed = (await read('artifacts')) as { items: Files };
    const steps = (await read('steps')) as { items: { artifacts: Files }[] };
    for (const files of [listed.items, steps.items.flatMap(({ artifacts }) => artifacts)]) {
      const hrefs = files.map(({ href }) => href);
      expect(await Promise.all(hrefs.map(served))).toEqual([
        [200, 'application/json', 'facts.json'],
        [200, 'text/plain; charset=utf-8', 'notes.txt'],
        [200, 'application/x-ndjson', 'notes.txt'],
      ]);
    }
    const other = await api.call(`/v1/artifacts/${sha256Of(text)}/content?path=/out/other.txt`);
    expect([other.status, await other.json()]).toMatchObject([
      404,
      { detail: expect.stringContaining('/out/other.txt') },
    ]);
  });

  test('is 404 where there is none and 400 where the hash is none', async () => {
    expect((await api.call(`/v1/artifacts/${'0'.repeat(64)}/content`)).status).toBe(404);
    expect((await api.call(`/v1/artifacts/${'A'.repeat(64)}/content`)).status).toBe(400);
  });
});

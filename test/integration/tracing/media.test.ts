// A simulation's poster, brought to the stand-in by Langfuse's own client of its media, and read back as Langfuse's pages do.
import { createHash } from 'node:crypto';
import { LangfuseAPIClient, LangfuseMedia } from '@langfuse/core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { deliverUntil } from '../../../src/activities/traces/delivery.ts';
import { countOutbox } from '../../../src/db/read/trace-outbox.ts';
import type { ArtifactLink } from '../../../src/schemas/artifact.ts';
import { mediaTag } from '../../../src/tracing/media.ts';
import { HURRIED, KEYS, openOutbox, PICTURE, readObject } from '../../support/outbox.ts';
import type { Outbox } from '../../support/outbox.ts';

const POSTER: ArtifactLink = {
  role: 'output',
  path: '/renders/1/poster.png',
  sha256: createHash('sha256').update(PICTURE).digest('hex'),
  size_bytes: PICTURE.length,
  content_type: 'image/png',
  kind: 'IMAGE',
  clock: null,
};

let outbox: Outbox;
beforeAll(async () => {
  outbox = await openOutbox();
});
afterAll(() => outbox?.[Symbol.asyncDispose]());

async function deliver(read = readObject) {
  const stop = new AbortController();
  const { alerts } = outbox;
  const deps = {
    ...outbox.database.client,
    alerts,
    readObject: read,
    langfuse: outbox.client(),
    now: () => new Date(),
  };
  const delivering = deliverUntil(stop.signal, { ...deps, timings: HURRIED });
  await outbox.settled();
  stop.abort();
  await delivering;
}

test('a poster is media of its span, once however many steps show it, and other pictures stay links', async () => {
  const still = { ...POSTER, path: '/renders/1/still-1.png' };
  const episode = await outbox.startEpisode();
  let refused = 0;
  const span = await outbox.endStep(episode, 1, [POSTER, still]);
  await outbox.endStep(episode, 2, [POSTER, still]);
  // The store is away at first: that is no reason to give the picture up.
  await deliver(async () => {
    refused += 1;
    if (refused < 3) throw new Error('the store is away');
    return PICTURE;
  });
  const { url: baseUrl } = outbox.collector;
  const api = new LangfuseAPIClient({
    environment: '',
    baseUrl,
    username: KEYS.public_key,
    password: KEYS.secret_key,
  });
  const { data } = await api.observations.getMany({ traceId: episode.trace_id, fields: 'core,metadata' });
  const seen = data.find(({ id }) => id === span);
  const { poster: tag } = (seen?.metadata ?? {}) as { poster?: string };
  expect(tag).toBe(mediaTag(POSTER));
  const langfuses = new LangfuseMedia({ source: 'bytes', contentBytes: PICTURE, contentType: 'image/png' });
  expect(tag).toBe(await langfuses.getTag());

  const media = await api.media.get((await langfuses.getId()) ?? '');
  expect(media).toMatchObject({ contentType: 'image/png', contentLength: PICTURE.length });
  const shown = await fetch(media.url);
  expect(Buffer.from(await shown.arrayBuffer()).equals(PICTURE)).toBe(true);
  expect((await fetch(media.url.replace(/token=.*/, 'token=guess'))).status).toBe(403);
  expect(await countOutbox(outbox.database.client.db)).toMatchObject({ confirmed: 4, parked: 0 });
});

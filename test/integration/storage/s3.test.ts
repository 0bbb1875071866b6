import { createHash, randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { DeleteObjectCommand, HeadObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { objectKey } from '../../../src/storage/keys.ts';
import type { ObjectStore } from '../../../src/storage/object-store.ts';
import { createS3Client } from '../../../src/storage/s3-client.ts';
import { SPOOL_MEMORY_BYTES_MAX } from '../../../src/storage/spool.ts';
import { freshText, openStore, s3Options } from './s3-support.ts';

const MIB = 1024 ** 2;
const contentType = 'application/octet-stream';
const hashOf = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

let store: ObjectStore & AsyncDisposable;
let dir: string;
let spoolDir: string;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 's3-'));
  spoolDir = join(dir, 'spool');
  await mkdir(spoolDir);
  store = openStore({ spoolDir });
});
afterAll(async () => {
  await store[Symbol.asyncDispose]();
  await rm(dir, { recursive: true, force: true });
});

async function* pieces(bytes: Uint8Array, size: number) {
  // One buffer for all chunks, as some producers do: whoever keeps a chunk has to copy it.
  const reused = Buffer.alloc(size);
  for (let at = 0; at < bytes.length; at += size) {
    const part = bytes.subarray(at, at + size);
    reused.set(part);
    yield reused.subarray(0, part.length);
  }
}

describe('objects by content', () => {
  it.each([
    ['no bytes', 0],
    ['one byte', 1],
    ['as much as one request takes', SPOOL_MEMORY_BYTES_MAX],
    ['40 MiB, in parts', 40 * MIB + 1],
  ])('come back as stored: %s', async (_what, size) => {
    const bytes = randomBytes(size);
    const sha256 = hashOf(bytes);
    expect(await store.put(pieces(bytes, 700_001), { contentType: 'video/mp4' })).toEqual({ sha256, size_bytes: size });
    const stat = await store.stat(sha256);
    expect(stat).toMatchObject({ sha256, size_bytes: size });
    // The object of no bytes is everybody's: whoever stored it first said its type.
    expect(size === 0 ? 'video/mp4' : stat?.content_type).toBe('video/mp4');
    expect(hashOf(await store.readBytes(sha256, { maxBytes: size }))).toBe(sha256);
    expect(await readdir(spoolDir)).toEqual([]);
  });

  it('are the same from memory, a stream and a file, and carry their hash as metadata', async () => {
    const text = freshText();
    const file = join(dir, 'source.txt');
    await writeFile(file, text);
    const options = { contentType: 'text/plain' };
    const first = await store.put(Buffer.from(text), options);
    expect(await store.put({ file }, options)).toEqual(first);
    expect(await store.put(createReadStream(file), options)).toEqual(first);
    const client = createS3Client(s3Options());
    const head = await client.send(new HeadObjectCommand({ Bucket: store.bucket, Key: objectKey(first.sha256) }));
    client.destroy();
    expect(head.Metadata).toEqual({ sha256: first.sha256 });
  });

  it.each([
    ['small', 1_000],
    ['in parts', 17 * MIB],
  ])('are stored once when many store them at the same time: %s', async (_what, size) => {
    const bytes = randomBytes(size);
    const results = await Promise.all(Array.from({ length: 6 }, () => store.put(bytes, { contentType })));
    expect(new Set(results.map((result) => result.sha256))).toEqual(new Set([hashOf(bytes)]));
    expect(hashOf(await store.readBytes(hashOf(bytes), { maxBytes: size }))).toBe(hashOf(bytes));
    expect(await readdir(spoolDir)).toEqual([]);
  });

  it('are not stored when another hash was announced', async () => {
    const bytes = Buffer.from(freshText());
    const expected = { sha256: 'a'.repeat(64) };
    await expect(store.put(bytes, { contentType, expected })).rejects.toMatchObject({ code: 'invalid_argument' });
    expect(await store.stat(hashOf(bytes))).toBeUndefined();
    await expect(store.put(bytes, { contentType, expected: { sha256: hashOf(bytes) } })).resolves.toBeDefined();
  });

  it('are not stored when the caller cancels, and leave nothing on disk', async () => {
    const bytes = randomBytes(20 * MIB);
    const stop = new AbortController();
    async function* source() {
      for await (const piece of pieces(bytes, MIB)) yield piece;
      stop.abort();
      yield Buffer.from('more');
    }
    const put = store.put(source(), { contentType, signal: stop.signal });
    await expect(put).rejects.toMatchObject({ code: 'cancelled' });
    expect(await store.stat(hashOf(bytes))).toBeUndefined();
    expect(await readdir(spoolDir)).toEqual([]);
  });

  it('are not stored when their source breaks off', async () => {
    async function* source() {
      yield randomBytes(SPOOL_MEMORY_BYTES_MAX + 1);
      throw new Error('the encoder died');
    }
    await expect(store.put(source(), { contentType })).rejects.toThrow('the encoder died');
    expect(await readdir(spoolDir)).toEqual([]);
  });
});

describe('reading objects', () => {
  const bytes = Buffer.from('0123456789 of ranges');
  const sha256 = hashOf(bytes);
  beforeAll(() => store.put(bytes, { contentType }));

  it.each([
    [{ start: 0, end: 0 }, '0', { start: 0, end: 0 }],
    [{ start: 3, end: 6 }, '3456', { start: 3, end: 6 }],
    [{ start: 14 }, 'ranges', { start: 14, end: 19 }],
    [{ start: 18, end: 1_000 }, 'es', { start: 18, end: 19 }],
  ])('gives the range %j', async (range, text, given) => {
    const read = await store.read(sha256, { range });
    expect((await buffer(read.stream)).toString()).toBe(text);
    expect(read).toMatchObject({ ...given, size_bytes: 20, content_type: contentType });
  });

  it.each([{ start: 20 }, { start: -1 }, { start: 5, end: 4 }, { start: 0.5 }])(
    'refuses the range %j',
    async (range) => {
      await expect(store.read(sha256, { range })).rejects.toMatchObject({ code: 'out_of_range' });
    },
  );

  it('gives the whole object without a range', async () => {
    const read = await store.read(sha256);
    expect(await buffer(read.stream)).toEqual(bytes);
    expect(read).toMatchObject({ start: 0, end: 19, size_bytes: 20 });
  });

  it('refuses to hold more than the caller allows', async () => {
    await expect(store.readBytes(sha256, { maxBytes: 19 })).rejects.toMatchObject({ code: 'resource_exhausted' });
  });

  it('says that an absent object is absent, in every method', async () => {
    const absent = hashOf(Buffer.from(freshText()));
    expect(await store.stat(absent)).toBeUndefined();
    await expect(store.read(absent)).rejects.toMatchObject({ code: 'not_found' });
    await expect(store.readBytes(absent, { maxBytes: 1 })).rejects.toMatchObject({ code: 'not_found' });
    await expect(store.readToFile(absent, join(dir, 'absent'))).rejects.toMatchObject({ code: 'not_found' });
  });

  it('writes a verified file, and none when the object is not what its name says', async () => {
    await store.readToFile(sha256, join(dir, 'copy'));
    expect(await readFile(join(dir, 'copy'))).toEqual(bytes);

    const flipped = Buffer.from(freshText());
    const named = hashOf(flipped);
    flipped[0] = (flipped[0] as number) ^ 1;
    const client = createS3Client(s3Options());
    const Key = objectKey(named);
    await client.send(new PutObjectCommand({ Bucket: store.bucket, Key, Body: flipped }));
    await expect(store.readBytes(named, { maxBytes: 100 })).rejects.toMatchObject({ code: 'data_loss' });
    await expect(store.readToFile(named, join(dir, 'flipped'))).rejects.toMatchObject({ code: 'data_loss' });
    expect((await readdir(dir)).filter((name) => name.startsWith('flipped'))).toEqual([]);
    await client.send(new DeleteObjectCommand({ Bucket: store.bucket, Key }));
    client.destroy();
  });

  it('refuses to store beside bytes of another size under the same name', async () => {
    const text = freshText();
    const Key = objectKey(hashOf(Buffer.from(text)));
    const client = createS3Client(s3Options());
    await client.send(new PutObjectCommand({ Bucket: store.bucket, Key, Body: 'short' }));
    await expect(store.put(Buffer.from(text), { contentType })).rejects.toMatchObject({ code: 'data_loss' });
    await client.send(new DeleteObjectCommand({ Bucket: store.bucket, Key }));
    client.destroy();
  });
});

describe('a store that cannot serve', () => {
  it('is ready only with its bucket there', async () => {
    await expect(store.readyCheck()).resolves.toBeUndefined();
    await using elsewhere = openStore({ bucket: 'no-such-bucket-here' });
    await expect(elsewhere.readyCheck()).rejects.toMatchObject({ code: 'unavailable', retry: 'patiently' });
  });

  it('blames itself, not the agent, for refused credentials', async () => {
    await using stranger = openStore({ credentials: { accessKeyId: 'stranger', secretAccessKey: 'wrong-secret' } });
    const put = stranger.put(Buffer.from(freshText()), { contentType });
    await expect(put).rejects.toMatchObject({ code: 'unavailable', agentVisible: false });
  });

  it('is unavailable when nobody listens', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    await using away = openStore({ endpoint: `http://127.0.0.1:${port}` });
    await expect(away.stat('a'.repeat(64))).rejects.toMatchObject({ code: 'unavailable' });
  });
});

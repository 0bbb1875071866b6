/**
 * Goal: an artifact that is called copied was hashed on the way, and is listed as it is.
 * Method: two buckets of the shared server, under keys of objects that no other test makes; connections are cut by a proxy between.
 */
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { connect, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { HeadObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createBackupStore } from '../../../src/storage/backup-store.ts';
import type { BackupStore } from '../../../src/storage/backup-store.ts';
import { objectKey } from '../../../src/storage/keys.ts';
import { createS3Client } from '../../../src/storage/s3-client.ts';
import { createS3Requests } from '../../../src/storage/s3-requests.ts';
import { s3Options } from './s3-support.ts';

const MIB = 1024 ** 2;
const hashOf = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const artifactOf = (bytes: Uint8Array) => ({ sha256: hashOf(bytes), size_bytes: bytes.length });

let source: BackupStore;
let target: BackupStore;

beforeAll(async () => {
  const bucket = `copies-${randomUUID().slice(0, 8)}`;
  source = createBackupStore({ ...s3Options(), bucket: `${bucket}-source` });
  target = createBackupStore({ ...s3Options(), bucket: `${bucket}-target` });
  for (const store of [source, target]) await store.createBucket();
});
afterAll(async () => {
  for (const store of [source, target]) {
    const keys: string[] = [];
    for await (const { key } of store.list('')) keys.push(key);
    await store.remove(keys);
    await store[Symbol.asyncDispose]();
  }
});

/** Stores bytes in the source under the name of these or others. */
async function keep(bytes: Uint8Array, artifact = artifactOf(bytes)) {
  await source.put(objectKey(artifact.sha256), bytes, { contentType: 'video/mp4' });
  return artifact;
}

test.each([
  ['no bytes', 0],
  ['one byte', 1],
  ['several chunks', MIB + 1],
  ['more than goes in one request', 64 * MIB + 1],
])('an object of %s is copied with its type and hash, and its etag is the one that is listed', async (_, size) => {
  const bytes = randomBytes(size);
  const artifact = await keep(bytes);
  const key = objectKey(artifact.sha256);
  const { etag } = await target.copyArtifact(source, artifact);
  const { stream, ...facts } = await target.read(key);
  expect(facts).toEqual({ size_bytes: size, content_type: 'video/mp4' });
  const hash = createHash('sha256');
  for await (const chunk of stream as AsyncIterable<Uint8Array>) hash.update(chunk);
  expect(hash.digest('hex')).toBe(artifact.sha256);
  const listed: unknown[] = [];
  for await (const { key: name, size_bytes, etag: shown } of target.list(key)) listed.push([name, size_bytes, shown]);
  expect(listed).toEqual([[key, size, etag]]);
  const client = createS3Client(s3Options());
  const head = await client.send(new HeadObjectCommand({ Bucket: target.bucket, Key: key }));
  client.destroy();
  expect(head.Metadata).toEqual({ sha256: artifact.sha256 });
  await expect(target.copyArtifact(source, artifact)).rejects.toMatchObject({ code: 'already_exists' });
});

const flip = (at: number) => (bytes: Buffer) => {
  bytes.writeUInt8((bytes.at(at) ?? 0) ^ 1, (bytes.length + at) % bytes.length);
  return bytes;
};
test.each([
  ['one bit differs, small', 1_000, flip(500)],
  ['the last byte differs', 3 * MIB, flip(-1)],
  ['the last byte differs, in parts', 64 * MIB + 1, flip(-1)],
  ['bytes lack', 3 * MIB, (bytes: Buffer) => bytes.subarray(0, 2 * MIB)],
  ['bytes came after', 3 * MIB, (bytes: Buffer) => Buffer.concat([bytes, Buffer.from('!')])],
  ['nothing is left', 1_000, () => Buffer.alloc(0)],
  ['something stands where nothing should', 0, () => Buffer.from('?')],
])('nothing is stored of an object of which %s', async (what, size, alter) => {
  const bytes = Buffer.alloc(size, what);
  const artifact = artifactOf(bytes);
  await source.remove([objectKey(artifact.sha256)]);
  await target.remove([objectKey(artifact.sha256)]);
  await keep(alter(bytes), artifact);
  await expect(target.copyArtifact(source, artifact)).rejects.toMatchObject({ code: 'data_loss' });
  expect(await target.stat(objectKey(artifact.sha256))).toBeUndefined();
});

test('the server, too, refuses bytes that have another hash than was announced', async () => {
  using requests = createS3Requests(s3Options());
  const key = `announced-${randomUUID()}`;
  async function* body() {
    yield Buffer.from('other');
  }
  const announced = { sha256: hashOf(Buffer.from('these')), size_bytes: 5 };
  await expect(requests.put({ bucket: target.bucket, key }, body(), announced)).rejects.toMatchObject({
    $metadata: { httpStatusCode: 400 },
  });
  expect(await target.stat(key)).toBeUndefined();
});

test('what is not there, or may not be read, is told as that', async () => {
  const absent = artifactOf(Buffer.from(randomUUID()));
  await expect(target.copyArtifact(source, absent)).rejects.toMatchObject({ code: 'not_found' });
  const { endpoint, region, bucket } = { ...s3Options(), bucket: source.bucket };
  const credentials = { accessKeyId: 'nobody', secretAccessKey: 'wrong' };
  await using refused = createBackupStore({ endpoint, region, bucket, credentials });
  await expect(target.copyArtifact(refused, absent)).rejects.toThrow(/refused our credentials/);
  await expect(refused.list('').next()).rejects.toThrow(/refused our credentials/);
  await using nowhere = createBackupStore({ ...s3Options(), bucket: `${bucket}-absent` });
  await expect(nowhere.list('').next()).rejects.toThrow(/bucket does not exist/);
  await expect(target.copyArtifact(nowhere, absent)).rejects.toMatchObject({ code: 'unavailable' });
});

test('names of more than a page, and of any characters, are listed once each, in order', async () => {
  const client = createS3Client(s3Options());
  const folder = `page-${randomUUID()}/`;
  const names = [...Array.from({ length: 1_003 }, (_, n) => String(n)), `a&b <c> "d" 'e' é ~!*()`].map(
    (name) => folder + name,
  );
  let at = 0;
  const lane = async () => {
    for (let Key = names[at++]; Key !== undefined; Key = names[at++])
      await client.send(new PutObjectCommand({ Bucket: source.bucket, Key, Body: 'x' }));
  };
  await Promise.all(Array.from({ length: 16 }, lane));
  client.destroy();
  const listed: string[] = [];
  for await (const { key } of source.list(folder)) listed.push(key);
  expect(listed).toEqual(names.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))));
  const odd = names.at(-1) ?? '';
  expect(await text((await source.read(odd)).stream)).toBe('x');
  for await (const { key } of source.list(odd)) expect(key).toBe(odd);
});

test.each([
  ['the answer', 0],
  ['the bytes, half-way', MIB],
])('a copy whose connection is cut before %s is made again', async (_, bytesPassed) => {
  const { endpoint, ...options } = s3Options();
  const { hostname, port } = new URL(endpoint);
  let cuts = 2;
  // To the source or, for the second cut, to the target: both are reached through it.
  const proxy = createServer((near) => {
    const far = connect(Number(port), hostname);
    let passed = 0;
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      from.on('error', () => to.destroy());
      from.on('close', () => to.destroy());
      from.on('data', (chunk) => {
        passed += chunk.length;
        if (cuts > 0 && passed > bytesPassed) {
          cuts--;
          near.destroy();
        } else to.write(chunk);
      });
    }
  });
  await new Promise<void>((listening) => proxy.listen(0, '127.0.0.1', listening));
  const { port: near } = proxy.address() as AddressInfo;
  await using through = createBackupStore({ ...options, endpoint: `http://127.0.0.1:${near}`, bucket: source.bucket });
  await using to = createBackupStore({ ...options, endpoint: `http://127.0.0.1:${near}`, bucket: target.bucket });
  const artifact = await keep(randomBytes(3 * MIB));
  await to.copyArtifact(through, artifact);
  expect(cuts).toBe(0);
  const { stream } = await target.read(objectKey(artifact.sha256));
  const hash = createHash('sha256');
  for await (const chunk of stream as AsyncIterable<Uint8Array>) hash.update(chunk);
  expect(hash.digest('hex')).toBe(artifact.sha256);
  proxy.close();
});

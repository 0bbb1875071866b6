import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { stat as statFile } from 'node:fs/promises';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import {
  CreateBucketCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
} from '@aws-sdk/client-s3';
import type { S3Client } from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { AppError } from '../errors.ts';
import type { BackupPart } from '../schemas/restore-point.ts';
import { objectKey } from './keys.ts';
import { createS3Client, fromS3, s3Status } from './s3-client.ts';
import type { S3Connection } from './s3-client.ts';

/** Bytes of one part, unless the file is so large that S3's 10,000 parts would not do. */
const PART_BYTES = 16 * 1024 ** 2;
/** Many artifacts are on their way at once. */
const ARTIFACT_PART_BYTES = 8 * 1024 ** 2;
const PARTS_MAX = 9_000;
const PARTS_IN_FLIGHT_MAX = 2;
/** What one request may delete, by S3's rule. */
const DELETE_KEYS_MAX = 1_000;
const READ_BYTES = 1024 ** 2;

/** An object as a listing shows it. The etag changes when somebody writes the object; it is no hash of ours. */
export type ListedObject = { key: string; size_bytes: number; etag: string; modified_at: Date };

/**
 * Objects by name in one bucket: the parts of restore points. Nothing is ever overwritten. Every method throws
 * `unavailable` or `deadline_exceeded` when the store cannot be reached or the bucket does not exist.
 */
export interface BackupStore extends AsyncDisposable {
  readonly bucket: string;
  /** Stores a file or bytes under a name that is free, hashed on the way. Throws already_exists. */
  put(
    key: string,
    source: Uint8Array | { file: string },
    options: { contentType: string; signal?: AbortSignal },
  ): Promise<BackupPart>;
  /**
   * Stores an artifact under its own name, which is free, from a stream that is hashed on the way; returns the object's etag. Nothing is
   * stored unless the hash and the length are those of the artifact: then it throws data_loss. Throws already_exists.
   */
  putArtifact(
    artifact: { sha256: string; size_bytes: number },
    stream: Readable,
    options: { contentType: string; signal?: AbortSignal },
  ): Promise<{ etag: string }>;
  /** A whole small object. Throws not_found, or resource_exhausted above `maxBytes`. */
  readBytes(key: string, maxBytes: number): Promise<Uint8Array>;
  /** Writes a part to a file. Throws not_found, or data_loss unless size and hash are what the part says. */
  readToFile(part: BackupPart, path: string, signal?: AbortSignal): Promise<void>;
  /** What a listing would show of the object, or undefined. */
  stat(key: string): Promise<ListedObject | undefined>;
  /** Every object whose name begins so, in the order of names. */
  list(prefix: string): AsyncGenerator<ListedObject>;
  /** Removes objects; those that are gone already count as removed. */
  remove(keys: string[]): Promise<void>;
  /** Resolves when the bucket answers, else throws why not. */
  readyCheck(): Promise<void>;
  /** Makes the bucket unless it is there. */
  createBucket(): Promise<void>;
}

/** The named objects of one bucket of an S3 server. Disposing closes its connections. */
export function createBackupStore(options: S3Connection & { bucket: string }): BackupStore {
  const { bucket } = options;
  const client = createS3Client(options);
  const at: Place = { client, bucket };
  return {
    bucket,
    put: async (key, source, { contentType, signal }) => put(at, { key, source, contentType, signal }),
    putArtifact: async (artifact, stream, { contentType, signal }) =>
      putArtifact(at, { artifact, stream, contentType, signal }),
    async readBytes(key, maxBytes) {
      const { body, size } = await open(at, key);
      if (size > maxBytes) {
        body.destroy();
        throw new AppError('resource_exhausted', `${key} has ${size} bytes; at most ${maxBytes} fit here.`);
      }
      const chunks: Uint8Array[] = [];
      for await (const chunk of body as AsyncIterable<Uint8Array>) chunks.push(chunk);
      return Buffer.concat(chunks);
    },
    readToFile: async (part, path, signal) => readToFile(at, { part, path, signal }),
    stat: async (key) => stat(at, key),
    list: (prefix) => list(at, prefix),
    remove: async (keys) => remove(at, keys),
    async readyCheck() {
      await client.send(new HeadBucketCommand({ Bucket: bucket })).catch((error: unknown) => {
        // HEAD has no body, so a missing bucket is a bare 404.
        if (s3Status(error) === 404) throw new AppError('unavailable', `The bucket ${bucket} does not exist.`);
        throw fromS3(error);
      });
    },
    async createBucket() {
      await client.send(new CreateBucketCommand({ Bucket: bucket })).catch((error: unknown) => {
        const name = error instanceof Error ? error.name : '';
        if (name !== 'BucketAlreadyOwnedByYou' && name !== 'BucketAlreadyExists') throw fromS3(error);
      });
    },
    async [Symbol.asyncDispose]() {
      client.destroy();
    },
  };
}

type Place = { client: S3Client; bucket: string };

type Meter = { size_bytes: number; sha256: () => string };

/** Passes bytes on, hashing and counting them; at their end fails with what `refuse` says of them, if anything. */
function createMeter(refuse: (metered: Meter) => AppError | null = () => null) {
  const hash = createHash('sha256');
  const meter: Meter = { size_bytes: 0, sha256: () => hash.digest('hex') };
  const stream = new Transform({
    transform(chunk: Uint8Array, _encoding, done) {
      hash.update(chunk);
      meter.size_bytes += chunk.byteLength;
      done(null, chunk);
    },
    flush: (done) => done(refuse(meter)),
  });
  return { meter, stream };
}

type Put = {
  key: string;
  source: Uint8Array | { file: string };
  contentType: string;
  signal: AbortSignal | undefined;
};

async function put(at: Place, { key, source, contentType, signal }: Put): Promise<BackupPart> {
  const { meter, stream } = createMeter();
  const inMemory = source instanceof Uint8Array;
  const length = inMemory ? source.byteLength : (await statFile(source.file)).size;
  const bytes = inMemory ? Readable.from([source]) : createReadStream(source.file, { highWaterMark: READ_BYTES });
  await upload(at, {
    params: { Key: key, ContentType: contentType },
    length,
    parts: [bytes, stream],
    part_bytes: PART_BYTES,
    signal,
  });
  return { key, sha256: meter.sha256(), size_bytes: meter.size_bytes };
}

type PutArtifact = {
  artifact: { sha256: string; size_bytes: number };
  stream: Readable;
  contentType: string;
  signal: AbortSignal | undefined;
};

async function putArtifact(
  at: Place,
  { artifact, stream, contentType, signal }: PutArtifact,
): Promise<{ etag: string }> {
  const { sha256, size_bytes } = artifact;
  const params = { Key: objectKey(sha256), ContentType: contentType, Metadata: { sha256 } };
  // An upload whose stream fails at its very end stores nothing.
  const { stream: checked } = createMeter((metered) =>
    metered.size_bytes === size_bytes && metered.sha256() === sha256
      ? null
      : new AppError('data_loss', `The bytes are not those of the artifact ${sha256}.`),
  );
  return upload(at, { params, length: size_bytes, parts: [stream, checked], part_bytes: ARTIFACT_PART_BYTES, signal });
}

type Uploading = {
  params: { Key: string; ContentType: string; Metadata?: Record<string, string> };
  length: number;
  parts: [Readable, Transform];
  part_bytes: number;
  signal: AbortSignal | undefined;
};

async function upload(
  { client, bucket }: Place,
  { params, length, parts, part_bytes, signal }: Uploading,
): Promise<{ etag: string }> {
  const [bytes, stream] = parts;
  const sending = new Upload({
    client,
    params: { ...params, Bucket: bucket, Body: stream, IfNoneMatch: '*' },
    partSize: Math.max(part_bytes, Math.ceil(length / PARTS_MAX)),
    queueSize: PARTS_IN_FLIGHT_MAX,
  });
  const stop = () => void sending.abort();
  signal?.addEventListener('abort', stop, { once: true });
  try {
    const [, { ETag }] = await Promise.all([pipeline(bytes, stream), sending.done()]);
    return { etag: bareEtag(ETag) };
  } catch (error) {
    bytes.destroy();
    if (s3Status(error) === 412)
      throw new AppError('already_exists', `${params.Key} exists already.`, { cause: error });
    throw fromS3(error);
  } finally {
    signal?.removeEventListener('abort', stop);
  }
}

async function readToFile(
  at: Place,
  { part, path, signal }: { part: BackupPart; path: string; signal: AbortSignal | undefined },
): Promise<void> {
  const { key, sha256, size_bytes } = part;
  const { body } = await open(at, key, signal);
  const { meter, stream } = createMeter();
  await pipeline(body, stream, createWriteStream(path, { mode: 0o600 })).catch((error: unknown) => {
    throw fromS3(error);
  });
  if (meter.size_bytes !== size_bytes || meter.sha256() !== sha256)
    throw new AppError('data_loss', `${key} is damaged: its bytes are not those that were stored.`, {
      details: { key, size_bytes, read_bytes: meter.size_bytes },
    });
}

async function open({ client, bucket }: Place, key: string, signal?: AbortSignal) {
  const command = new GetObjectCommand({ Bucket: bucket, Key: key });
  const got = await answered(bucket, key, client.send(command, signal ? { abortSignal: signal } : {}));
  return { body: got.Body instanceof Readable ? got.Body : Readable.from([]), size: got.ContentLength ?? 0 };
}

async function stat({ client, bucket }: Place, key: string): Promise<ListedObject | undefined> {
  try {
    const head = await answered(bucket, key, client.send(new HeadObjectCommand({ Bucket: bucket, Key: key })));
    const { ContentLength: size_bytes = 0, LastModified: modified_at = new Date(0) } = head;
    return { key, size_bytes, etag: bareEtag(head.ETag), modified_at };
  } catch (error) {
    if (error instanceof AppError && error.code === 'not_found') return undefined;
    throw error;
  }
}

async function* list({ client, bucket }: Place, prefix: string): AsyncGenerator<ListedObject> {
  let after: string | undefined;
  do {
    const command = new ListObjectsV2Command({
      Bucket: bucket,
      Prefix: prefix,
      ...(after && { ContinuationToken: after }),
    });
    const page = await answered(bucket, prefix, client.send(command));
    for (const { Key: key, Size: size_bytes = 0, ETag, LastModified: modified_at = new Date(0) } of page.Contents ?? [])
      if (key !== undefined) yield { key, size_bytes, etag: bareEtag(ETag), modified_at };
    after = page.IsTruncated ? page.NextContinuationToken : undefined;
  } while (after !== undefined);
}

async function remove({ client, bucket }: Place, keys: string[]): Promise<void> {
  for (let at = 0; at < keys.length; at += DELETE_KEYS_MAX) {
    const Objects = keys.slice(at, at + DELETE_KEYS_MAX).map((Key) => ({ Key }));
    const command = new DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects } });
    const { Errors: [first] = [] } = await answered(bucket, 'what is removed', client.send(command));
    if (first) throw new AppError('unavailable', `The object store did not remove ${first.Key}: ${first.Code}.`);
  }
}

async function answered<T>(bucket: string, key: string, request: Promise<T>): Promise<T> {
  return request.catch((error: unknown) => {
    if (s3Status(error) === 404 && (error as Error).name !== 'NoSuchBucket')
      throw new AppError('not_found', `There is no object ${key} in the bucket ${bucket}.`, { cause: error });
    throw fromS3(error);
  });
}

function bareEtag(etag: string | undefined): string {
  return (etag ?? '').replaceAll('"', '');
}

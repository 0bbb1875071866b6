import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { stat as statFile } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { buffer, text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { CreateBucketCommand, DeleteObjectsCommand, HeadBucketCommand, HeadObjectCommand } from '@aws-sdk/client-s3';
import type { S3Client } from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { AppError } from '../errors.ts';
import type { BackupPart } from '../schemas/restore-point.ts';
import { objectKey } from './keys.ts';
import { createS3Client, fromS3, s3Status, BUCKET_MISSING } from './s3-client.ts';
import type { S3Connection } from './s3-client.ts';
import { bareEtag, parseListing } from './s3-listing.ts';
import type { ListedObject } from './s3-listing.ts';
import { createS3Requests, retrying } from './s3-requests.ts';
import type { S3Requests } from './s3-requests.ts';

/** Bytes of one part, unless the file is so large that S3's 10,000 parts would not do. */
const PART_BYTES = 16 * 1024 ** 2;
/** Many artifacts are on their way at once: those up to this many bytes in one request as they come, larger ones in parts that are held. */
const ONE_REQUEST_BYTES_MAX = 64 * 1024 ** 2;
const ARTIFACT_PART_BYTES = 8 * 1024 ** 2;
const PARTS_MAX = 9_000;
const PARTS_IN_FLIGHT_MAX = 2;
/** What one request may delete, by S3's rule. */
const DELETE_KEYS_MAX = 1_000;
const READ_BYTES = 1024 ** 2;

/** What an artifact's bytes must be. */
type Artifact = { sha256: string; size_bytes: number };
type ReadObject = { stream: Readable; size_bytes: number; content_type: string };

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
   * Copies an artifact from another bucket to its own name here, which is free, through its hash, a few times if a server is away;
   * returns the object's etag. Nothing is stored unless hash and length are the artifact's: then it throws data_loss. Throws
   * already_exists, and not_found when the other bucket has no such object.
   */
  copyArtifact(from: BackupStore, artifact: Artifact, signal?: AbortSignal): Promise<{ etag: string }>;
  /** An object's bytes as they come, not verified. Throws not_found. */
  read(key: string, signal?: AbortSignal): Promise<ReadObject>;
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
  const requests = createS3Requests(options);
  const at: Place = { client, requests, bucket };
  return {
    bucket,
    put: async (key, source, { contentType, signal }) => put(at, { key, source, contentType, signal }),
    copyArtifact: async (from, artifact, signal) =>
      retrying(async () => {
        const read = await from.read(objectKey(artifact.sha256), signal);
        return putArtifact(at, { artifact, read, signal });
      }, signal),
    read: async (key, signal) => read(at, key, signal),
    async readBytes(key, maxBytes) {
      const { stream, size_bytes } = await read(at, key);
      if (size_bytes > maxBytes) {
        stream.destroy();
        throw new AppError('resource_exhausted', `${key} has ${size_bytes} bytes; at most ${maxBytes} fit here.`);
      }
      return buffer(stream);
    },
    readToFile: async (part, path, signal) => readToFile(at, { part, path, signal }),
    stat: async (key) => stat(at, key),
    list: (prefix) => list(at, prefix),
    remove: async (keys) => remove(at, keys),
    async readyCheck() {
      await client.send(new HeadBucketCommand({ Bucket: bucket })).catch((error: unknown) => {
        // HEAD has no body, so a missing bucket is a bare 404.
        if (s3Status(error) === 404)
          throw new AppError('unavailable', `The bucket ${bucket} does not exist.`, {
            details: { reason: BUCKET_MISSING },
          });
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
      requests[Symbol.dispose]();
    },
  };
}

type Place = { client: S3Client; requests: S3Requests; bucket: string };

/** Passes bytes on, hashing and counting them. */
function createMeter() {
  const hash = createHash('sha256');
  const meter = { size_bytes: 0, sha256: () => hash.digest('hex'), through };
  async function* through(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of bytes) {
      hash.update(chunk);
      meter.size_bytes += chunk.byteLength;
      yield chunk;
    }
  }
  return meter;
}

type Put = {
  key: string;
  source: Uint8Array | { file: string };
  contentType: string;
  signal: AbortSignal | undefined;
};

async function put(at: Place, { key, source, contentType, signal }: Put): Promise<BackupPart> {
  const meter = createMeter();
  const inMemory = source instanceof Uint8Array;
  const length = inMemory ? source.byteLength : (await statFile(source.file)).size;
  const bytes = inMemory ? Readable.from([source]) : createReadStream(source.file, { highWaterMark: READ_BYTES });
  const params = { Key: key, ContentType: contentType };
  await upload(at, { params, length, body: meter.through(bytes), part_bytes: PART_BYTES, signal });
  return { key, sha256: meter.sha256(), size_bytes: meter.size_bytes };
}

type PutArtifact = { artifact: Artifact; read: ReadObject; signal: AbortSignal | undefined };

async function putArtifact(at: Place, { artifact, read, signal }: PutArtifact): Promise<{ etag: string }> {
  const { sha256, size_bytes } = artifact;
  const Key = objectKey(sha256);
  const body = checked(read.stream, artifact);
  const ContentType = read.content_type;
  if (size_bytes > ONE_REQUEST_BYTES_MAX) {
    const params = { Key, ContentType, Metadata: { sha256 } };
    return upload(at, { params, length: size_bytes, body, part_bytes: ARTIFACT_PART_BYTES, signal });
  }
  const headers = { 'content-type': ContentType, 'x-amz-meta-sha256': sha256, 'if-none-match': '*' };
  const request = { bucket: at.bucket, key: Key, headers, signal };
  const sending = at.requests.put(request, body, artifact);
  const head = await sending.catch((error: unknown) => refused(error, Key));
  return { etag: bareEtag(head.etag) };
}

/** The bytes as they come, but for the last of them unless all together are the artifact's: then it throws, and no store takes half an object. */
async function* checked(stream: Readable, { sha256, size_bytes }: Artifact): AsyncGenerator<Uint8Array> {
  const meter = createMeter();
  let last: Uint8Array | undefined;
  for await (const chunk of meter.through(stream)) {
    if (meter.size_bytes > size_bytes) break;
    if (last) yield last;
    last = chunk;
  }
  if (meter.size_bytes !== size_bytes || meter.sha256() !== sha256)
    throw new AppError('data_loss', `The bytes are not those of the artifact ${sha256}.`);
  if (last) yield last;
}

type Uploading = {
  params: { Key: string; ContentType: string; Metadata?: Record<string, string> };
  length: number;
  body: AsyncIterable<Uint8Array>;
  part_bytes: number;
  signal: AbortSignal | undefined;
};

async function upload(
  { client, bucket }: Place,
  { params, length, body, part_bytes, signal }: Uploading,
): Promise<{ etag: string }> {
  const stream = Readable.from(body, { objectMode: false });
  const sending = new Upload({
    client,
    params: { ...params, Bucket: bucket, Body: stream, IfNoneMatch: '*' },
    partSize: Math.max(part_bytes, Math.ceil(length / PARTS_MAX)),
    queueSize: PARTS_IN_FLIGHT_MAX,
  });
  const stop = () => void sending.abort();
  signal?.addEventListener('abort', stop, { once: true });
  try {
    const { ETag } = await sending.done();
    return { etag: bareEtag(ETag) };
  } catch (error) {
    stream.destroy();
    return refused(error, params.Key);
  } finally {
    signal?.removeEventListener('abort', stop);
  }
}

function refused(error: unknown, key: string): never {
  if (s3Status(error) === 412) throw new AppError('already_exists', `${key} exists already.`, { cause: error });
  throw fromS3(error);
}

async function readToFile(
  at: Place,
  { part, path, signal }: { part: BackupPart; path: string; signal: AbortSignal | undefined },
): Promise<void> {
  const { key, sha256, size_bytes } = part;
  const { stream } = await read(at, key, signal);
  const meter = createMeter();
  await pipeline(stream, meter.through, createWriteStream(path, { mode: 0o600 })).catch((error: unknown) => {
    throw fromS3(error);
  });
  if (meter.size_bytes !== size_bytes || meter.sha256() !== sha256)
    throw new AppError('data_loss', `${key} is damaged: its bytes are not those that were stored.`, {
      details: { key, size_bytes, read_bytes: meter.size_bytes },
    });
}

async function read({ requests, bucket }: Place, key: string, signal?: AbortSignal): Promise<ReadObject> {
  const stream = await answered(bucket, key, requests.get({ bucket, key, signal }));
  const { 'content-length': length, 'content-type': content_type = 'application/octet-stream' } = stream.headers;
  return { stream, size_bytes: Number(length ?? 0), content_type };
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

async function* list({ requests, bucket }: Place, prefix: string): AsyncGenerator<ListedObject> {
  for (let after: string | undefined = ''; after !== undefined;) {
    const query = { 'list-type': '2', prefix, ...(after && { 'continuation-token': after }) };
    const page = parseListing(await text(await answered(bucket, prefix, requests.get({ bucket, query }))));
    yield* page.objects;
    after = page.next;
  }
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

import { createHash, randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { rename, unlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { GetObjectCommand, HeadBucketCommand, HeadObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import type { S3Client } from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { AppError } from '../errors.ts';
import type { Sha256 } from '../schemas/primitives.ts';
import { objectKey } from './keys.ts';
import type { ByteRange, ObjectRead, ObjectStat, ObjectStore } from './object-store.ts';
import { createS3Client, fromS3, s3Status, BUCKET_MISSING } from './s3-client.ts';
import type { S3Connection } from './s3-client.ts';
import { spool } from './spool.ts';
import type { Spooled } from './spool.ts';

/** Bytes of one part; 5 GiB are then 320 parts, and S3 allows 10,000. */
const PART_BYTES = 16 * 1024 ** 2;
/** Parts in flight of one object, each held in memory. */
const PARTS_IN_FLIGHT_MAX = 2;
/** Tries of a conditional write that loses a race to one that then fails (Amazon answers 409). */
const CONDITIONAL_WRITES_MAX = 5;

/**
 * Where the artifacts are, and optionally where large streams wait on disk while they are hashed. `claim` is awaited before the
 * object is looked for: from then on nobody may take away what lies under this hash.
 */
export interface S3StoreOptions extends S3Connection {
  bucket: string;
  spoolDir?: string;
  claim?: (sha256: Sha256) => Promise<void>;
}

/** An `ObjectStore` in one bucket of an S3 server. Disposing closes its connections. */
export function createS3ObjectStore(options: S3StoreOptions): ObjectStore & AsyncDisposable {
  const { bucket, spoolDir = tmpdir() } = options;
  const client = createS3Client(options);

  const store: ObjectStore = {
    bucket,
    async put(source, { contentType, signal, expected }) {
      try {
        await using spooled = await spool(source, spoolDir, signal);
        const { sha256, size_bytes } = spooled;
        if (expected && expected.sha256 !== sha256) {
          throw new AppError('invalid_argument', 'The bytes do not have the SHA-256 that was announced.', {
            details: { expected_sha256: expected.sha256, sha256 },
          });
        }
        await options.claim?.(sha256);
        await putOnce({ client, bucket, spooled, contentType, signal });
        return { sha256, size_bytes };
      } catch (error) {
        if (signal?.aborted) throw new AppError('cancelled', 'The upload was cancelled.', { cause: error });
        throw fromS3(error);
      }
    },

    stat: (sha256) => stat(client, bucket, sha256),

    async read(sha256, { range, signal } = {}) {
      return read(client, { bucket, sha256, range, signal });
    },

    async readBytes(sha256, { maxBytes, signal }) {
      const { stream, size_bytes } = await read(client, { bucket, sha256, signal });
      if (size_bytes > maxBytes) {
        stream.destroy();
        throw new AppError('resource_exhausted', `The object has ${size_bytes} bytes; at most ${maxBytes} fit here.`, {
          details: { sha256, size_bytes, max_bytes: maxBytes },
        });
      }
      const chunks: Uint8Array[] = [];
      await pipeline(stream, verify(sha256, size_bytes), async (verified: AsyncIterable<Uint8Array>) => {
        for await (const chunk of verified) chunks.push(chunk);
      }).catch(rethrow);
      return Buffer.concat(chunks);
    },

    async readToFile(sha256, path, { signal } = {}) {
      const { stream, size_bytes } = await read(client, { bucket, sha256, signal });
      const part = `${path}.part-${randomUUID()}`;
      try {
        await pipeline(stream, verify(sha256, size_bytes), createWriteStream(part, { flags: 'wx' }));
        await rename(part, path);
      } catch (error) {
        await unlink(part).catch(() => {}); // It may never have been created; the first error is the one that counts.
        throw fromS3(error);
      }
      return { size_bytes };
    },

    async readyCheck() {
      await client.send(new HeadBucketCommand({ Bucket: bucket })).catch((error: unknown) => {
        // HEAD has no body, so a missing bucket is a bare 404.
        if (s3Status(error) === 404)
          throw new AppError('unavailable', `The bucket ${bucket} does not exist.`, {
            details: { reason: BUCKET_MISSING },
          });
        rethrow(error);
      });
    },
  };
  return {
    ...store,
    async [Symbol.asyncDispose]() {
      client.destroy();
    },
  };
}

interface PutOnce {
  client: S3Client;
  bucket: string;
  spooled: Spooled;
  contentType: string;
  signal: AbortSignal | undefined;
}

/** Leaves the object in the bucket, whoever else is writing it: present already, written here, or written there meanwhile. */
async function putOnce({ client, bucket, spooled, contentType, signal }: PutOnce): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const present = await stat(client, bucket, spooled.sha256);
    if (present) {
      if (present.size_bytes === spooled.size_bytes) return;
      throw new AppError('data_loss', 'The object store holds other bytes under the key of this content.', {
        details: { sha256: spooled.sha256, size_bytes: spooled.size_bytes, stored_bytes: present.size_bytes },
      });
    }
    signal?.throwIfAborted();
    try {
      return await upload({ client, bucket, spooled, contentType, signal });
    } catch (error) {
      const status = s3Status(error);
      // 412: somebody finished first, perhaps we, with the answer lost. 409: somebody is writing, and may still fail.
      // 404: the multipart upload is gone, as after a lost answer to its completion. All of them look again.
      const lookAgain = status === 412 || status === 409 || status === 404;
      if (!lookAgain || attempt === CONDITIONAL_WRITES_MAX) throw error;
    }
  }
}

async function upload({ client, bucket, spooled, contentType, signal }: PutOnce): Promise<void> {
  const target = {
    Bucket: bucket,
    Key: objectKey(spooled.sha256),
    ContentType: contentType,
    Metadata: { sha256: spooled.sha256 },
    IfNoneMatch: '*',
  };
  const abort = signal ? { abortSignal: signal } : {};
  if (spooled.bytes) {
    // The server checks the body against our hash before it keeps anything.
    const ChecksumSHA256 = Buffer.from(spooled.sha256, 'hex').toString('base64');
    await client.send(new PutObjectCommand({ ...target, Body: spooled.bytes, ChecksumSHA256 }), abort);
    return;
  }
  const Body = createReadStream(spooled.file as string, { highWaterMark: 1024 ** 2 });
  const parts = new Upload({
    client,
    params: { ...target, Body },
    partSize: PART_BYTES,
    queueSize: PARTS_IN_FLIGHT_MAX,
  });
  const stop = () => void parts.abort();
  signal?.addEventListener('abort', stop, { once: true });
  try {
    await parts.done();
  } finally {
    signal?.removeEventListener('abort', stop);
    Body.destroy();
  }
}

async function stat(client: S3Client, bucket: string, sha256: Sha256): Promise<ObjectStat | undefined> {
  const Key = objectKey(sha256);
  try {
    const head = await client.send(new HeadObjectCommand({ Bucket: bucket, Key }));
    return { sha256, size_bytes: head.ContentLength ?? 0, content_type: head.ContentType ?? OCTETS };
  } catch (error) {
    if (s3Status(error) === 404 && (error as Error).name !== 'NoSuchBucket') return undefined;
    throw fromS3(error);
  }
}

const OCTETS = 'application/octet-stream';

interface ReadRequest {
  bucket: string;
  sha256: Sha256;
  range?: ByteRange | undefined;
  signal?: AbortSignal | undefined;
}

async function read(client: S3Client, { bucket, sha256, range, signal }: ReadRequest): Promise<ObjectRead> {
  const Range = range && rangeHeader(range);
  try {
    const command = new GetObjectCommand({ Bucket: bucket, Key: objectKey(sha256), ...(Range ? { Range } : {}) });
    const got = await client.send(command, signal ? { abortSignal: signal } : {});
    const length = got.ContentLength ?? 0;
    // "bytes 5-9/100": what the server really sent, and the whole object's size.
    const [, start, end, whole] = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(got.ContentRange ?? '') ?? [];
    return {
      stream: got.Body instanceof Readable ? got.Body : Readable.from([]),
      size_bytes: whole === undefined ? length : Number(whole),
      content_type: got.ContentType ?? OCTETS,
      start: Number(start ?? 0),
      end: end === undefined ? length - 1 : Number(end),
    };
  } catch (error) {
    if (s3Status(error) === 404 && (error as Error).name !== 'NoSuchBucket') {
      throw new AppError('not_found', 'There is no such object.', { cause: error, details: { sha256 } });
    }
    throw fromS3(error);
  }
}

function rangeHeader({ start, end }: ByteRange): string {
  if (![start, end ?? start].every((value) => Number.isSafeInteger(value) && value >= 0) || (end ?? start) < start) {
    throw new AppError('out_of_range', 'A range has whole numbers, with 0 <= start <= end.');
  }
  return `bytes=${start}-${end ?? ''}`;
}

/** Passes bytes on and fails at the end, as data_loss, unless all of them together have the hash. */
function verify(sha256: Sha256, size: number): Transform {
  const hash = createHash('sha256');
  return new Transform({
    transform(chunk: Uint8Array, _encoding, done) {
      hash.update(chunk);
      done(null, chunk);
    },
    flush(done) {
      const actual = hash.digest('hex');
      const differs = new AppError('data_loss', 'The object store returned bytes that do not have their hash.', {
        details: { sha256, actual_sha256: actual, size_bytes: size },
      });
      done(actual === sha256 ? null : differs);
    },
  });
}

function rethrow(error: unknown): never {
  throw fromS3(error);
}

import type { Readable } from 'node:stream';
import type { Sha256 } from '../schemas/primitives.ts';

/** The largest object, in bytes: 5 GiB, far above any video here and below what one disk spool can bear. */
export const OBJECT_BYTES_MAX = 5 * 1024 ** 3;

/** Where an object's bytes come from. A stream is read once; a file is read as it is at that time. */
export type ObjectSource = Uint8Array | AsyncIterable<Uint8Array> | { file: string };

/** Bytes `start` to `end`, both counted from 0 and both included, as in HTTP; without `end` to the last byte. */
export interface ByteRange {
  start: number;
  end?: number;
}

/** What the store knows about an object without reading it. */
export interface ObjectStat {
  sha256: Sha256;
  size_bytes: number;
  content_type: string;
}

/** An object being read. `size_bytes` is the whole object's; `start` and `end` (included) are what the stream holds. */
export interface ObjectRead {
  stream: Readable;
  size_bytes: number;
  content_type: string;
  start: number;
  end: number;
}

/**
 * Immutable objects by the SHA-256 of their bytes. Storing the same bytes again is free and safe at any time, from any
 * number of processes. Every method throws `unavailable` or `deadline_exceeded` when the store cannot be reached.
 */
export interface ObjectStore {
  /** The bucket that `s3://` texts of this store name. */
  readonly bucket: string;
  /**
   * Hashes and stores bytes; does nothing when they are there. Throws invalid_argument when `expected.sha256` differs,
   * resource_exhausted above OBJECT_BYTES_MAX, data_loss when another size sits under the key.
   */
  put(
    source: ObjectSource,
    options: { contentType: string; signal?: AbortSignal; expected?: { sha256: Sha256 } },
  ): Promise<{ sha256: Sha256; size_bytes: number }>;
  /** What is known of an object, or undefined when it is absent. */
  stat(sha256: Sha256): Promise<ObjectStat | undefined>;
  /** A stream of an object or a range of it, not verified. Throws not_found, or out_of_range for a range outside it. */
  read(sha256: Sha256, options?: { range?: ByteRange; signal?: AbortSignal }): Promise<ObjectRead>;
  /** A whole object, verified. Throws not_found, resource_exhausted above `maxBytes`, data_loss when the hash differs. */
  readBytes(sha256: Sha256, options: { maxBytes: number; signal?: AbortSignal }): Promise<Uint8Array>;
  /** Writes a whole object to a file, verified before the name appears. Throws not_found, or data_loss when the hash differs. */
  readToFile(sha256: Sha256, path: string, options?: { signal?: AbortSignal }): Promise<{ size_bytes: number }>;
  /** Resolves when the bucket answers, else throws why not. */
  readyCheck(): Promise<void>;
}

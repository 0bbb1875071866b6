import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, unlink } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError } from '../errors.ts';
import type { Sha256 } from '../schemas/primitives.ts';
import { OBJECT_BYTES_MAX } from './object-store.ts';
import type { ObjectSource } from './object-store.ts';

/** Up to this many bytes are kept in memory and sent in one request; more goes to a file and is sent in parts. */
export const SPOOL_MEMORY_BYTES_MAX = 16 * 1024 ** 2;

/** Bytes read, hashed and spilled at a time. */
const READ_BYTES = 1024 ** 2;

/**
 * Bytes at rest, hashed, that nobody else can change: what is uploaded is what was hashed. Exactly one of `bytes` and
 * `file` is set. Disposing removes the file.
 */
export interface Spooled extends AsyncDisposable {
  sha256: Sha256;
  size_bytes: number;
  bytes?: Uint8Array;
  file?: string;
}

/** Reads a source to its end, hashing; small in memory, large in a new file in `spoolDir`. Throws resource_exhausted above OBJECT_BYTES_MAX. */
export async function spool(source: ObjectSource, spoolDir: string, signal?: AbortSignal): Promise<Spooled> {
  const hash = createHash('sha256');
  const held: Uint8Array[] = [];
  let size = 0;
  let spill: { path: string; handle: FileHandle } | undefined;
  try {
    for await (const chunk of chunksOf(source)) {
      signal?.throwIfAborted();
      size += chunk.byteLength;
      if (size > OBJECT_BYTES_MAX) {
        throw new AppError('resource_exhausted', `An object may have at most ${OBJECT_BYTES_MAX} bytes.`);
      }
      hash.update(chunk);
      // A source may reuse its buffer for the next chunk, so what is held is a copy.
      if (spill === undefined) held.push(Uint8Array.from(chunk));
      else await writeAll(spill.handle, chunk);
      if (spill === undefined && size > SPOOL_MEMORY_BYTES_MAX) {
        spill = await openSpill(spoolDir);
        for (const earlier of held.splice(0)) await writeAll(spill.handle, earlier);
      }
    }
    await spill?.handle.close();
  } catch (error) {
    await spill?.handle.close().catch(() => {}); // Closing twice is harmless; the first error is the one that counts.
    if (spill) await remove(spill.path);
    throw error;
  }
  const sha256 = hash.digest('hex');
  if (spill) {
    const { path } = spill;
    return { sha256, size_bytes: size, file: path, [Symbol.asyncDispose]: () => remove(path) };
  }
  return { sha256, size_bytes: size, bytes: Buffer.concat(held), [Symbol.asyncDispose]: async () => {} };
}

async function* chunksOf(source: ObjectSource): AsyncIterable<Uint8Array> {
  if (source instanceof Uint8Array) {
    for (let at = 0; at < source.length; at += READ_BYTES) yield source.subarray(at, at + READ_BYTES);
  } else if ('file' in source) yield* createReadStream(source.file, { highWaterMark: READ_BYTES });
  else yield* source;
}

async function openSpill(spoolDir: string) {
  const path = join(spoolDir, `observatory-spool-${randomUUID()}`);
  return { path, handle: await open(path, 'wx', 0o600) };
}

async function writeAll(handle: FileHandle, chunk: Uint8Array): Promise<void> {
  // FileHandle.write may write less than asked; writeFile on a handle continues from its position until all is written.
  await handle.writeFile(chunk);
}

async function remove(path: string): Promise<void> {
  // It may be gone already; a file left behind is only disk space in the temporary folder.
  await unlink(path).catch(() => {});
}

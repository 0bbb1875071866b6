import { chmodSync, createWriteStream, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { crc32 } from 'node:zlib';
import { openPromise } from 'yauzl';
import type { Entry, ZipFile } from 'yauzl';
import { AppError } from '../errors.ts';

/** Far above the largest binary that is fetched (160 MB); a guard against damaged or hostile archives. */
const ENTRY_BYTES_MAX = 512 * 1024 * 1024;
const ENTRIES_MAX = 20_000;

/**
 * Writes the files of the archive at this path, each as it is read: 160 MB of a binary pass through in pieces. They go under
 * `folder`, where `place` says (undefined: not wanted), with their mode bits. Throws
 * `data_loss` for anything damaged or pointing outside the folder. Returns the number of files written.
 */
export async function unzip(
  archive: string,
  folder: string,
  place: (name: string) => string | undefined = (name) => name,
): Promise<number> {
  let written = 0;
  try {
    const zip = await openPromise(archive, { lazyEntries: true });
    if (zip.entryCount > ENTRIES_MAX) throw damaged(`${zip.entryCount} entries`);
    // The reader refuses names that point outside.
    for await (const entry of zip.eachEntry()) {
      const target = entry.fileName.endsWith('/') ? undefined : place(entry.fileName);
      if (target === undefined) continue;
      const path = join(folder, target);
      mkdirSync(dirname(path), { recursive: true });
      await unpack(zip, entry, path);
      // Explicit, since the umask may be tight and the servers run as another user.
      chmodSync(path, ((entry.externalFileAttributes >>> 16) & 0o111) === 0 ? 0o644 : 0o755);
      written += 1;
    }
  } catch (error) {
    throw error instanceof AppError || 'syscall' in (error as Error) ? error : damaged((error as Error).message, error);
  }
  return written;
}

async function unpack(zip: ZipFile, entry: Entry, path: string): Promise<void> {
  if (entry.uncompressedSize > ENTRY_BYTES_MAX) throw damaged(`${entry.fileName} is too large`);
  let checksum = 0;
  const checking = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      checksum = crc32(chunk, checksum);
      done(null, chunk);
    },
  });
  await pipeline(await zip.openReadStreamPromise(entry), checking, createWriteStream(path));
  if (checksum !== entry.crc32) throw damaged(`the checksum of ${entry.fileName}`);
}

function damaged(what: string, cause?: unknown): AppError {
  return new AppError('data_loss', `The archive is damaged: ${what}.`, { cause });
}

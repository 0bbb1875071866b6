import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { crc32 } from 'node:zlib';
import { fromBufferPromise } from 'yauzl';
import type { Entry, ZipFile } from 'yauzl';
import { AppError } from '../errors.ts';

/** Far above the largest binary that is fetched (160 MB); a guard against damaged or hostile archives. */
const ENTRY_BYTES_MAX = 512 * 1024 * 1024;
const ENTRIES_MAX = 20_000;

/**
 * Writes the archive's files under `folder`, where `place` says (undefined: not wanted), with their mode bits. Throws
 * `data_loss` for anything damaged or pointing outside the folder. Returns the number of files written.
 */
export async function unzip(
  archive: Buffer,
  folder: string,
  place: (name: string) => string | undefined = (name) => name,
): Promise<number> {
  let written = 0;
  try {
    const zip = await fromBufferPromise(archive, { lazyEntries: true });
    if (zip.entryCount > ENTRIES_MAX) throw damaged(`${zip.entryCount} entries`);
    // The reader refuses names that point outside.
    for await (const entry of zip.eachEntry()) {
      const target = entry.fileName.endsWith('/') ? undefined : place(entry.fileName);
      if (target === undefined) continue;
      const path = join(folder, target);
      const contents = await unpack(zip, entry);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, contents);
      // Explicit, since the umask may be tight and the servers run as another user.
      chmodSync(path, ((entry.externalFileAttributes >>> 16) & 0o111) === 0 ? 0o644 : 0o755);
      written += 1;
    }
  } catch (error) {
    throw error instanceof AppError || 'syscall' in (error as Error) ? error : damaged((error as Error).message, error);
  }
  return written;
}

async function unpack(zip: ZipFile, entry: Entry): Promise<Buffer> {
  if (entry.uncompressedSize > ENTRY_BYTES_MAX) throw damaged(`${entry.fileName} is too large`);
  const contents = await buffer(await zip.openReadStreamPromise(entry));
  if (crc32(contents) !== entry.crc32) throw damaged(`the checksum of ${entry.fileName}`);
  return contents;
}

function damaged(what: string, cause?: unknown): AppError {
  return new AppError('data_loss', `The archive is damaged: ${what}.`, { cause });
}

import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join, normalize, sep } from 'node:path';
import { promisify } from 'node:util';
import { crc32, inflateRaw } from 'node:zlib';
import { AppError } from '../../errors.ts';

/** Far above the largest binary that is fetched (160 MB); a guard against damaged or hostile archives. */
const ENTRY_BYTES_MAX = 512 * 1024 * 1024;
const ENTRIES_MAX = 20_000;
const STORED = 0;
const DEFLATED = 8;
const END_SIGNATURE = 0x06054b50;
const CENTRAL_SIGNATURE = 0x02014b50;
const LOCAL_SIGNATURE = 0x04034b50;
const END_BYTES = 22;
const COMMENT_BYTES_MAX = 65_535;

type Entry = { name: string; method: number; crc: number; packed: number; size: number; mode: number; offset: number };

/**
 * Writes the archive's files under `folder`, where `place` says (undefined: not wanted), with their mode bits. Reads
 * what wheels use of the format (APPNOTE 6.3: stored and deflated, no zip64, no encryption). Throws `data_loss` for
 * anything damaged or pointing outside the folder. Returns the number of files written.
 */
export async function unzip(
  archive: Buffer,
  folder: string,
  place: (name: string) => string | undefined = (name) => name,
): Promise<number> {
  let written = 0;
  for (const entry of readEntries(archive)) {
    const target = entry.name.endsWith('/') ? undefined : place(entry.name);
    if (target === undefined) continue;
    const path = inside(folder, target);
    const contents = await unpack(archive, entry);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, contents);
    // Explicit, since the umask may be tight and the servers run as another user.
    chmodSync(path, (entry.mode & 0o111) === 0 ? 0o644 : 0o755);
    written += 1;
  }
  return written;
}

function readEntries(archive: Buffer): Entry[] {
  const end = findEnd(archive);
  const count = archive.readUInt16LE(end + 10);
  if (count > ENTRIES_MAX) throw damaged(`${count} entries`);
  const entries: Entry[] = [];
  let at = archive.readUInt32LE(end + 16);
  for (let index = 0; index < count; index += 1) {
    if (at + 46 > archive.length || archive.readUInt32LE(at) !== CENTRAL_SIGNATURE) throw damaged('its directory');
    const nameLength = archive.readUInt16LE(at + 28);
    entries.push({
      method: archive.readUInt16LE(at + 10),
      crc: archive.readUInt32LE(at + 16),
      packed: archive.readUInt32LE(at + 20),
      size: archive.readUInt32LE(at + 24),
      mode: archive.readUInt16LE(at + 40),
      offset: archive.readUInt32LE(at + 42),
      name: archive.toString('utf8', at + 46, at + 46 + nameLength),
    });
    at += 46 + nameLength + archive.readUInt16LE(at + 30) + archive.readUInt16LE(at + 32);
  }
  return entries;
}

function findEnd(archive: Buffer): number {
  const first = Math.max(0, archive.length - END_BYTES - COMMENT_BYTES_MAX);
  for (let at = archive.length - END_BYTES; at >= first; at -= 1)
    if (archive.readUInt32LE(at) === END_SIGNATURE) return at;
  throw damaged('no end record');
}

async function unpack(archive: Buffer, entry: Entry): Promise<Buffer> {
  const { offset, size, packed, method, name } = entry;
  if (size > ENTRY_BYTES_MAX) throw damaged(`${name} is too large`);
  if (offset + 30 > archive.length || archive.readUInt32LE(offset) !== LOCAL_SIGNATURE) throw damaged(name);
  const start = offset + 30 + archive.readUInt16LE(offset + 26) + archive.readUInt16LE(offset + 28);
  const bytes = archive.subarray(start, start + packed);
  if (bytes.length !== packed) throw damaged(`${name} is cut off`);
  let contents: Buffer;
  if (method === STORED) contents = bytes;
  else if (method === DEFLATED) contents = await inflate(bytes, size, name);
  else throw damaged(`${name} is packed by method ${method}`);
  if (contents.length !== size || crc32(contents) !== entry.crc) throw damaged(`the checksum of ${name}`);
  return contents;
}

async function inflate(bytes: Buffer, size: number, name: string): Promise<Buffer> {
  try {
    return await promisify(inflateRaw)(bytes, { maxOutputLength: Math.max(1, size) });
  } catch (error) {
    throw damaged(name, error);
  }
}

function inside(folder: string, name: string): string {
  const path = normalize(name);
  if (path.startsWith(sep) || path.split(/[/\\]/).includes('..') || /^[a-z]:/i.test(path))
    throw damaged(`the path ${name}`);
  return join(folder, path);
}

function damaged(what: string, cause?: unknown): AppError {
  return new AppError('data_loss', `The archive is damaged: ${what}.`, { cause });
}

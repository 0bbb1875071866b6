import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import type { BigIntStats } from 'node:fs';
import { lstat, open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError } from '../errors.ts';
import type { Sha256 } from '../schemas/primitives.ts';
import type { WorkspaceFile, WorkspaceManifest } from '../schemas/workspace.ts';
import { forEachBounded } from './parallel.ts';

/** Bounds of one workspace: what an agent's own work needs, not what its package managers download. */
export interface WorkspaceLimits {
  files: number;
  file_bytes: number;
  total_bytes: number;
}

/** 10,000 files, 256 MiB each, 1 GiB in all. */
export const WORKSPACE_LIMITS: WorkspaceLimits = {
  files: 10_000,
  file_bytes: 256 * 1024 ** 2,
  total_bytes: 1024 ** 3,
};

/** Names that are never kept, at any depth: what tools make again by themselves. `*.x` matches an ending. */
export const WORKSPACE_IGNORE: readonly string[] = [
  'node_modules',
  '.git',
  '__pycache__',
  '.venv',
  '.pytest_cache',
  '.mypy_cache',
  '.cache',
  '.DS_Store',
  '*.pyc',
  '*.pyo',
  '*.swp',
];

/** Folders and files looked at in one walk, ignored or not: a bound on the work of a hostile workspace. */
const ENTRIES_MAX = 100_000;
/** Files hashed side by side: enough to keep a disk busy, few enough for two cores. */
const HASHING_MAX = 4;
/** Bytes hashed at a time. */
const CHUNK_BYTES = 1024 ** 2;
/**
 * A file changed this shortly before it was read may change again without a new timestamp, so its stat proves nothing
 * (git calls such entries racy). 2 s is the coarsest timestamp among file systems (FAT).
 */
const RACY_NS = 2_000_000_000n;

/** An agent may take its own files' read bits away; that must not stop its episode. */
const UNREADABLE = 'its file mode does not allow reading';

/** Hashes of files already read, by their stat. Belongs to one folder; empty to begin with. */
export type StatCache = Map<string, { stat: string; sha256: Sha256 }>;

/** A workspace as found on disk. `skipped` names what a manifest cannot hold, and why. */
export interface WorkspaceScan {
  manifest: WorkspaceManifest;
  skipped: { path: string; reason: string }[];
}

/**
 * Reads a folder into a manifest. Symbolic links, devices, unreadable files and names that are not UTF-8 are skipped and said so; empty
 * folders are not kept. Files must not change meanwhile (`internal`, so that a few tries are made, when one does). Throws resource_exhausted, naming
 * the path, beyond a limit.
 */
export async function scanWorkspace(
  dir: string,
  options: { ignore?: readonly string[]; cache?: StatCache; limits?: WorkspaceLimits; now?: () => number } = {},
): Promise<WorkspaceScan> {
  const {
    ignore = WORKSPACE_IGNORE,
    cache = new Map() as StatCache,
    limits = WORKSPACE_LIMITS,
    now = Date.now,
  } = options;
  // The clock is read before any stat: a change after this moment can only make an entry look younger, never older.
  const startedNs = BigInt(now()) * 1_000_000n;
  const { paths, skipped } = await walk(dir, ignore, limits);
  const files: WorkspaceFile[] = [];
  let total = 0;
  await forEachBounded(paths, HASHING_MAX, async (path) => {
    const file = await describe({ dir, path, cache, startedNs, limits });
    if (file === undefined) {
      skipped.push({ path, reason: UNREADABLE });
      return;
    }
    total += file.size_bytes;
    if (total > limits.total_bytes) {
      throw tooMuch(path, `the workspace is larger than ${limits.total_bytes} bytes`);
    }
    files.push(file);
  });
  const kept = new Set(paths);
  for (const path of cache.keys()) if (!kept.has(path)) cache.delete(path);
  return { manifest: { version: 1, files: files.toSorted((a, b) => compareBytes(a.path, b.path)) }, skipped };
}

/** Orders texts by their UTF-8 bytes, which JavaScript's own order is not beyond the basic plane. */
export function compareBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

/** Whether a name is covered by an ignore list: equal to an entry, or ending as its `*.x` says. */
export function isIgnored(name: string, ignore: readonly string[]): boolean {
  return ignore.some((entry) => (entry.startsWith('*') ? name.endsWith(entry.slice(1)) : name === entry));
}

async function walk(dir: string, ignore: readonly string[], limits: WorkspaceLimits) {
  const paths: string[] = [];
  const skipped: WorkspaceScan['skipped'] = [];
  const folders = [''];
  let entries = 0;
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    // Names as bytes: a name that is not UTF-8 would otherwise arrive as another, possibly existing, name.
    const found = await readdir(join(dir, folder), { withFileTypes: true, encoding: 'buffer' }).catch(
      (error: unknown) => {
        if (folder === '' || !isDenied(error)) throw error;
        skipped.push({ path: folder, reason: UNREADABLE });
        return [];
      },
    );
    for (const entry of found) {
      const name = entry.name.toString('utf8');
      const path = `${folder}/${name}`;
      if (++entries > ENTRIES_MAX) throw tooMuch(path, `there are more than ${ENTRIES_MAX} files and folders`);
      if (isIgnored(name, ignore)) continue;
      if (!Buffer.from(name).equals(entry.name)) skipped.push({ path, reason: 'its name is not UTF-8' });
      else if (entry.isSymbolicLink()) skipped.push({ path, reason: 'symbolic links are not kept' });
      else if (Buffer.byteLength(path) > 4_096) skipped.push({ path, reason: 'its path is longer than 4096 bytes' });
      else if (entry.isDirectory()) folders.push(path);
      else if (!entry.isFile()) skipped.push({ path, reason: 'only plain files are kept' });
      else if (paths.push(path) > limits.files) throw tooMuch(path, `there are more than ${limits.files} files`);
    }
  }
  return { paths, skipped };
}

interface Describe {
  dir: string;
  path: string;
  cache: StatCache;
  startedNs: bigint;
  limits: WorkspaceLimits;
}

async function describe({ dir, path, cache, startedNs, limits }: Describe): Promise<WorkspaceFile | undefined> {
  const before = await lstat(join(dir, path), { bigint: true }).catch((error: unknown) => {
    throw changed(path, error);
  });
  if (!before.isFile()) throw changed(path);
  if (before.size > BigInt(limits.file_bytes)) {
    throw tooMuch(path, `the file is larger than ${limits.file_bytes} bytes`);
  }
  const stat = fingerprint(before);
  const known = cache.get(path);
  const sha256 = known?.stat === stat ? known.sha256 : await hashFile(dir, path, before);
  if (sha256 === undefined) return undefined;
  const youngest = before.mtimeNs > before.ctimeNs ? before.mtimeNs : before.ctimeNs;
  if (youngest + RACY_NS < startedNs) cache.set(path, { stat, sha256 });
  else cache.delete(path);
  const mode = before.mode & 0o100n ? '100755' : '100644';
  return { path, mode, size_bytes: Number(before.size), sha256 };
}

/** Everything about a file that changes when it does. ctime is set by the kernel alone: no program can turn it back. */
function fingerprint(stat: BigIntStats): string {
  return [stat.dev, stat.ino, stat.mode, stat.size, stat.mtimeNs, stat.ctimeNs].join(' ');
}

async function hashFile(dir: string, path: string, expected: BigIntStats): Promise<Sha256 | undefined> {
  // Without NONBLOCK, a pipe put in the file's place would hold the open until somebody writes to it.
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  await using handle = await open(join(dir, path), flags).catch((error: unknown) => {
    if (!isDenied(error)) throw changed(path, error);
    return undefined;
  });
  if (handle === undefined) return undefined;
  const hash = createHash('sha256');
  const buffer = Buffer.allocUnsafe(CHUNK_BYTES);
  let read = 0;
  while (read <= expected.size) {
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, null);
    if (bytesRead === 0) break;
    hash.update(buffer.subarray(0, bytesRead));
    read += bytesRead;
  }
  if (fingerprint(await handle.stat({ bigint: true })) !== fingerprint(expected)) throw changed(path);
  return hash.digest('hex');
}

function isDenied(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'EACCES';
}

function changed(path: string, cause?: unknown): AppError {
  return new AppError('internal', `${path} changed while it was being read.`, { cause, details: { path } });
}

function tooMuch(path: string, why: string): AppError {
  return new AppError('resource_exhausted', `The workspace cannot be kept: ${why} (at ${path}).`, {
    details: { path },
  });
}

import { constants } from 'node:fs';
import type { Stats } from 'node:fs';
import { lstat, mkdir, open, opendir, unlink } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { AppError } from '../../errors.ts';
import { isWithin } from '../policy.ts';
import { WORKSPACE_IGNORE, WORKSPACE_LIMITS, isIgnored } from '../workspace-scan.ts';
import { createFileBackend } from './file-backend.ts';
import type { FileBackend } from './file-backend.ts';
import { TREE_ENTRIES_MAX } from './file-tree.ts';
import type { FileEntry, FileTree } from './file-tree.ts';

/**
 * The files of a workspace folder as a backend. Symbolic links are shown to nobody and followed nowhere: every part of a
 * path is checked and the file itself opened with O_NOFOLLOW. That is tight as long as no command of the agent runs at
 * the same time, which the order of calls sees to. `hidden` prefixes belong to other backends and are left out of
 * listings and searches. Own code instead of deepagents' FilesystemBackend, whose glob leaves the root by `{.,}.`, whose
 * uploads follow links, whose search depends on whether the machine has ripgrep, and whose errors read as empty results.
 */
export function createSandboxBackend(options: { workspaceDir: string; hidden?: readonly string[] }): FileBackend {
  return createFileBackend(createSandboxTree(options.workspaceDir, options.hidden ?? []));
}

function createSandboxTree(root: string, hidden: readonly string[]): FileTree {
  const isHidden = (path: string) => hidden.some((prefix) => isWithin(prefix, path));
  return {
    mount: '',
    stat: (path) => find(root, path),
    list: (path) => children(root, path, isHidden),
    async walk(path) {
      const files: FileEntry[] = [];
      const folders = [path];
      let seen = 0;
      for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
        for (const entry of await children(root, folder, isHidden)) {
          if (++seen > TREE_ENTRIES_MAX) throw tooMany(path);
          if (isIgnored(entry.path.slice(entry.path.lastIndexOf('/') + 1), WORKSPACE_IGNORE)) continue;
          if (entry.kind === 'directory') folders.push(entry.path);
          else files.push(entry);
        }
      }
      return files;
    },
    async readBytes(path, maxBytes) {
      await using file = await openFile(root, path, constants.O_RDONLY);
      const buffer = Buffer.alloc(Math.min((await file.stat()).size, maxBytes) + 1);
      let length = 0;
      // To the end of the file as it is now, not as it was when its size was asked; one byte more shows that it grew.
      for (let read = -1; read !== 0 && length < buffer.length; length += read) {
        read = (await file.read(buffer, length, buffer.length - length, null)).bytesRead;
      }
      if (length === buffer.length) {
        throw new AppError('resource_exhausted', `${path} is larger than ${maxBytes} bytes, or is still growing.`);
      }
      return buffer.subarray(0, length);
    },
    async readRange(path, { start, end }) {
      const file = await openFile(root, path, constants.O_RDONLY);
      const { size } = await file.stat();
      if (start < 0 || start >= size || (end !== undefined && end < start)) {
        await file.close();
        throw new AppError('out_of_range', `The range lies outside the ${size} bytes of ${path}.`);
      }
      return file.createReadStream({ start, end: Math.min(end ?? size - 1, size - 1) });
    },
    async write(path, source) {
      await mkdir(join(root, dirname(path)), { recursive: true }).catch(denied(dirname(path)));
      await writeWithin(root, path, source instanceof Uint8Array ? Readable.from([source]) : source);
    },
  };
}

/** What lies at a path; undefined for nothing. Throws permission_denied where a symbolic link is in the path. */
async function find(root: string, path: string): Promise<FileEntry | undefined> {
  let stats: Stats | undefined;
  for (let end = 0; end !== -1;) {
    end = path.indexOf('/', end + 1);
    const part = end === -1 ? path : path.slice(0, end);
    stats = await lstatOrNothing(join(root, part));
    if (stats === undefined) return undefined;
    if (stats.isSymbolicLink())
      throw new AppError('permission_denied', `${part} is a symbolic link; links are not followed.`);
    if (end !== -1 && !stats.isDirectory()) return undefined;
  }
  if (stats === undefined) return undefined;
  if (!stats.isDirectory() && !stats.isFile()) {
    throw new AppError('permission_denied', `${path} is neither a file nor a folder.`);
  }
  return toEntry(path, stats);
}

async function children(root: string, folder: string, isHidden: (path: string) => boolean): Promise<FileEntry[]> {
  const entries: FileEntry[] = [];
  let seen = 0;
  for await (const item of await opendir(join(root, folder)).catch(denied(folder))) {
    if (++seen > TREE_ENTRIES_MAX) throw tooMany(folder);
    const path = folder === '/' ? `/${item.name}` : `${folder}/${item.name}`;
    if (isHidden(path)) continue;
    const stats = await lstatOrNothing(join(root, path));
    if (stats?.isFile() || stats?.isDirectory()) entries.push(toEntry(path, stats));
  }
  return entries;
}

async function openFile(root: string, path: string, flags: number): Promise<FileHandle> {
  await find(root, path);
  // Without NONBLOCK, a pipe in the file's place would hold the open until somebody else opens its other end.
  const safe = flags | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const file = await open(join(root, path), safe, 0o644).catch(denied(path));
  if ((await file.stat()).isFile()) return file;
  await file.close();
  throw new AppError('permission_denied', `${path} is not a plain file.`);
}

async function writeWithin(root: string, path: string, source: AsyncIterable<Uint8Array>): Promise<void> {
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC;
  await using file = await openFile(root, path, flags);
  let size = 0;
  for await (const chunk of source) {
    size += chunk.byteLength;
    if (size > WORKSPACE_LIMITS.file_bytes) {
      // A part of a file would look like the file.
      await unlink(join(root, path));
      throw new AppError('resource_exhausted', `${path} may have at most ${WORKSPACE_LIMITS.file_bytes} bytes.`);
    }
    await file.writeFile(chunk);
  }
}

async function lstatOrNothing(path: string): Promise<Stats | undefined> {
  try {
    return await lstat(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'ENAMETOOLONG') return undefined;
    throw error;
  }
}

/** What the agent's own commands made unreadable is the agent's to mend; every other failure is the system's. */
function denied(path: string) {
  return (error: unknown): never => {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'EACCES' && code !== 'EPERM') throw error;
    throw new AppError('permission_denied', `The file mode of ${path} does not allow it.`, { cause: error });
  };
}

function toEntry(path: string, stats: Stats): FileEntry {
  if (stats.isDirectory()) return { path, kind: 'directory', size_bytes: 0 };
  return { path, kind: 'file', size_bytes: stats.size, modified_at: stats.mtime.toISOString() };
}

function tooMany(path: string): AppError {
  return new AppError(
    'resource_exhausted',
    `${path} holds more than ${TREE_ENTRIES_MAX} files and folders: search less.`,
  );
}

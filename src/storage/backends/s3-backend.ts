import { AppError } from '../../errors.ts';
import type { Sha256 } from '../../schemas/primitives.ts';
import { fileTypeOf } from '../content-type.ts';
import type { ObjectStore } from '../object-store.ts';
import { isWithin } from '../policy.ts';
import { createFileBackend } from './file-backend.ts';
import type { FileBackend } from './file-backend.ts';
import { TREE_ENTRIES_MAX } from './file-tree.ts';
import type { FileEntry, FileTree } from './file-tree.ts';

/** What a path names at the moment: an object in the store. */
export interface IndexedArtifact {
  sha256: Sha256;
  size_bytes: number;
  content_type: string;
}

/** Path → content, kept by whoever keeps the record. Paths are the agent's own, mount included (`/renders/a/sim.mp4`). */
export interface ArtifactIndex {
  find(path: string): Promise<IndexedArtifact | undefined>;
  /** Everything whose path begins with `prefix`, which ends in `/`. */
  list(prefix: string): Promise<(IndexedArtifact & { path: string })[]>;
  /** Makes the path name this content from now on. Called after the object is stored. */
  add(path: string, artifact: IndexedArtifact): Promise<void>;
}

/**
 * The files below `mount` (`/renders`), with their bytes in the object store and their paths in the index. Bytes never
 * change: writing a path again makes it name another object. A path whose object is gone is data_loss, not not_found.
 */
export function createS3Backend(options: { store: ObjectStore; index: ArtifactIndex; mount: string }): FileBackend {
  return createFileBackend(createS3Tree(options));
}

function createS3Tree({ store, index, mount }: { store: ObjectStore; index: ArtifactIndex; mount: string }): FileTree {
  const below = async (path: string) => {
    const found = await index.list(path === '/' ? `${mount}/` : `${mount}${path}/`);
    if (found.length > TREE_ENTRIES_MAX) {
      throw new AppError(
        'resource_exhausted',
        `${mount}${path} holds more than ${TREE_ENTRIES_MAX} files: search less.`,
      );
    }
    return found.map((file): FileEntry => ({
      path: file.path.slice(mount.length),
      kind: 'file',
      size_bytes: file.size_bytes,
    }));
  };
  const get = async (path: string) => {
    const found = await index.find(`${mount}${path}`);
    if (found === undefined) throw new AppError('not_found', `There is no file ${mount}${path}.`);
    return found;
  };
  return {
    mount,
    async stat(path) {
      if (path === '/') return folder(path);
      const found = await index.find(`${mount}${path}`);
      if (found) return { path, kind: 'file', size_bytes: found.size_bytes };
      return (await index.list(`${mount}${path}/`)).length > 0 ? folder(path) : undefined;
    },
    list: async (path) => childrenOf(path, await below(path)),
    walk: below,
    async readBytes(path, maxBytes) {
      const { sha256 } = await get(path);
      return store.readBytes(sha256, { maxBytes }).catch(lostAs(`${mount}${path}`));
    },
    async readRange(path, range) {
      const { sha256 } = await get(path);
      return (await store.read(sha256, { range }).catch(lostAs(`${mount}${path}`))).stream;
    },
    async write(path, source) {
      const { content_type } = fileTypeOf(path);
      const stored = await store.put(source, { contentType: content_type });
      await index.add(`${mount}${path}`, { ...stored, content_type });
    },
  };
}

function folder(path: string): FileEntry {
  return { path, kind: 'directory', size_bytes: 0 };
}

/** There are no folders in an index, only longer paths: the children are the distinct next names. */
function childrenOf(path: string, files: FileEntry[]): FileEntry[] {
  const base = path === '/' ? '/' : `${path}/`;
  const children = new Map<string, FileEntry>();
  for (const file of files) {
    if (!isWithin(path, file.path)) continue;
    const slash = file.path.indexOf('/', base.length);
    const child = slash === -1 ? file : folder(file.path.slice(0, slash));
    children.set(child.path, child);
  }
  return [...children.values()];
}

function lostAs(path: string) {
  return (error: unknown): never => {
    if (AppError.from(error).code !== 'not_found') throw error;
    throw new AppError('data_loss', `The object store lost the bytes of ${path}.`, { cause: error, details: { path } });
  };
}

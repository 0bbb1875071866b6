import type { Readable } from 'node:stream';
import { AppError } from '../../errors.ts';
import type { ByteRange } from '../object-store.ts';

/** Files and folders that one listing, walk or search may touch; beyond it resource_exhausted is thrown. */
export const TREE_ENTRIES_MAX = 20_000;

/** A file or folder of a tree. A folder's path has no trailing slash and its size is 0. */
export interface FileEntry {
  path: string;
  kind: 'file' | 'directory';
  size_bytes: number;
  modified_at?: string;
}

/**
 * Where one part of an agent's files really lies. Paths are normalised and absolute within the tree; `mount` is what
 * stands before them in the agent's eyes. All methods throw `AppError`s: agent-visible codes for what the agent did,
 * others for what the system has to mend.
 */
export interface FileTree {
  readonly mount: string;
  stat(path: string): Promise<FileEntry | undefined>;
  /** The direct children of a folder, unsorted. */
  list(path: string): Promise<FileEntry[]>;
  /** Every file below a folder, unsorted. A tree leaves out folders that only tools fill, such as node_modules. */
  walk(path: string): Promise<FileEntry[]>;
  /** A whole file that `stat` found; throws resource_exhausted above `maxBytes`. */
  readBytes(path: string, maxBytes: number): Promise<Uint8Array>;
  /** A part of a file that `stat` found, as a stream; throws out_of_range. */
  readRange(path: string, range: ByteRange): Promise<Readable>;
  /** Creates or replaces a file, with its folders. The path is known to name no folder and to lie below no file. */
  write(path: string, source: Uint8Array | AsyncIterable<Uint8Array>): Promise<void>;
}

/** A tree's path as the agent knows it. */
export function shown(tree: FileTree, path: string): string {
  return path === '/' && tree.mount !== '' ? tree.mount : `${tree.mount}${path}`;
}

/** A path as seen from a folder above it; from itself, its own name. */
export function relativeTo(folder: string, path: string): string {
  if (path === folder) return path.slice(path.lastIndexOf('/') + 1);
  return path.slice(folder === '/' ? 1 : folder.length + 1);
}

/** The file at a path; throws not_found, or failed_precondition for a folder. */
export async function getFile(tree: FileTree, path: string): Promise<FileEntry> {
  const entry = await tree.stat(path);
  if (entry === undefined) throw new AppError('not_found', `There is no file ${shown(tree, path)}.`);
  if (entry.kind === 'directory') throw isFolder(tree, path);
  return entry;
}

/** Writes a file after refusing, alike for every tree, what a disk would refuse: replacing a folder, or a file as folder. */
export async function writeFile(
  tree: FileTree,
  path: string,
  source: Uint8Array | AsyncIterable<Uint8Array>,
): Promise<void> {
  if ((await tree.stat(path))?.kind === 'directory') throw isFolder(tree, path);
  // From the nearest upwards: what lies above a folder are folders.
  for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1)) {
    const above = path.slice(0, end);
    const entry = await tree.stat(above);
    if (entry?.kind === 'directory') break;
    if (entry)
      throw new AppError('failed_precondition', `${shown(tree, above)} is a file, so nothing can lie below it.`);
  }
  await tree.write(path, source);
}

function isFolder(tree: FileTree, path: string): AppError {
  return new AppError('failed_precondition', `${shown(tree, path)} is a folder, not a file.`);
}

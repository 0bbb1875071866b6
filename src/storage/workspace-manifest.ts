import { randomUUID } from 'node:crypto';
import { chmod, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { AppError } from '../errors.ts';
import type { Sha256 } from '../schemas/primitives.ts';
import { WorkspaceManifest } from '../schemas/workspace.ts';
import type { WorkspaceFile } from '../schemas/workspace.ts';
import { fileTypeOf } from './content-type.ts';
import type { ObjectStore } from './object-store.ts';
import { forEachBounded } from './parallel.ts';
import { compareBytes } from './workspace-scan.ts';

/** 10,000 files with the longest paths; a usual manifest has some kilobytes. */
const MANIFEST_BYTES_MAX = 64 * 1024 ** 2;
/** Objects of one workspace on their way at once, each with at most a few tens of megabytes in memory. */
const TRANSFERS_MAX = 6;

/** The content type of a stored manifest. */
export const MANIFEST_CONTENT_TYPE = 'application/vnd.observatory.workspace+json';

/** A file that differs between two manifests. A deleted one carries what it was. */
export interface WorkspaceChange {
  path: string;
  sha256: Sha256;
  size_bytes: number;
  change: 'added' | 'modified' | 'deleted';
}

/** The one way to write a manifest as bytes: sorted, keys in order, no spaces. Equal workspaces give equal bytes. */
export function serializeManifest(manifest: WorkspaceManifest): Uint8Array {
  const files = manifest.files.map(({ path, mode, size_bytes, sha256 }) => ({ path, mode, size_bytes, sha256 }));
  return Buffer.from(JSON.stringify({ version: 1, files: files.toSorted((a, b) => compareBytes(a.path, b.path)) }));
}

/** What changed from one manifest (none: the empty one) to the next, in the order of paths. A new mode is a change. */
export function diffManifests(previous: WorkspaceManifest | undefined, next: WorkspaceManifest): WorkspaceChange[] {
  const before = new Map((previous?.files ?? []).map((file) => [file.path, file]));
  const after = new Set(next.files.map((file) => file.path));
  const changes: WorkspaceChange[] = [];
  for (const file of next.files) {
    const old = before.get(file.path);
    if (old === undefined) changes.push(toChange(file, 'added'));
    else if (old.sha256 !== file.sha256 || old.mode !== file.mode) changes.push(toChange(file, 'modified'));
  }
  for (const file of before.values()) if (!after.has(file.path)) changes.push(toChange(file, 'deleted'));
  return changes.toSorted((a, b) => compareBytes(a.path, b.path));
}

/**
 * Puts a scanned workspace in the store: contents that `previous` lacks, then the manifest, so that a stored manifest has
 * all its contents. Throws `internal`, so that a few tries are made, when a file changed since the scan.
 */
export async function storeWorkspace(
  store: ObjectStore,
  { dir, manifest, previous }: { dir: string; manifest: WorkspaceManifest; previous?: WorkspaceManifest },
): Promise<{ workspace_sha256: Sha256; manifest: WorkspaceManifest; changed: WorkspaceChange[] }> {
  const stored = new Set(previous?.files.map((file) => file.sha256));
  const missing = new Map(manifest.files.filter((file) => !stored.has(file.sha256)).map((file) => [file.sha256, file]));
  await forEachBounded([...missing.values()], TRANSFERS_MAX, async (file) => {
    const contentType = fileTypeOf(file.path).content_type;
    await store.put({ file: join(dir, file.path) }, { contentType, expected: file }).catch((error: unknown) => {
      throw changedSinceScan(error, file);
    });
  });
  const { sha256 } = await store.put(serializeManifest(manifest), { contentType: MANIFEST_CONTENT_TYPE });
  return { workspace_sha256: sha256, manifest, changed: diffManifests(previous, manifest) };
}

/** The manifest that a workspace's hash names; throws data_loss when it is missing or not one. */
export async function getManifest(
  store: Pick<ObjectStore, 'readBytes'>,
  workspaceSha256: Sha256,
): Promise<WorkspaceManifest> {
  const details = { sha256: workspaceSha256 };
  const bytes = await store.readBytes(workspaceSha256, { maxBytes: MANIFEST_BYTES_MAX }).catch((error: unknown) => {
    if (AppError.from(error).code !== 'not_found') throw error;
    throw new AppError('data_loss', `The workspace manifest ${workspaceSha256} is missing.`, { cause: error, details });
  });
  try {
    return WorkspaceManifest.parse(JSON.parse(Buffer.from(bytes).toString('utf8')));
  } catch (cause) {
    throw new AppError('data_loss', `The object ${workspaceSha256} is not a workspace manifest.`, { cause, details });
  }
}

/**
 * Makes `dir` hold exactly a stored workspace, every file verified by its hash. `dir` must be absent or empty; it is
 * replaced as a whole, so a failure leaves no half of it. Throws data_loss naming path and hash when an object is missing.
 */
export async function rebuildWorkspace(
  store: ObjectStore,
  workspaceSha256: Sha256,
  dir: string,
): Promise<WorkspaceManifest> {
  const manifest = await getManifest(store, workspaceSha256);
  await mkdir(dir, { recursive: true });
  if ((await readdir(dir)).length > 0) {
    throw new AppError('internal', 'A workspace is only rebuilt in an empty folder.');
  }
  const building = `${dir}.rebuild-${randomUUID()}`;
  try {
    await mkdir(building);
    for (const folder of new Set(manifest.files.map((file) => dirname(file.path)))) {
      await mkdir(join(building, folder), { recursive: true });
    }
    await forEachBounded(manifest.files, TRANSFERS_MAX, async (file) => {
      const path = join(building, file.path);
      await store.readToFile(file.sha256, path).catch((error: unknown) => {
        throw lostFile(error, file);
      });
      await chmod(path, file.mode === '100755' ? 0o755 : 0o644);
    });
    await rename(building, dir);
  } catch (error) {
    await rm(building, { recursive: true, force: true });
    throw error;
  }
  return manifest;
}

function changedSinceScan(error: unknown, file: WorkspaceFile): unknown {
  const { code, cause } = AppError.from(error);
  const gone = (cause as { code?: unknown } | undefined)?.code === 'ENOENT';
  if (code !== 'invalid_argument' && !gone) return error;
  const message = `${file.path} changed between being scanned and being stored.`;
  return new AppError('internal', message, { cause: error, details: { path: file.path } });
}

function lostFile(error: unknown, file: WorkspaceFile): unknown {
  const { code } = AppError.from(error);
  if (code !== 'not_found' && code !== 'data_loss') return error;
  const what = code === 'not_found' ? 'is missing from' : 'is damaged in';
  const message = `The workspace's file ${file.path} (sha256 ${file.sha256}) ${what} the object store.`;
  return new AppError('data_loss', message, { cause: error, details: { path: file.path, sha256: file.sha256 } });
}

function toChange({ path, sha256, size_bytes }: WorkspaceFile, change: WorkspaceChange['change']): WorkspaceChange {
  return { path, sha256, size_bytes, change };
}

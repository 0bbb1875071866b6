import type { RestorePointManifest } from '../schemas/restore-point.ts';
import type { BackupDeps } from './deps.ts';
import type { Working } from './progress.ts';
import { readReferences } from './references.ts';
import type { Reference } from './references.ts';
import { openScratch } from './scratch.ts';

/** Objects lie in a folder for each first byte of their hash. */
const FOLDERS = 256;

/** Folder by folder, in order, every object that one of the points refers to. Throws data_loss for a damaged list. */
export async function* eachRetainedFolder(
  { backups, scratch_root }: Pick<BackupDeps, 'backups' | 'scratch_root'>,
  points: RestorePointManifest[],
  { signal, report }: Working,
): AsyncGenerator<{ folder: string; retained: Set<string> }> {
  await using scratch = await openScratch(scratch_root);
  const readers: { next: () => Promise<void>; at: { folder: string; references: Reference[] } | undefined }[] = [];
  for (const { id, database } of points) {
    const file = scratch.path(id);
    await backups.names.readToFile(database.references, file, signal);
    const folders = readReferences(file);
    const reader: (typeof readers)[number] = {
      at: undefined,
      next: async () => {
        const next = await folders.next();
        reader.at = next.done === true ? undefined : next.value;
      },
    };
    await reader.next();
    readers.push(reader);
  }
  for (let n = 0; n < FOLDERS; n++) {
    signal.throwIfAborted();
    const folder = n.toString(16).padStart(2, '0');
    const retained = new Set<string>();
    for (const reader of readers) {
      if (reader.at?.folder !== folder) continue;
      for (const { sha256 } of reader.at.references) retained.add(sha256);
      await reader.next();
    }
    report({ done: n + 1, of: FOLDERS });
    yield { folder, retained };
  }
}

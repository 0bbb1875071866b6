import { createHash } from 'node:crypto';
import { findMirrorObjects, listStalestMirrorObjects } from '../db/read/recovery.ts';
import { forgetMirrorObjects, noteMirrorObjects } from '../db/write/recovery.ts';
import { AppError } from '../errors.ts';
import { NAMED_OBJECTS_MAX } from '../schemas/restore-point.ts';
import type { BackupPart, MirrorReport } from '../schemas/restore-point.ts';
import type { BackupStore } from '../storage/backup-store.ts';
import { objectKey } from '../storage/keys.ts';
import { forEachBounded } from '../storage/parallel.ts';
import type { ListedObject } from '../storage/s3-listing.ts';
import type { BackupDeps, ObjectBucket } from './deps.ts';
import type { Working } from './progress.ts';
import { forEachFolder } from './references.ts';
import type { Reference } from './references.ts';
import { openScratch } from './scratch.ts';

/** Objects copied or read side by side in one folder. */
const OBJECTS_AT_ONCE = 2;
/** Bytes that may be on their way at once, so that many large objects do not fill the memory; a large one counts as its two parts. */
const BYTES_AT_ONCE = 64 * 1024 ** 2;
const LARGE_BYTES = 32 * 1024 ** 2;
/** This share of the mirror is read again each night, so that all of it is within a month. */
const REREAD_SHARE = 1 / 30;
/** What was hashed since the night before is not hashed again in a second point of the same day. */
const REREAD_AGE_H = 20;
const REREAD_OBJECTS_MAX = 50_000;
const REREAD_AT_ONCE = 8;
/** What was hashed is noted down in batches: what a killed worker did not note is read once more. */
const NOTED_AT_ONCE = 500;

/**
 * Brings the mirror to hold every referenced object: skips those that we hashed before and nobody wrote since, copies
 * the others through SHA-256, copies again what is damaged, and names what the source no longer has. Then re-reads the
 * stalest part of the mirror.
 */
export async function mirrorObjects(
  deps: BackupDeps,
  { references, count }: { references: BackupPart; count: number },
  working: Working,
): Promise<MirrorReport> {
  const started = performance.now();
  const figures = { copied: 0, copied_bytes: 0, skipped: 0, reread: 0, repaired: 0 };
  const sums = { ...figures, absent_in_source: 0, damaged_in_source: 0, missing_count: 0, missing: [] as string[] };
  const run: MirrorRun = { deps, sums, working, hashed: [], within: createBudget(BYTES_AT_ONCE) };
  await using scratch = await openScratch(deps.scratch_root);
  const file = scratch.path('references.txt');
  await deps.backups.names.readToFile(references, file, working.signal);
  let done = 0;
  await forEachFolder({ path: file, count }, async (folder, some) => {
    const [source, mirror, proven] = await Promise.all([
      listFolder(deps.source.names, folder),
      listFolder(deps.backups.names, folder),
      findMirrorObjects(
        deps.db,
        some.map(({ sha256 }) => sha256),
      ),
    ]);
    const wanting = some.filter(({ sha256, size_bytes }) => {
      if (!source.has(sha256)) sums.absent_in_source++;
      const held = mirror.get(sha256);
      return held === undefined || held.etag !== proven.get(sha256)?.etag || held.size_bytes !== size_bytes;
    });
    sums.skipped += some.length - wanting.length;
    done += some.length - wanting.length;
    await forEachBounded(wanting, OBJECTS_AT_ONCE, async (reference) => {
      working.signal.throwIfAborted();
      const { sha256 } = reference;
      await bringIn(run, reference, { held: mirror.get(sha256), inSource: source.has(sha256) });
      if (run.hashed.length >= NOTED_AT_ONCE) await noteMirrorObjects(deps.db, run.hashed.splice(0));
      working.report({ done: ++done, of: count, bytes: sums.copied_bytes });
    });
    working.report({ done, of: count });
    await noteMirrorObjects(deps.db, run.hashed.splice(0));
  });
  await rereadStalest(run);
  await noteMirrorObjects(deps.db, run.hashed.splice(0));
  return { ...sums, seconds: (performance.now() - started) / 1000 };
}

type MirrorRun = {
  deps: BackupDeps;
  sums: Omit<MirrorReport, 'seconds'>;
  working: Working;
  /** What was hashed and is not noted down yet: some at a time. */
  hashed: (Reference & { etag: string })[];
  within: <T>(bytes: number, work: () => Promise<T>) => Promise<T>;
};

/** Leaves the object in the mirror, hashed by us, or named as missing. */
async function bringIn(
  { deps, sums, working, hashed, within }: MirrorRun,
  reference: Reference,
  { held, inSource }: { held: ListedObject | undefined; inSource: boolean },
): Promise<void> {
  const { sha256, size_bytes } = reference;
  const { backups, source, db } = deps;
  if (held) {
    if (await isIntact(backups, reference, working.signal)) {
      sums.reread++;
      hashed.push({ sha256, size_bytes, etag: held.etag });
      return;
    }
    await forgetMirrorObjects(db, [sha256]);
  }
  if (!inSource) return miss(sums, sha256);
  // Only a good source replaces a damaged copy.
  if (held && !(await isIntact(source, reference, working.signal))) {
    sums.damaged_in_source++;
    return miss(sums, sha256);
  }
  if (held) {
    await backups.names.remove([objectKey(sha256)]);
    sums.repaired++;
  }
  try {
    const { etag } = await within(Math.min(size_bytes, LARGE_BYTES), () =>
      backups.names.copyArtifact(source.names, reference, working.signal),
    );
    hashed.push({ sha256, size_bytes, etag });
  } catch (error) {
    const { code } = AppError.from(error);
    if (code !== 'not_found' && code !== 'data_loss') throw error;
    if (code === 'data_loss') sums.damaged_in_source++;
    return miss(sums, sha256);
  }
  sums.copied++;
  sums.copied_bytes += size_bytes;
}

async function rereadStalest(run: MirrorRun): Promise<void> {
  const { db, backups, source } = run.deps;
  const stalest = await listStalestMirrorObjects(db, {
    share: REREAD_SHARE,
    age_h: REREAD_AGE_H,
    limit: REREAD_OBJECTS_MAX,
  });
  await forEachBounded(stalest, REREAD_AT_ONCE, async (reference) => {
    run.working.signal.throwIfAborted();
    if (
      await run.within(Math.min(reference.size_bytes, LARGE_BYTES), () =>
        isIntact(backups, reference, run.working.signal),
      )
    ) {
      run.sums.reread++;
      // Whoever wrote it since its etag was noted wrote the same: the next run sees that and reads it once more.
      run.hashed.push(reference);
      return;
    }
    const key = objectKey(reference.sha256);
    const held = await backups.names.stat(key);
    const inSource = (await source.names.stat(key)) !== undefined;
    await bringIn(run, reference, { held, inSource });
  });
}

function miss(sums: Omit<MirrorReport, 'seconds'>, sha256: string): void {
  if (sums.missing.includes(sha256)) return;
  sums.missing_count++;
  if (sums.missing.length < NAMED_OBJECTS_MAX) sums.missing.push(sha256);
}

/** The objects by hash whose hash begins so: a digit, or the two that name a folder. */
export async function listFolder(store: BackupStore, folder: string): Promise<Map<string, ListedObject>> {
  const found = new Map<string, ListedObject>();
  for await (const object of store.list(folder.length === 1 ? `sha256/${folder}` : `sha256/${folder}/`))
    found.set(object.key.slice(-64), object);
  return found;
}

/** Whether the bucket's object has the size and the hash that it must have; false also when it is not there. */
export async function isIntact({ names }: ObjectBucket, reference: Reference, signal: AbortSignal): Promise<boolean> {
  const { sha256, size_bytes } = reference;
  try {
    const { stream, size_bytes: size } = await names.read(objectKey(sha256), signal);
    const hash = createHash('sha256');
    for await (const chunk of stream as AsyncIterable<Uint8Array>) hash.update(chunk);
    return size === size_bytes && hash.digest('hex') === sha256;
  } catch (error) {
    if (AppError.from(error).code === 'not_found') return false;
    throw error;
  }
}

/** Lets work begin while the bytes of all that is going on stay below the budget; what is larger than it goes alone. */
function createBudget(bytes_max: number): MirrorRun['within'] {
  let taken = 0;
  const waiting: { bytes: number; begin: () => void }[] = [];
  const admit = () => {
    for (let [next] = waiting; next && (taken === 0 || taken + next.bytes <= bytes_max); [next] = waiting) {
      taken += next.bytes;
      waiting.shift();
      next.begin();
    }
  };
  return async (bytes, work) => {
    await new Promise<void>((begin) => {
      waiting.push({ bytes, begin });
      admit();
    });
    try {
      return await work();
    } finally {
      taken -= bytes;
      admit();
    }
  };
}

import { forgetArtifacts, listDeletedArtifacts, tombstoneArtifacts } from '../db/write/artifacts.ts';
import type { ArtifactSweep } from '../schemas/restore-point.ts';
import { objectKey } from '../storage/keys.ts';
import type { BackupDeps } from './deps.ts';
import { listManifests } from './manifest.ts';
import { phase } from './progress.ts';
import type { Working } from './progress.ts';
import { eachRetainedFolder } from './retained.ts';

/** A file that nothing refers to is left alone this long after it came, and its bytes stay this long after it was marked as deleted. */
const GRACE_HOURS = 48;
/** Artifacts marked in one transaction, and removed under one set of locks. */
const MARKED_AT_ONCE = 1_000;
const REMOVED_AT_ONCE = 100;

/** The phase that gives up files which nothing refers to any more. */
export function createArtifactSweepPhases(deps: BackupDeps) {
  return {
    /** Marks what no row refers to, and removes the bytes of what was marked two days ago and is in no kept restore point. */
    sweepArtifacts: phase('artifacts', async (_: null, working) => sweepArtifacts(deps, working)),
  };
}

async function sweepArtifacts(deps: BackupDeps, working: Working): Promise<ArtifactSweep> {
  const sweep: ArtifactSweep = { marked: 0, removed: 0, refused: null };
  for (let after: string | null = ''; after !== null;) {
    working.signal.throwIfAborted();
    const { deleted, next } = await tombstoneArtifacts(deps.db, { after, hours: GRACE_HOURS, limit: MARKED_AT_ONCE });
    sweep.marked += deleted;
    after = next;
  }
  const { points, damaged } = await listManifests(deps.backups.names);
  if (damaged.length > 0) return { ...sweep, refused: 'a manifest is damaged: nobody knows what it refers to' };
  for await (const { folder, retained } of eachRetainedFolder(deps, points, working)) {
    const deleted = await listDeletedArtifacts(deps.db, { folder, hours: GRACE_HOURS });
    const free = deleted.filter((sha256) => !retained.has(sha256));
    for (let at = 0; at < free.length; at += REMOVED_AT_ONCE) {
      const sha256s = free.slice(at, at + REMOVED_AT_ONCE);
      const remove = async (locked: string[]) => deps.source.names.remove(locked.map(objectKey));
      sweep.removed += (await forgetArtifacts(deps.db, { sha256s, hours: GRACE_HOURS }, remove)).length;
    }
  }
  return sweep;
}

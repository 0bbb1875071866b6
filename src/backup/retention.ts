import { readMirrorSums } from '../db/read/recovery.ts';
import { clearMirrorTombstones, forgetMirrorObjects, tombstoneMirrorObjects } from '../db/write/recovery.ts';
import { listMissingArtifacts } from '../db/read/artifacts.ts';
import type { RestorePointManifest, RetentionReport } from '../schemas/restore-point.ts';
import { objectKey } from '../storage/keys.ts';
import type { BackupDeps } from './deps.ts';
import { listManifests, pointPrefix } from './manifest.ts';
import { listFolder } from './mirror.ts';
import { phase } from './progress.ts';
import type { Working } from './progress.ts';
import { eachRetainedFolder } from './retained.ts';
import { selectPruned } from './retention-policy.ts';

/** What a try without a manifest left behind is removed after this long, when no try can still be running. */
const UNSEALED_AGE_MS_MAX = 48 * 3_600_000;
/** An object that nothing refers to keeps its bytes this long. */
const TOMBSTONE_AGE_DAYS = 30;
/** A run that finds less than this share of the objects that it knows has not seen the mirror, but a fault. */
const LISTED_SHARE_MIN = 0.5;
/** More than this share at once is given up only when a person approves. */
const GIVEN_UP_SHARE_MAX = 0.1;

/** The phases of retention. */
export function createRetentionPhases(deps: BackupDeps) {
  return {
    /** Removes the points that the policy gives up and what tries without a manifest left; returns the ids of both sorts. */
    pruneRestorePoints: phase('points', async (_: null) => prunePoints(deps)),
    /** Gives up objects of the mirror that no kept point and no live row refers to, unless something looks wrong. */
    sweepMirror: phase('mirror', async ({ approved }: { approved: boolean }, working) =>
      sweepMirror(deps, approved, working),
    ),
  };
}

async function prunePoints({ backups }: BackupDeps): Promise<Pick<RetentionReport, 'kept' | 'pruned'>> {
  const { points, verified, unsealed } = await listManifests(backups.names);
  const now = Date.now();
  const known = points.map(({ id, status, database }) => ({
    id,
    at_ms: Date.parse(database.snapshot_at),
    complete: status === 'complete',
    verified: verified.has(id),
  }));
  const pruned = selectPruned(known, now);
  const abandoned = unsealed.filter(({ modified_at }) => now - modified_at.getTime() > UNSEALED_AGE_MS_MAX);
  for (const id of [...pruned, ...abandoned.map((each) => each.id)]) await removePoint(backups.names, id);
  return { kept: points.map(({ id }) => id).filter((id) => !pruned.includes(id)), pruned };
}

/** The manifest goes first: from then on it is no restore point, whatever is still there. */
async function removePoint(names: BackupDeps['backups']['names'], id: string): Promise<void> {
  await names.remove([`${pointPrefix(id)}manifest.json`]);
  const keys: string[] = [];
  for await (const { key } of names.list(pointPrefix(id))) keys.push(key);
  await names.remove(keys);
}

/** Two passes: the first only counts, so that a fault is seen before anything is given up. */
async function sweepMirror(deps: BackupDeps, approved: boolean, working: Working): Promise<RetentionReport['mirror']> {
  const { points, damaged } = await listManifests(deps.backups.names);
  const report = { listed: 0, unreferenced: 0, removed: 0, refused: null as string | null };
  if (points.length === 0 || damaged.length > 0)
    return { ...report, refused: 'a manifest is missing or damaged: nobody knows what it refers to' };
  for await (const { listed, unreferenced } of eachFolder(deps, points, working)) {
    report.listed += listed;
    report.unreferenced += unreferenced.length;
  }
  report.refused = await refusal(deps, report, approved);
  if (report.refused !== null) return report;
  for await (const { folder, unreferenced } of eachFolder(deps, points, working)) {
    await clearMirrorTombstones(deps.db, { folder, except: unreferenced });
    const expired = await tombstoneMirrorObjects(deps.db, { sha256s: unreferenced, days: TOMBSTONE_AGE_DAYS });
    await deps.backups.names.remove(expired.map(objectKey));
    await forgetMirrorObjects(deps.db, expired);
    report.removed += expired.length;
  }
  return report;
}

async function refusal(
  { db }: BackupDeps,
  { listed, unreferenced }: { listed: number; unreferenced: number },
  approved: boolean,
): Promise<string | null> {
  const { objects } = await readMirrorSums(db, 1);
  if (listed < objects * LISTED_SHARE_MIN)
    return `the mirror lists ${listed} objects of the ${objects} that are known: something is wrong with the listing`;
  if (unreferenced > listed * GIVEN_UP_SHARE_MAX && !approved)
    return `${unreferenced} of ${listed} objects would be given up, more than a tenth: approve it with the signal approveMirrorSweep`;
  return null;
}

type Folder = { folder: string; listed: number; unreferenced: string[] };

/** Folder by folder, the mirror's objects that no kept point and no live row refers to. */
async function* eachFolder(deps: BackupDeps, points: RestorePointManifest[], working: Working): AsyncGenerator<Folder> {
  for await (const { folder, retained } of eachRetainedFolder(deps, points, working)) {
    const listed = [...(await listFolder(deps.backups.names, folder)).keys()];
    const others = listed.filter((sha256) => !retained.has(sha256));
    yield { folder, listed: listed.length, unreferenced: await listMissingArtifacts(deps.db, others) };
  }
}

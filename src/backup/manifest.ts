import { AppError } from '../errors.ts';
import { RestorePointManifest } from '../schemas/restore-point.ts';
import type { BackupStore } from '../storage/backup-store.ts';
import { isGenuine, signHash } from './signature.ts';
import type { Signing } from './signature.ts';
import { sha256Of } from '../identity.ts';

/** A manifest names tables and missing objects; 64 bytes each, at most a thousand of those. */
const MANIFEST_BYTES_MAX = 1024 ** 2;
const POINTS = 'points/';

/** Everything that belongs to one point lies below this name. */
export const pointPrefix = (id: string): string => `${POINTS}${id}/`;

const manifestKey = (id: string): string => `${pointPrefix(id)}manifest.json`;

/** The document with its own hash and, where there is a key, its signature, as it is stored. */
export function sealManifest(
  body: Omit<RestorePointManifest, 'manifest_sha256' | 'signature'>,
  signing: Signing,
): RestorePointManifest {
  const manifest_sha256 = sha256(JSON.stringify(body));
  return { ...body, manifest_sha256, signature: signHash(manifest_sha256, signing) };
}

/** Stores a sealed manifest; a second try that finds the first one's leaves it, and answers with it. */
export async function writeManifest(store: BackupStore, manifest: RestorePointManifest): Promise<RestorePointManifest> {
  try {
    const bytes = Buffer.from(`${JSON.stringify(manifest)}\n`);
    await store.put(manifestKey(manifest.id), bytes, { contentType: 'application/json' });
    return manifest;
  } catch (error) {
    if (!(error instanceof AppError && error.code === 'already_exists')) throw error;
    return readManifest(store, manifest.id);
  }
}

/** A point's manifest. Throws not_found when there is no such point, data_loss when the document was altered. */
export async function readManifest(store: BackupStore, id: string): Promise<RestorePointManifest> {
  const text = Buffer.from(await store.readBytes(manifestKey(id), MANIFEST_BYTES_MAX)).toString('utf8');
  const altered = (cause: unknown) =>
    new AppError('data_loss', `The manifest of the restore point ${id} was altered or is damaged.`, { cause });
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    throw altered(error);
  }
  const { manifest_sha256, signature: _, ...body } = parsed as Record<string, unknown>;
  // The bytes as they are, so also against members that this version does not know.
  if (manifest_sha256 !== sha256(JSON.stringify(body))) throw altered('its hash differs');
  const manifest = RestorePointManifest.safeParse(parsed);
  if (!manifest.success || manifest.data.id !== id) throw altered(manifest.error ?? 'it names another point');
  const { signature } = manifest.data;
  if (signature && !isGenuine(manifest.data.manifest_sha256, signature)) throw altered('its signature does not fit');
  return manifest.data;
}

/** The points with an intact manifest, newest first; which of them a drill has verified; the ids of the others. */
export type PointList = {
  points: RestorePointManifest[];
  verified: Set<string>;
  damaged: string[];
  unsealed: { id: string; modified_at: Date }[];
};

/** What the bucket holds of points. */
export async function listManifests(store: BackupStore): Promise<PointList> {
  const verified = new Set<string>();
  const folders = new Map<string, { sealed: boolean; modified_at: Date }>();
  for await (const { key, modified_at } of store.list(POINTS)) {
    const [, id = '', name] = key.split('/');
    if (name === 'verified') verified.add(id);
    const earlier = folders.get(id);
    const newest = earlier && earlier.modified_at > modified_at ? earlier.modified_at : modified_at;
    folders.set(id, { sealed: (earlier?.sealed ?? false) || name === 'manifest.json', modified_at: newest });
  }
  const points: RestorePointManifest[] = [];
  const damaged: string[] = [];
  for (const [id] of [...folders].filter(([, { sealed }]) => sealed)) {
    try {
      points.push(await readManifest(store, id));
    } catch (error) {
      if (!(error instanceof AppError && error.code === 'data_loss')) throw error;
      damaged.push(id);
    }
  }
  points.sort((a, b) => (a.database.snapshot_at < b.database.snapshot_at ? 1 : -1));
  const unsealed = [...folders]
    .filter(([, { sealed }]) => !sealed)
    .map(([id, { modified_at }]) => ({ id, modified_at }));
  return { points, verified, damaged, unsealed };
}

/** The named point, or the newest complete one for `latest`. Throws not_found. */
export async function resolvePoint(store: BackupStore, id: string): Promise<RestorePointManifest> {
  if (id !== 'latest') return readManifest(store, id);
  const { points } = await listManifests(store);
  const newest = points.find(({ status }) => status === 'complete');
  if (!newest) throw new AppError('not_found', `The bucket ${store.bucket} holds no complete restore point.`);
  return newest;
}

function sha256(text: string): string {
  return sha256Of(text);
}

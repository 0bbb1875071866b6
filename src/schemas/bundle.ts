import { z } from 'zod';
import { Count, Sha256, Timestamp, Uuid } from './primitives.ts';

/** A file of a bundle by its content. */
export const BundleFile = z.object({ path: z.string(), size_bytes: Count, sha256: Sha256 });
export type BundleFile = z.infer<typeof BundleFile>;

/**
 * What a bundle holds: everything on record of one episode. `missing` names objects that the record refers to and the
 * store no longer has. The bundle's last 64 bytes are the SHA-256 of all bytes before them.
 */
export const BundleManifest = z.object({
  version: z.literal(1),
  episode_id: Uuid,
  status: z.string(),
  made_at: Timestamp,
  code_version: z.string().nullable(),
  files: z.array(BundleFile),
  missing: z.array(z.object({ path: z.string(), sha256: Sha256 })),
});
export type BundleManifest = z.infer<typeof BundleManifest>;

/** Where a bundle's parts lie in it. */
export const BUNDLE_MANIFEST = 'manifest.json';
export const BUNDLE_HISTORIES = 'histories/';
export const BUNDLE_ARTIFACTS = 'artifacts/';

/** Digits of the seal at a bundle's end. */
export const BUNDLE_SEAL_CHARS = 64;

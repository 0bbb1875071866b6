import type { Kysely } from 'kysely';
import { claimArtifact } from '../db/write/artifacts.ts';
import type { Database } from '../schemas/database.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { createS3ObjectStore } from '../storage/s3.ts';
import type { Config } from '../config/config.ts';

/** The artifact store as whoever links its objects needs it: storing one takes it out of the hands of the sweep. */
export function openArtifactStore(config: Config, db: Kysely<Database>): ObjectStore & AsyncDisposable {
  return createS3ObjectStore({ ...s3Options(config), claim: async (sha256) => claimArtifact(db, sha256) });
}

/** How the artifact store is reached. */
export function s3Options({ s3 }: Config): Parameters<typeof createS3ObjectStore>[0] {
  const { endpoint, region, access_key_id, secret_access_key, bucket_artifacts } = s3;
  const credentials = { accessKeyId: access_key_id, secretAccessKey: secret_access_key.reveal() };
  return { endpoint, region, credentials, bucket: bucket_artifacts };
}

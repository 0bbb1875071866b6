import type { Kysely } from 'kysely';
import { claimArtifact } from '../db/write/artifacts.ts';
import type { Database } from '../schemas/database.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { createS3ObjectStore } from '../storage/s3.ts';
import type { Config } from '../config/config.ts';
import { s3Options } from './s3-options.ts';

/** The artifact store as whoever links its objects needs it: storing one takes it out of the hands of the sweep. */
export function openArtifactStore(config: Config, db: Kysely<Database>): ObjectStore & AsyncDisposable {
  return createS3ObjectStore({ ...s3Options(config), claim: async (sha256) => claimArtifact(db, sha256) });
}

import type { createS3ObjectStore } from '../storage/s3.ts';
import type { Config } from '../config/config.ts';

/** How the artifact store is reached. */
export function s3Options({ s3 }: Config): Parameters<typeof createS3ObjectStore>[0] {
  const { endpoint, region, access_key_id, secret_access_key, bucket_artifacts } = s3;
  const credentials = { accessKeyId: access_key_id, secretAccessKey: secret_access_key.reveal() };
  return { endpoint, region, credentials, bucket: bucket_artifacts };
}

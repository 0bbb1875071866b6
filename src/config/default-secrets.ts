import { AppError } from '../errors.ts';
import type { Variables } from './variables.ts';

/** What the manuals of Postgres, MinIO, SeaweedFS and Langfuse print as examples, and what people type instead. */
const DEFAULT_SECRETS = new Set(
  'admin any changeme default miniosecret minioadmin observatory password postgres root secret sk-lf-1234567890 test'.split(
    ' ',
  ),
);

/** Throws `failed_precondition` naming every variable whose secret is absent or printed in some manual. */
export function refuseDefaultSecrets(variables: Variables): void {
  const password = decodeURIComponent(new URL(variables.DATABASE_URL ?? '').password);
  const refused = (
    [
      ['DATABASE_URL', password || 'default'],
      ['S3_SECRET_ACCESS_KEY', variables.S3_SECRET_ACCESS_KEY],
      ['S3_BACKUPS_SECRET_ACCESS_KEY', variables.S3_BACKUPS_SECRET_ACCESS_KEY],
      ['LANGFUSE_SECRET_KEY', variables.LANGFUSE_SECRET_KEY],
      ['TEMPORAL_API_KEY', variables.TEMPORAL_API_KEY],
    ] as const
  ).filter(([, value]) => value !== undefined && DEFAULT_SECRETS.has(value.toLowerCase()));
  if (refused.length > 0)
    throw new AppError(
      'failed_precondition',
      `Production refuses default or absent secrets: ${refused.map(([name]) => name).join(', ')}.`,
    );
}

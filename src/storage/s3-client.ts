import { S3Client } from '@aws-sdk/client-s3';
import { AppError } from '../errors.ts';

/** The `reason` in the details of an error that says that the bucket is missing: a restore makes it then. */
export const BUCKET_MISSING = 'bucket_missing';

/** Connecting to a store that is there takes milliseconds; longer means that it is away, and retries say so sooner. */
const CONNECT_TIMEOUT_MS = 5_000;
/** The longest silence on an open connection. */
const IDLE_TIMEOUT_MS = 30_000;
/** The longest wait for an answer's head, long enough for a 16 MiB part on a slow line. */
const REQUEST_TIMEOUT_MS = 120_000;
/** Tries of one request, with the SDK's jittered backoff: some seconds in all. Longer outages are the activity's to bear. */
const ATTEMPTS_MAX = 4;

/** Where an S3 server is and how to sign for it. */
export interface S3Connection {
  endpoint: string;
  region: string;
  credentials: { accessKeyId: string; secretAccessKey: string };
}

/** An S3 client with path-style addresses, bounded times and tries. Its caller destroys it. */
export function createS3Client(connection: S3Connection): S3Client {
  return new S3Client({
    endpoint: connection.endpoint,
    region: connection.region,
    credentials: connection.credentials,
    forcePathStyle: true,
    // Servers other than Amazon's reject or mishandle the SDK's default CRC trailers; our own SHA-256 guards every object.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    maxAttempts: ATTEMPTS_MAX,
    retryMode: 'standard',
    requestHandler: {
      connectionTimeout: CONNECT_TIMEOUT_MS,
      socketTimeout: IDLE_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      throwOnRequestTimeout: true,
    },
  });
}

/** The HTTP status of an S3 error, or undefined when no answer came. */
export function s3Status(error: unknown): number | undefined {
  return (error as { $metadata?: { httpStatusCode?: number } } | null)?.$metadata?.httpStatusCode;
}

/** Any failure of an S3 call as an `AppError`. Refused credentials and a missing bucket are ours to mend, never the agent's. */
export function fromS3(error: unknown): AppError {
  if (error instanceof AppError) return error;
  const name = error instanceof Error ? error.name : '';
  if (name === 'NoSuchBucket')
    return new AppError('unavailable', 'The bucket does not exist.', {
      cause: error,
      details: { reason: BUCKET_MISSING },
    });
  // Reads answer an absent object themselves; any other 404 (a multipart upload, say) is the store's own trouble.
  const status = s3Status(error);
  if (status === 404) return new AppError('unavailable', `The object store answered ${name}.`, { cause: error });
  if (status === 401 || status === 403) {
    return new AppError('unavailable', `The object store refused our credentials (${name}).`, { cause: error });
  }
  if (status === 416) return new AppError('out_of_range', 'The range lies outside the object.', { cause: error });
  return AppError.from(error);
}

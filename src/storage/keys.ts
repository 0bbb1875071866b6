import { AppError } from '../errors.ts';
import { Sha256 } from '../schemas/primitives.ts';

/** An artifact's address as text names it: which bucket, which content. */
export interface ArtifactAddress {
  bucket: string;
  sha256: Sha256;
}

/** The key of an object in its bucket: `sha256/<first two digits>/<hash>`, so that a key alone says what its bytes must be. */
export function objectKey(sha256: Sha256): string {
  if (!Sha256.safeParse(sha256).success) {
    throw new AppError('invalid_argument', 'An artifact is named by 64 lower-case hexadecimal digits.');
  }
  return `sha256/${sha256.slice(0, 2)}/${sha256}`;
}

/** The `s3://bucket/key` text of an artifact, as agents and step outputs write it. */
export function artifactUri(bucket: string, sha256: Sha256): string {
  return `s3://${bucket}/${objectKey(sha256)}`;
}

/** The address that an `s3://` text of ours names; throws invalid_argument for any other text. */
export function parseArtifactUri(text: string): ArtifactAddress {
  const [only] = listArtifactUris(text);
  if (only === undefined || only.uri !== text) {
    throw new AppError('invalid_argument', 'Not an artifact address: s3://<bucket>/sha256/<2 digits>/<64 digits>.');
  }
  return { bucket: only.bucket, sha256: only.sha256 };
}

/** Every artifact address within a text, in order of first appearance, each once. Other `s3://` texts are left alone. */
export function listArtifactUris(text: string): (ArtifactAddress & { uri: string })[] {
  const found = new Map<string, ArtifactAddress & { uri: string }>();
  // Bucket names by Amazon's rule: 3 to 63 characters. The back reference refuses a key whose folder and hash disagree.
  const pattern =
    /s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])\/sha256\/([0-9a-f]{2})\/((?=\2)[0-9a-f]{64})(?![0-9A-Za-z_/-])/g;
  for (const [uri, bucket, , sha256] of text.matchAll(pattern)) {
    if (bucket !== undefined && sha256 !== undefined) found.set(uri, { uri, bucket, sha256 });
  }
  return [...found.values()];
}

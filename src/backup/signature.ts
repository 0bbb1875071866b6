import { createPublicKey, sign, verify } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { AppError } from '../errors.ts';
import { failed, passed } from '../schemas/restore-point.ts';
import type { ManifestSignature, RecoveryCheck, RestorePointManifest } from '../schemas/restore-point.ts';

/** The key that signs new points (null: they are not signed), and the public one that must have signed those that are read (null: any). */
export type Signing = { private_key: KeyObject | null; trusted: KeyObject | null };

/** A public key as it is printed and stored: its SPKI's DER in base64. */
const publicKeyText = (key: KeyObject): string => key.export({ format: 'der', type: 'spki' }).toString('base64');

/** The signature of a manifest's hash, which covers all of it; null without a key. */
export function signHash(manifest_sha256: string, { private_key }: Signing): ManifestSignature | null {
  if (private_key === null) return null;
  return {
    algorithm: 'ed25519',
    public_key: publicKeyText(createPublicKey(private_key)),
    value: sign(null, Buffer.from(manifest_sha256), private_key).toString('base64'),
  };
}

/** Whether the signature is that of the hash, by the key that it names. */
export function isGenuine(manifest_sha256: string, { public_key, value }: ManifestSignature): boolean {
  try {
    const key = createPublicKey({ key: Buffer.from(public_key, 'base64'), format: 'der', type: 'spki' });
    return verify(null, Buffer.from(manifest_sha256), key, Buffer.from(value, 'base64'));
  } catch {
    return false; // not even a key
  }
}

/** What a new point says of its signature. */
export function signingCheck({ private_key }: Signing): RecoveryCheck {
  const signed = private_key !== null;
  return passed('signature', { signed, ...(signed && { public_key: publicKeyText(createPublicKey(private_key)) }) });
}

/** Whether the point was signed by the key that this deployment trusts; without one any point will do. */
export function signatureCheck({ signature }: RestorePointManifest, { trusted }: Signing): RecoveryCheck {
  const figures = { signed: signature !== null, ...(signature && { public_key: signature.public_key }) };
  if (trusted === null) return passed('signature', figures);
  if (signature === null) return failed('signature', 'it is not signed, and a key is configured', figures);
  const good = signature.public_key === publicKeyText(trusted);
  return good
    ? passed('signature', figures)
    : failed('signature', 'another key than the configured one signed it', figures);
}

/** Throws failed_precondition unless the point may be restored by its signature. */
export function requireSignature(manifest: RestorePointManifest, signing: Signing): void {
  const { status, reason } = signatureCheck(manifest, signing);
  if (status === 'ok') return;
  throw new AppError(
    'failed_precondition',
    `The restore point ${manifest.id} cannot be trusted: ${reason}. Choose another, or accept it with --accept-unsigned.`,
  );
}

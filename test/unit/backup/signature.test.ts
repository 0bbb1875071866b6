import { generateKeyPairSync } from 'node:crypto';
import { expect, test } from 'vitest';
import { isGenuine, requireSignature, signatureCheck, signHash } from '../../../src/backup/signature.ts';
import { loadConfig } from '../../../src/config/config.ts';
import type { RestorePointManifest } from '../../../src/schemas/restore-point.ts';

const HASH = 'a'.repeat(64);
const ours = generateKeyPairSync('ed25519');
const another = generateKeyPairSync('ed25519');
const signing = { private_key: ours.privateKey, trusted: ours.publicKey };
const pointSignedBy = (key: typeof ours | null) =>
  ({
    id: 'p',
    signature: signHash(HASH, { private_key: key?.privateKey ?? null, trusted: null }),
  }) as RestorePointManifest;

test('a signature fits its own hash and no other, and garbage fits nothing', () => {
  const signature = signHash(HASH, signing);
  expect(signature && isGenuine(HASH, signature)).toBe(true);
  expect(signature && isGenuine('b'.repeat(64), signature)).toBe(false);
  expect(signature && isGenuine(HASH, { ...signature, public_key: 'bm8ga2V5' })).toBe(false);
  const theirs = signHash(HASH, { private_key: another.privateKey, trusted: null });
  expect(signature && theirs && isGenuine(HASH, { ...signature, public_key: theirs.public_key })).toBe(false);
});

test('where a key is trusted, a point of another key or of none is no good; where none is, any is', () => {
  expect(signatureCheck(pointSignedBy(ours), signing)).toMatchObject({ status: 'ok', figures: { signed: true } });
  expect(signatureCheck(pointSignedBy(another), signing)).toMatchObject({ status: 'failed' });
  expect(signatureCheck(pointSignedBy(null), signing)).toMatchObject({ status: 'failed' });
  expect(signatureCheck(pointSignedBy(null), { private_key: null, trusted: null })).toMatchObject({ status: 'ok' });
  expect(() => requireSignature(pointSignedBy(another), signing)).toThrow(
    'another key than the configured one signed it',
  );
});

test('keys are taken as PEM or as DER in base64, and nothing else is', () => {
  const required = {
    DATABASE_URL: 'postgres://localhost/x',
    S3_ENDPOINT: 'http://localhost:1',
    S3_ACCESS_KEY_ID: 'id',
    S3_SECRET_ACCESS_KEY: 'secret',
    TEMPORAL_ADDRESS: 'localhost:1',
  };
  const pem = ours.privateKey.export({ format: 'pem', type: 'pkcs8' });
  const der = ours.privateKey.export({ format: 'der', type: 'pkcs8' }).toString('base64');
  for (const key of [String(pem), der])
    expect(loadConfig({ ...required, BACKUPS_SIGNING_KEY: key }).signing.private_key).toBeDefined();
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
  for (const key of ['nonsense', String(rsa.privateKey.export({ format: 'pem', type: 'pkcs8' }))])
    expect(() => loadConfig({ ...required, BACKUPS_SIGNING_KEY: key })).toThrow('must be an Ed25519 private key');
});

import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { generate } from 'selfsigned';

/** Longer than any process that was given it runs: the next start makes another. */
const VALID_YEARS = 10;
const LOOPBACK = '127.0.0.1';

/** A certificate and its key as PEM files: whoever shows it is one of a server's own parts. */
export type OwnCertificate = { cert_path: string; key_path: string };

/**
 * Makes a certificate for a server's parts on this machine, which each part shows and asks of the others, in files of `folder` that
 * only this user reads. Its own authority: nothing else is signed by it.
 */
export async function makeOwnCertificate(folder: string, name: string): Promise<OwnCertificate> {
  const until = new Date();
  until.setFullYear(until.getFullYear() + VALID_YEARS);
  const { cert, private: key } = await generate([{ name: 'commonName', value: name }], {
    keyType: 'ec',
    algorithm: 'sha256',
    notAfterDate: until,
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', digitalSignature: true, keyCertSign: true, critical: true },
      { name: 'extKeyUsage', serverAuth: true, clientAuth: true },
      { name: 'subjectAltName', altNames: [{ type: 7, ip: LOOPBACK }] },
    ],
  });
  const made = { cert_path: join(folder, 'certificate.pem'), key_path: join(folder, 'key.pem') };
  for (const [path, text] of [
    [made.cert_path, cert],
    [made.key_path, key],
  ] as const) {
    rmSync(path, { force: true });
    writeFileSync(path, text, { mode: 0o600 });
  }
  return made;
}

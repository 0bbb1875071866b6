import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { openPromise } from 'yauzl';
import type { Entry, ZipFile } from 'yauzl';
import { AppError } from '../errors.ts';
import {
  BUNDLE_ARTIFACTS,
  BUNDLE_HISTORIES,
  BUNDLE_MANIFEST,
  BUNDLE_SEAL_CHARS,
  BundleManifest,
} from '../schemas/bundle.ts';

/** Far above a manifest of 100,000 files, and a history at Temporal's own bound of 50 MB, which JSON doubles. */
const TEXT_BYTES_MAX = 256 * 1024 ** 2;

/** What a bundle was found to be: `findings` name every file that is not as it was written; none: it is whole. */
export type BundleReport = { episode_id: string | null; files: number; bytes: number; findings: string[] };

/** Reads a bundle from its first byte to its last, and holds every file against the manifest. Throws invalid_argument for no bundle. */
export async function verifyBundle(path: string): Promise<BundleReport> {
  const report: BundleReport = { episode_id: null, files: 0, bytes: 0, findings: [] };
  const sealed = await isSealed(path);
  try {
    await using bundle = await openBundle(path);
    const manifest = await readManifest(bundle);
    report.episode_id = manifest.episode_id;
    for (const file of manifest.files) await verifyFile(bundle, file, report);
    const known = new Set([BUNDLE_MANIFEST, ...manifest.files.map((file) => file.path)]);
    for (const name of bundle.entries.keys())
      if (!known.has(name)) report.findings.push(`${name} is not in the manifest`);
    for (const { path: name, sha256 } of manifest.missing)
      report.findings.push(`${name} was missing when the bundle was made (${sha256})`);
  } catch (error) {
    report.findings.push(AppError.from(error).message);
  }
  if (!sealed && report.findings.length === 0)
    report.findings.push('a byte outside of the files differs (a header, or the directory): the seal does not match');
  return report;
}

/** The histories in a bundle, as JSON texts. */
export async function* readBundledHistories(path: string): AsyncGenerator<string> {
  await using bundle = await openBundle(path);
  const names = [...bundle.entries.keys()].filter((name) => name.startsWith(BUNDLE_HISTORIES));
  for (const name of names) yield await readText(bundle, name);
}

/** Whether a file begins as a zip does. Throws invalid_argument where it cannot be read. */
export async function isZip(path: string): Promise<boolean> {
  try {
    await using file = await open(path);
    const { buffer } = await file.read(Buffer.alloc(4), 0, 4, 0);
    return buffer.toString('latin1') === 'PK\u0003\u0004';
  } catch (cause) {
    throw new AppError('invalid_argument', `The file ${path} cannot be read.`, { cause });
  }
}

type Bundle = AsyncDisposable & { zip: ZipFile; entries: Map<string, Entry> };

async function openBundle(path: string): Promise<Bundle> {
  try {
    const zip = await openPromise(path, { lazyEntries: true, autoClose: false });
    const entries = new Map<string, Entry>();
    for await (const entry of zip.eachEntry()) entries.set(entry.fileName, entry);
    return { zip, entries, [Symbol.asyncDispose]: async () => zip.close() };
  } catch (cause) {
    throw new AppError('data_loss', `The archive’s directory cannot be read: ${(cause as Error).message}`, { cause });
  }
}

async function readManifest(bundle: Bundle): Promise<BundleManifest> {
  const text = await readText(bundle, BUNDLE_MANIFEST);
  try {
    return BundleManifest.parse(JSON.parse(text));
  } catch (cause) {
    throw new AppError('data_loss', `${BUNDLE_MANIFEST} is damaged`, { cause });
  }
}

async function verifyFile(bundle: Bundle, file: BundleManifest['files'][number], report: BundleReport): Promise<void> {
  const entry = bundle.entries.get(file.path);
  if (!entry) return void report.findings.push(`${file.path} is missing`);
  const hash = createHash('sha256');
  let size_bytes = 0;
  try {
    for await (const piece of await bundle.zip.openReadStreamPromise(entry)) {
      hash.update(piece as Uint8Array);
      size_bytes += (piece as Uint8Array).length;
    }
  } catch (error) {
    return void report.findings.push(`${file.path} is damaged: ${(error as Error).message}`);
  }
  const sha256 = hash.digest('hex');
  report.files += 1;
  report.bytes += size_bytes;
  if (sha256 !== file.sha256 || size_bytes !== file.size_bytes)
    report.findings.push(`${file.path} differs: it hashes to ${sha256}, the manifest says ${file.sha256}`);
  else if (file.path.startsWith(BUNDLE_ARTIFACTS) && file.path !== `${BUNDLE_ARTIFACTS}${sha256}`)
    report.findings.push(`${file.path} is another artifact: it hashes to ${sha256}`);
}

async function readText({ zip, entries }: Bundle, name: string): Promise<string> {
  const entry = entries.get(name);
  if (!entry) throw new AppError('data_loss', `${name} is missing`);
  if (entry.uncompressedSize > TEXT_BYTES_MAX) throw new AppError('resource_exhausted', `${name} is too large`);
  try {
    const pieces: Uint8Array[] = [];
    for await (const piece of await zip.openReadStreamPromise(entry)) pieces.push(piece as Uint8Array);
    return Buffer.concat(pieces).toString('utf8');
  } catch (cause) {
    throw new AppError('data_loss', `${name} is damaged: ${(cause as Error).message}`, { cause });
  }
}

/** Whether the last 64 bytes are the hash of all before. Throws invalid_argument where the file is no bundle of ours. */
async function isSealed(path: string): Promise<boolean> {
  const size = await stat(path).then(
    (found) => found.size,
    (cause: unknown) => {
      throw new AppError('invalid_argument', `The file ${path} cannot be read.`, { cause });
    },
  );
  if (size <= BUNDLE_SEAL_CHARS) throw new AppError('invalid_argument', `The file ${path} is no bundle.`);
  const hash = createHash('sha256');
  const end = size - BUNDLE_SEAL_CHARS;
  for await (const piece of createReadStream(path, { end: end - 1 })) hash.update(piece as Uint8Array);
  let seal = '';
  for await (const piece of createReadStream(path, { start: end })) seal += String(piece);
  return hash.digest('hex') === seal;
}

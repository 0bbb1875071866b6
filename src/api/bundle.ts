import { createHash } from 'node:crypto';
import { Readable, Transform } from 'node:stream';
import { ZipFile } from 'yazl';
import { listReferredArtifacts, listRecordParts, readRecordPart } from '../db/read/bundle.ts';
import type { ReferredArtifact } from '../db/read/bundle.ts';
import { listHistories } from '../db/read/replays.ts';
import { BUNDLE_ARTIFACTS, BUNDLE_HISTORIES, BUNDLE_MANIFEST, BUNDLE_SEAL_CHARS } from '../schemas/bundle.ts';
import type { BundleFile, BundleManifest } from '../schemas/bundle.ts';
import type { Episode } from '../schemas/episode.ts';
import { WorkspaceManifest } from '../schemas/workspace.ts';
import type { ApiDeps } from './deps.ts';

/** A workspace's manifest: at most 10,000 files with their paths. */
const WORKSPACE_MANIFEST_BYTES_MAX = 64 * 1024 ** 2;

type Deps = Pick<ApiDeps, 'db' | 'store' | 'code_version'>;
type Part = { path: string; compress: boolean; open: () => AsyncIterable<Uint8Array | string> };

/**
 * Everything on record of an episode as one zip, made while it is read: tables as lines of JSON, the histories of its runs,
 * and the bytes of every artifact that it refers to. The manifest comes last, since it holds the hashes of all before it.
 */
export async function streamBundle(deps: Deps, episode: Episode): Promise<Readable> {
  const { parts, missing } = await partsOf(deps, episode);
  const files: BundleFile[] = [];
  const manifest = (): BundleManifest => ({
    version: 1,
    episode_id: episode.id,
    status: episode.status,
    made_at: new Date().toISOString(),
    code_version: deps.code_version,
    files,
    missing,
  });
  const zip = new ZipFile();
  const sealed = seal();
  const fail = (error: unknown) => void sealed.destroy(error instanceof Error ? error : new Error(String(error)));
  const add = ({ path, compress, open }: Part) => {
    const mtime = new Date(episode.created_at);
    zip.addReadStreamLazy(path, { compress, mtime, mode: 0o100644 }, (take) => {
      const content = Readable.from(measured(path, open(), files));
      content.once('error', fail);
      take(null, content);
    });
  };
  for (const part of parts) add(part);
  add({ path: BUNDLE_MANIFEST, compress: true, open: () => Readable.from([JSON.stringify(manifest(), null, 1)]) });
  zip.once('error', fail);
  zip.end({ forceZip64Format: false, comment: '0'.repeat(BUNDLE_SEAL_CHARS) });
  return (zip.outputStream as Readable).once('error', fail).pipe(sealed);
}

async function partsOf(
  { db, store }: Deps,
  episode: Episode,
): Promise<{ parts: Part[]; missing: BundleManifest['missing'] }> {
  const parts: Part[] = [
    { path: 'episode.json', compress: true, open: () => Readable.from([JSON.stringify(episode, null, 1)]) },
  ];
  for (const name of await listRecordParts(db))
    parts.push({ path: `${name}.jsonl`, compress: true, open: () => lines(readRecordPart(db, name, episode.id)) });
  const missing: BundleManifest['missing'] = [];
  const addObject = async (path: string, sha256: string, compress: boolean) => {
    if (!(await store.stat(sha256))) missing.push({ path, sha256 });
    else parts.push({ path, compress, open: () => readObject(store, sha256) });
  };
  for (const { run_id, sha256 } of await listHistories(db, episode.id))
    await addObject(`${BUNDLE_HISTORIES}${run_id}.json`, sha256, true);
  for (const sha256 of await withWorkspaceFiles(store, await listReferredArtifacts(db, episode.id)))
    await addObject(`${BUNDLE_ARTIFACTS}${sha256}`, sha256, false);
  return { parts, missing };
}

/** The artifacts and what the workspaces among them consist of, so that every workspace can be rebuilt from the bundle. */
async function withWorkspaceFiles(store: Deps['store'], referred: ReferredArtifact[]): Promise<string[]> {
  const all = new Set(referred.map(({ sha256 }) => sha256));
  for (const { sha256, is_workspace } of referred) {
    if (!is_workspace || !(await store.stat(sha256))) continue;
    const bytes = await store.readBytes(sha256, { maxBytes: WORKSPACE_MANIFEST_BYTES_MAX });
    const { files } = WorkspaceManifest.parse(JSON.parse(Buffer.from(bytes).toString('utf8')));
    for (const file of files) all.add(file.sha256);
  }
  return [...all].toSorted();
}

async function* readObject(store: Deps['store'], sha256: string): AsyncGenerator<Uint8Array> {
  const { stream } = await store.read(sha256);
  yield* stream as AsyncIterable<Uint8Array>;
}

async function* lines(rows: AsyncIterable<object>): AsyncGenerator<string> {
  for await (const row of rows) yield `${JSON.stringify(row)}\n`;
}

/** The same bytes; when they have passed, the file with its size and hash is in the list. */
async function* measured(
  path: string,
  content: AsyncIterable<Uint8Array | string>,
  files: BundleFile[],
): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha256');
  let size_bytes = 0;
  for await (const piece of content) {
    const bytes = typeof piece === 'string' ? Buffer.from(piece) : piece;
    hash.update(bytes);
    size_bytes += bytes.length;
    yield bytes;
  }
  files.push({ path, size_bytes, sha256: hash.digest('hex') });
}

/** Puts the hash of everything before into the archive's comment, which ends it: headers are no file's bytes. */
function seal(): Transform {
  const hash = createHash('sha256');
  let held = Buffer.alloc(0);
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      const all = Buffer.concat([held, chunk]);
      const passes = all.subarray(0, Math.max(0, all.length - BUNDLE_SEAL_CHARS));
      held = Buffer.from(all.subarray(passes.length));
      hash.update(passes);
      done(null, passes);
    },
    flush(done) {
      done(null, hash.digest('hex'));
    },
  });
}

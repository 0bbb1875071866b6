import { createHash, randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { chmod, mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { AppError } from '../errors.ts';
import { WorkspaceAt } from '../schemas/place.ts';
import type { WorkspaceFile } from '../schemas/workspace.ts';
import { bodyOf } from '../client/client.ts';
import type { Client } from '../client/client.ts';
import { sha256Of } from '../identity.ts';

/** What was there, and where it lies now. */
export type Reconstructed = { folder: string; seq: number; workspace_sha256: string; files: number; messages: number };

/**
 * Writes an episode's files and conversations as they were after a step into a folder that is absent or empty: `workspace/`,
 * `manifest.json`, whose SHA-256 names the workspace, and `conversation.json`. Every file is checked by its hash, and the
 * folder appears only when it is whole. Throws failed_precondition for a folder with something in it.
 */
export async function reconstruct(
  client: Client,
  { id, step, into }: { id: string; step: number | undefined; into: string },
): Promise<Reconstructed> {
  const folder = resolve(into);
  await requireEmpty(folder);
  const at = { param: { id }, query: step === undefined ? {} : { step: String(step) } };
  const workspace = WorkspaceAt.parse(await bodyOf(client.v1.episodes[':id'].workspace.$get(at)));
  const { seq, sha256, files } = workspace;
  const query = { step: String(seq) };
  const conversation = await bodyOf(client.v1.episodes[':id'].conversation.$get({ param: { id }, query }));
  const manifest = manifestOf(files);
  requireHash('the workspace’s manifest', sha256, sha256Of(manifest));
  const building = `${folder}.partial-${randomUUID()}`;
  try {
    await mkdir(join(building, 'workspace'), { recursive: true });
    for (const file of files) await download(client, file, join(building, 'workspace', file.path));
    await writeFile(join(building, 'manifest.json'), manifest);
    await writeFile(join(building, 'conversation.json'), `${JSON.stringify(conversation, null, 2)}\n`);
    await rename(building, folder);
  } finally {
    await rm(building, { recursive: true, force: true });
  }
  const messages = conversation.roles.reduce((sum, role) => sum + role.messages.length, 0);
  return { folder, seq, workspace_sha256: sha256, files: files.length, messages };
}

async function requireEmpty(folder: string): Promise<void> {
  const inside = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw new AppError('failed_precondition', `${folder} is no folder that can be written to.`, { cause: error });
  });
  if (inside.length > 0)
    throw new AppError(
      'failed_precondition',
      `${folder} is not empty: name a folder that is, or that is not there yet.`,
    );
}

/** The manifest's one form as bytes, as the workspace's hash is made of. */
const manifestOf = (files: WorkspaceFile[]) =>
  JSON.stringify({
    version: 1,
    files: files.map(({ path, mode, size_bytes, sha256 }) => ({ path, mode, size_bytes, sha256 })),
  });

async function download(client: Client, file: WorkspaceFile, target: string): Promise<void> {
  const { path, mode, sha256 } = file;
  const answer = await client.v1.artifacts[':sha256'].content.$get({ param: { sha256 }, query: {}, header: {} });
  if (!answer.ok || answer.body === null)
    throw new AppError('data_loss', `${path} (sha256 ${sha256}) cannot be read: the API answered ${answer.status}.`);
  await mkdir(dirname(target), { recursive: true });
  const hash = createHash('sha256');
  const hashing = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      done(null, chunk);
    },
  });
  await pipeline(Readable.fromWeb(answer.body as never), hashing, createWriteStream(target, { flags: 'wx' }));
  requireHash(path, sha256, hash.digest('hex'));
  await chmod(target, mode === '100755' ? 0o755 : 0o644);
}

function requireHash(what: string, expected: string, found: string): void {
  if (found !== expected) throw new AppError('data_loss', `${what} should have the hash ${expected} and has ${found}.`);
}

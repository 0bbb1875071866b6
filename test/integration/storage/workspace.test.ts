import { chmod, mkdir, mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { DeleteObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { objectKey } from '../../../src/storage/keys.ts';
import type { ObjectStore } from '../../../src/storage/object-store.ts';
import { createS3Client } from '../../../src/storage/s3-client.ts';
import { getManifest, rebuildWorkspace, storeWorkspace } from '../../../src/storage/workspace-manifest.ts';
import { scanWorkspace } from '../../../src/storage/workspace-scan.ts';
import { freshText, openStore, s3Options } from './s3-support.ts';

let store: ObjectStore & AsyncDisposable;
let base: string;
let dir: string;

beforeAll(() => {
  store = openStore();
});
afterAll(() => store[Symbol.asyncDispose]());
beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'workspace-'));
  dir = join(base, 'original');
  await mkdir(dir);
});
afterEach(() => rm(base, { recursive: true, force: true }));

async function write(path: string, content: string | Uint8Array): Promise<void> {
  await mkdir(dirname(join(dir, path)), { recursive: true });
  await writeFile(join(dir, path), content);
}

async function keep() {
  const { manifest } = await scanWorkspace(dir);
  return storeWorkspace(store, { dir, manifest });
}

describe('a workspace kept and rebuilt', () => {
  it('is the same by hash, file by file and mode by mode', async () => {
    const picture = randomBytes(17 * 1024 ** 2);
    await write('plan.md', freshText());
    await write('src/deep/größe 部品.py', freshText());
    await write('empty', '');
    await write('picture.png', picture);
    await write('run.sh', freshText());
    await chmod(join(dir, 'run.sh'), 0o755);
    const { workspace_sha256, manifest, changed } = await keep();
    expect(changed.map(({ path, change }) => [path, change])).toEqual(
      manifest.files.map(({ path }) => [path, 'added']),
    );

    const copy = join(base, 'copy');
    expect(await rebuildWorkspace(store, workspace_sha256, copy)).toEqual(manifest);
    expect((await scanWorkspace(copy)).manifest).toEqual(manifest);
    expect((await stat(join(copy, 'run.sh'))).mode & 0o777).toBe(0o755);
    expect((await readFile(join(copy, 'picture.png'))).equals(picture)).toBe(true);
    expect((await readdir(base)).toSorted()).toEqual(['copy', 'original']);
    // Kept again from the copy, it is the very same workspace.
    const again = await storeWorkspace(store, { dir: copy, manifest: (await scanWorkspace(copy)).manifest });
    expect(again.workspace_sha256).toBe(workspace_sha256);
  });

  it('says what changed, and stores only that', async () => {
    await write('same', freshText());
    await write('edited', freshText());
    await write('removed', freshText());
    await write('script', freshText());
    const first = await keep();
    await write('edited', freshText());
    await write('new', freshText());
    await rm(join(dir, 'removed'));
    await chmod(join(dir, 'script'), 0o755);
    const { manifest } = await scanWorkspace(dir);
    // A file that the store must not read again proves it by being gone.
    await rm(join(dir, 'same'));
    const second = await storeWorkspace(store, { dir, manifest, previous: first.manifest });
    expect(second.changed.map(({ path, change }) => [path, change])).toEqual([
      ['/edited', 'modified'],
      ['/new', 'added'],
      ['/removed', 'deleted'],
      ['/script', 'modified'],
    ]);
    expect(await getManifest(store, second.workspace_sha256)).toEqual(manifest);
  });

  it('is not kept when a file changes between scan and upload', async () => {
    await write('a', freshText());
    const { manifest } = await scanWorkspace(dir);
    await write('a', freshText());
    const moved = { code: 'internal', retry: 'a_few_times', details: { path: '/a' } };
    await expect(storeWorkspace(store, { dir, manifest })).rejects.toMatchObject(moved);
    await rm(join(dir, 'a'));
    await expect(storeWorkspace(store, { dir, manifest })).rejects.toMatchObject(moved);
  });

  it('can be empty', async () => {
    const { workspace_sha256 } = await keep();
    await rebuildWorkspace(store, workspace_sha256, join(base, 'copy'));
    expect(await readdir(join(base, 'copy'))).toEqual([]);
  });
});

describe('a workspace that cannot be rebuilt', () => {
  it.each(['missing', 'damaged'])('names the path and hash that is %s, and leaves no half of it', async (how) => {
    await write('whole', freshText());
    await write('src/broken.py', freshText());
    const { workspace_sha256, manifest } = await keep();
    const sha256 = manifest.files.find((file) => file.path === '/src/broken.py')?.sha256 ?? '';
    const client = createS3Client(s3Options());
    const target = { Bucket: store.bucket, Key: objectKey(sha256) };
    if (how === 'missing') await client.send(new DeleteObjectCommand(target));
    else await client.send(new PutObjectCommand({ ...target, Body: 'other bytes' }));

    const rebuild = rebuildWorkspace(store, workspace_sha256, join(base, 'copy'));
    await expect(rebuild).rejects.toMatchObject({ code: 'data_loss', details: { path: '/src/broken.py', sha256 } });
    await expect(rebuild).rejects.toThrow(how);
    expect(await readdir(join(base, 'copy'))).toEqual([]);
    expect((await readdir(base)).toSorted()).toEqual(['copy', 'original']);
    await client.send(new DeleteObjectCommand(target));
    client.destroy();
  });

  it('leaves a folder alone that has something in it', async () => {
    await write('a', freshText());
    const { workspace_sha256 } = await keep();
    await expect(rebuildWorkspace(store, workspace_sha256, dir)).rejects.toThrow('empty folder');
  });

  it('says so when its manifest is absent, or is no manifest', async () => {
    await expect(getManifest(store, 'f'.repeat(64))).rejects.toMatchObject({ code: 'data_loss' });
    const { sha256 } = await store.put(Buffer.from(freshText()), { contentType: 'text/plain' });
    await expect(getManifest(store, sha256)).rejects.toMatchObject({ code: 'data_loss' });
    const escape = JSON.stringify({ version: 1, files: [{ path: '/../x', mode: '100644', size_bytes: 0, sha256 }] });
    const bad = await store.put(Buffer.from(escape), { contentType: 'application/json' });
    await expect(rebuildWorkspace(store, bad.sha256, join(base, 'copy'))).rejects.toMatchObject({ code: 'data_loss' });
  });
});

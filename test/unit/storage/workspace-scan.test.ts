import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmod, mkdir, mkdtemp, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WorkspaceManifest } from '../../../src/schemas/workspace.ts';
import { diffManifests, serializeManifest } from '../../../src/storage/workspace-manifest.ts';
import { WORKSPACE_LIMITS, scanWorkspace } from '../../../src/storage/workspace-scan.ts';
import type { StatCache } from '../../../src/storage/workspace-scan.ts';

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
let dir: string;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'scan-'));
});
afterEach(async () => {
  await rm(dir, { recursive: true, force: true });
});

async function write(path: string, text: string): Promise<void> {
  await mkdir(join(dir, path, '..'), { recursive: true });
  await writeFile(join(dir, path), text);
}

describe('scanning a workspace', () => {
  it('lists files by the bytes of their paths, with mode, size and hash', async () => {
    // U+FF5E sorts after U+1F600 in UTF-16 units and before it in bytes.
    for (const path of ['b', 'a/z', 'a.txt', '～', '😀']) await write(path, path);
    await write('run.sh', '');
    await chmod(join(dir, 'run.sh'), 0o700);
    await mkdir(join(dir, 'empty'));
    const { manifest, skipped } = await scanWorkspace(dir);
    expect(manifest.files.map((file) => file.path)).toEqual(['/a.txt', '/a/z', '/b', '/run.sh', '/～', '/😀']);
    expect(manifest.files[0]).toEqual({ path: '/a.txt', mode: '100644', size_bytes: 5, sha256: sha256('a.txt') });
    expect(manifest.files[3]).toMatchObject({ mode: '100755', size_bytes: 0 });
    expect(skipped).toEqual([]);
    expect(WorkspaceManifest.parse(manifest)).toEqual(manifest);
  });

  it('leaves out what tools make again, at any depth', async () => {
    for (const path of ['node_modules/a/i.js', 'src/__pycache__/x.pyc', '.git/HEAD', 'src/y.pyc', 'src/y.py']) {
      await write(path, 'x');
    }
    expect((await scanWorkspace(dir)).manifest.files.map((file) => file.path)).toEqual(['/src/y.py']);
  });

  it('says which entries it could not keep, and why', async () => {
    await write('real', 'x');
    await symlink('/etc/passwd', join(dir, 'out'));
    await symlink('real', join(dir, 'in'));
    execFileSync('mkfifo', [join(dir, 'pipe')]);
    await writeFile(Buffer.concat([Buffer.from(`${dir}/`), Buffer.from([0x66, 0xff])]), 'x');
    const { manifest, skipped } = await scanWorkspace(dir);
    expect(manifest.files.map((file) => file.path)).toEqual(['/real']);
    expect(Object.fromEntries(skipped.map(({ path, reason }) => [path, reason]))).toEqual({
      '/out': 'symbolic links are not kept',
      '/in': 'symbolic links are not kept',
      '/pipe': 'only plain files are kept',
      '/f\ufffd': 'its name is not UTF-8',
    });
  });

  it.each([
    ['one file too many', { files: 2 }, /^\/(a|b\/big|c)$/],
    ['a file too large', { file_bytes: 3 }, /^\/b\/big$/],
    ['too much in all', { total_bytes: 5 }, /^\/(a|b\/big|c)$/],
  ])('refuses %s, naming the path', async (_what, limit, path) => {
    await write('a', '1');
    await write('b/big', '4444');
    await write('c', '1');
    await expect(scanWorkspace(dir, { limits: { ...WORKSPACE_LIMITS, ...limit } })).rejects.toMatchObject({
      code: 'resource_exhausted',
      agentVisible: true,
      details: { path: expect.stringMatching(path) },
    });
  });
});

describe('the stat cache', () => {
  const later = () => Date.now() + 60_000;

  it('spares an unchanged, settled file from being read again', async () => {
    await write('a', 'one');
    const cache: StatCache = new Map();
    await scanWorkspace(dir, { cache, now: later });
    const entry = cache.get('/a');
    expect(entry?.sha256).toBe(sha256('one'));
    // Proof that the cache answers: a planted hash comes back.
    cache.set('/a', { stat: entry?.stat ?? '', sha256: sha256('planted') });
    expect((await scanWorkspace(dir, { cache, now: later })).manifest.files[0]?.sha256).toBe(sha256('planted'));
  });

  it('never trusts a file that was changed just before it was read', async () => {
    await write('a', 'one');
    const cache: StatCache = new Map();
    await scanWorkspace(dir, { cache });
    expect(cache.size).toBe(0);
  });

  it('notices a change of the same size whose mtime was turned back', async () => {
    await write('a', 'one');
    const { mtime, atime } = await stat(join(dir, 'a'));
    const cache: StatCache = new Map();
    await scanWorkspace(dir, { cache, now: later });
    await write('a', 'two');
    await utimes(join(dir, 'a'), atime, mtime);
    expect((await scanWorkspace(dir, { cache, now: later })).manifest.files[0]?.sha256).toBe(sha256('two'));
  });

  it('forgets files that are gone', async () => {
    await write('a', 'one');
    const cache: StatCache = new Map();
    await scanWorkspace(dir, { cache, now: later });
    await rm(join(dir, 'a'));
    await scanWorkspace(dir, { cache, now: later });
    expect(cache.size).toBe(0);
  });
});

describe('manifests', () => {
  const file = fc.record({
    path: fc
      .uniqueArray(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 3 })
      .map((parts) => `/${parts.join('/')}`),
    mode: fc.constantFrom('100644' as const, '100755' as const),
    size_bytes: fc.nat(),
    sha256: fc.constantFrom(sha256('1'), sha256('2')),
  });
  const manifest = fc
    .uniqueArray(file, { selector: (one) => one.path, maxLength: 8 })
    .map((files): WorkspaceManifest => ({ version: 1, files }));

  it('have the same bytes for the same files, in whatever order they come', () => {
    fc.assert(
      fc.property(manifest, (one) => {
        const other: WorkspaceManifest = { files: one.files.toReversed(), version: 1 };
        expect(serializeManifest(other)).toEqual(serializeManifest(one));
        expect(WorkspaceManifest.parse(JSON.parse(Buffer.from(serializeManifest(one)).toString()))).toBeDefined();
      }),
    );
  });

  it('differ by exactly the changes that lead from one to the other', () => {
    fc.assert(
      fc.property(manifest, manifest, (before, after) => {
        const paths = new Map(before.files.map((one) => [one.path, one.sha256]));
        for (const { path, sha256: hash, change } of diffManifests(before, after)) {
          expect(paths.has(path)).toBe(change !== 'added');
          if (change === 'deleted') paths.delete(path);
          else paths.set(path, hash);
        }
        expect(paths).toEqual(new Map(after.files.map((one) => [one.path, one.sha256])));
        expect(diffManifests(after, after)).toEqual([]);
      }),
    );
  });

  it.each(['relative', '/a/../b', '/a//b', '/a/', '/', '/a\u0000'])('cannot hold the path %j', (path) => {
    const files = [{ path, mode: '100644', size_bytes: 0, sha256: sha256('') }];
    expect(WorkspaceManifest.safeParse({ version: 1, files }).success).toBe(false);
  });
});

import { execFileSync } from 'node:child_process';
import { chmod, link, lstat, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createSandboxBackend } from '../../../src/storage/backends/sandbox-backend.ts';
import { describeFileBackend } from '../../integration/storage/backend-suite.ts';

let base: string;
let workspaceDir: string;

beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'sandbox-'));
  workspaceDir = join(base, 'workspace');
  await mkdir(workspaceDir);
});
afterEach(async () => {
  await rm(base, { recursive: true, force: true });
});

describeFileBackend('sandbox', async () => createSandboxBackend({ workspaceDir }));

describe('the sandbox against its own contents', () => {
  it('follows no symbolic link, neither as a file nor as a folder on the way', async () => {
    const files = createSandboxBackend({ workspaceDir });
    await writeFile(join(base, 'secret.txt'), 'secret');
    await symlink(join(base, 'secret.txt'), join(workspaceDir, 'link.txt'));
    await symlink(base, join(workspaceDir, 'folder'));
    await symlink(join(base, 'made.txt'), join(workspaceDir, 'dangling.txt'));

    for (const path of ['/link.txt', '/folder/secret.txt', '/dangling.txt']) {
      expect(await files.read(path)).toMatchObject({ code: 'permission_denied' });
      expect(await files.write(path, 'taken')).toMatchObject({ code: 'permission_denied' });
      expect(await files.edit(path, 'secret', 'taken')).toMatchObject({ code: 'permission_denied' });
      expect(await files.uploadFiles([[path, Buffer.from('taken')]])).toMatchObject([{ error: 'permission_denied' }]);
      expect(await files.downloadFiles([path])).toMatchObject([{ content: null, error: 'permission_denied' }]);
    }
    expect(await files.write('/folder/new.txt', 'x')).toMatchObject({ code: 'permission_denied' });
    expect(await files.ls('/folder')).toMatchObject({ code: 'permission_denied' });
    expect(await readFile(join(base, 'secret.txt'), 'utf8')).toBe('secret');
    await expect(lstat(join(base, 'made.txt'))).rejects.toMatchObject({ code: 'ENOENT' });
    await expect(lstat(join(base, 'new.txt'))).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('shows no symbolic link in listings and searches', async () => {
    const files = createSandboxBackend({ workspaceDir });
    await writeFile(join(base, 'secret.txt'), 'secret');
    await symlink(base, join(workspaceDir, 'folder'));
    await symlink(join(base, 'secret.txt'), join(workspaceDir, 'link.txt'));
    expect(await files.ls('/')).toEqual({ files: [] });
    expect(await files.glob('**')).toEqual({ files: [] });
    expect(await files.grep('secret')).toMatchObject({ matches: [] });
  });

  it('does not wait on a pipe', async () => {
    execFileSync('mkfifo', [join(workspaceDir, 'pipe')]);
    const files = createSandboxBackend({ workspaceDir });
    expect(await files.read('/pipe')).toMatchObject({ code: 'permission_denied' });
    expect(await files.write('/pipe', 'x')).toMatchObject({ code: 'permission_denied' });
    expect(await files.ls('/')).toEqual({ files: [] });
  });

  it('keeps a script executable when it is written again', async () => {
    const files = createSandboxBackend({ workspaceDir });
    await files.write('/run.sh', '#!/bin/sh\n');
    await chmod(join(workspaceDir, 'run.sh'), 0o755);
    await files.write('/run.sh', '#!/bin/sh\necho\n');
    expect((await lstat(join(workspaceDir, 'run.sh'))).mode & 0o777).toBe(0o755);
  });

  it('leaves out what belongs to another backend, and what only tools fill', async () => {
    const files = createSandboxBackend({ workspaceDir, hidden: ['/renders'] });
    for (const folder of ['renders', 'rendersfoo', 'node_modules']) {
      await mkdir(join(workspaceDir, folder));
      await writeFile(join(workspaceDir, folder, 'a.txt'), 'needle');
    }
    await link(join(workspaceDir, 'rendersfoo', 'a.txt'), join(workspaceDir, 'b.txt'));
    expect((await files.glob('**')).files?.map((file) => file.path)).toEqual(['/b.txt', '/rendersfoo/a.txt']);
    expect((await files.ls('/')).files?.map((file) => file.path)).toEqual(['/b.txt', '/node_modules/', '/rendersfoo/']);
    expect((await files.grep('needle')).matches).toHaveLength(2);
  });
});

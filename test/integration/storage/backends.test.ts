import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { DeleteObjectCommand } from '@aws-sdk/client-s3';
import { CompositeBackend } from 'deepagents';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createAgentFiles } from '../../../src/storage/backends/agent-files.ts';
import type { AgentFiles } from '../../../src/storage/backends/agent-files.ts';
import { createS3Backend } from '../../../src/storage/backends/s3-backend.ts';
import type { ArtifactIndex } from '../../../src/storage/backends/s3-backend.ts';
import { createSandboxBackend } from '../../../src/storage/backends/sandbox-backend.ts';
import { objectKey } from '../../../src/storage/keys.ts';
import type { ObjectStore } from '../../../src/storage/object-store.ts';
import { createFilePolicy } from '../../../src/storage/policy.ts';
import { createS3Client } from '../../../src/storage/s3-client.ts';
import { describeFileBackend } from './backend-suite.ts';
import { createMemoryIndex, freshText, openStore, s3Options } from './s3-support.ts';

let store: ObjectStore & AsyncDisposable;
let base: string;

beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), 'backends-'));
  store = openStore();
});
afterAll(async () => {
  await store[Symbol.asyncDispose]();
  await rm(base, { recursive: true, force: true });
});

const newFolder = () => mkdtemp(join(base, 'workspace-'));

describeFileBackend('S3', async () => createS3Backend({ store, index: createMemoryIndex(), mount: '/renders' }));
describeFileBackend('sandbox', async () => createSandboxBackend({ workspaceDir: await newFolder() }));

describe('the S3 backend', () => {
  it('gives the index the whole path, and the object before the path', async () => {
    const index = createMemoryIndex();
    const stored: unknown[] = [];
    const add: ArtifactIndex['add'] = async (path, artifact) => {
      stored.push(await store.stat(artifact.sha256));
      await index.add(path, artifact);
    };
    const files = createS3Backend({ store, index: { ...index, add }, mount: '/renders' });
    await files.write('/r1/result.json', freshText());
    const found = await index.find('/renders/r1/result.json');
    expect(found?.content_type).toBe('application/json');
    expect(stored).toEqual([expect.objectContaining({ sha256: found?.sha256 })]);
  });

  it('throws data_loss, for the system and not for the agent, when the bytes behind a path are gone', async () => {
    const index = createMemoryIndex();
    const files = createS3Backend({ store, index, mount: '/renders' });
    await files.write('/lost.md', freshText());
    const client = createS3Client(s3Options());
    const Key = objectKey((await index.find('/renders/lost.md'))?.sha256 ?? '');
    await client.send(new DeleteObjectCommand({ Bucket: store.bucket, Key }));
    client.destroy();
    await expect(files.read('/lost.md')).rejects.toMatchObject({ code: 'data_loss', agentVisible: false });
    await expect(files.readRange('/lost.md', { start: 0 })).rejects.toMatchObject({ code: 'data_loss' });
  });
});

describe("deepagents' CompositeBackend, on which the routing rests", () => {
  it('routes at the boundary, strips the prefix, and does not normalise', async () => {
    const sandbox = createSandboxBackend({ workspaceDir: await newFolder() });
    const renders = createS3Backend({ store, index: createMemoryIndex(), mount: '/renders' });
    const composite = new CompositeBackend(sandbox, { '/renders/': renders });
    await composite.write('/renders/a.md', 'in S3');
    await composite.write('/rendersfoo', 'in the sandbox');
    expect(await renders.read('/a.md')).toMatchObject({ content: 'in S3' });
    expect(await sandbox.read('/rendersfoo')).toMatchObject({ content: 'in the sandbox' });
    expect((await composite.ls('/renders')).files?.map((file) => file.path)).toEqual(['/renders/a.md']);
    // The reason why nothing unparsed may reach it: this names the sandbox, and goes to S3.
    expect(await composite.write('/renders/../x', '')).toMatchObject({ code: 'invalid_argument' });
  });
});

describe("an agent's files", () => {
  let workspaceDir: string;
  let index: ArtifactIndex;
  let files: AgentFiles;
  const paths = (found: { path: string }[]) => found.map((file) => file.path);
  const refused = (code: string) => expect.objectContaining({ code });

  beforeEach(async () => {
    workspaceDir = await newFolder();
    index = createMemoryIndex();
    const policy = createFilePolicy([
      { effect: 'allow', access: 'any', prefix: '/' },
      { effect: 'deny', access: 'any', prefix: '/private' },
      { effect: 'deny', access: 'write', prefix: '/benchmark.yaml' },
      { effect: 'deny', access: 'write', prefix: '/renders/locked' },
    ]);
    files = createAgentFiles({ workspaceDir, store, index, policy });
  });

  it('puts renders in S3 and everything else in the workspace', async () => {
    await files.write('renders/r1/notes.md', 'in S3');
    await files.write('/renders/../plan.md', 'in the workspace');
    await files.write('/rendersfoo/a.md', 'in the workspace too');
    expect(await index.find('/renders/r1/notes.md')).toBeDefined();
    expect(await readFile(join(workspaceDir, 'plan.md'), 'utf8')).toBe('in the workspace');
    expect(await readFile(join(workspaceDir, 'rendersfoo/a.md'), 'utf8')).toBe('in the workspace too');
    expect(paths(await index.list('/'))).toEqual(['/renders/r1/notes.md']);
    expect(await files.read('/renders/r1/notes.md')).toMatchObject({ content: 'in S3' });
  });

  it('streams a large render in and gives ranges of it out', async () => {
    const size = 20 * 1024 ** 2;
    async function* frames() {
      for (let i = 0; i < 20; i++) yield Buffer.alloc(1024 ** 2, i);
    }
    await files.writeStream('/renders/r1/sim.mp4', frames());
    expect(await files.stat('/renders/r1/sim.mp4')).toMatchObject({ path: '/renders/r1/sim.mp4', size_bytes: size });
    const tail = await buffer(await files.readRange('/renders/r1/sim.mp4', { start: size - 3 }));
    expect(tail).toEqual(Buffer.from([19, 19, 19]));
    expect(await files.readBytes('/renders/r1/sim.mp4')).toHaveLength(size);
  });

  it('lists and searches both parts as one tree, each file once', async () => {
    await files.write('/renders/r1/out.log', 'needle in S3');
    await files.write('/src/a.py', 'needle in the workspace');
    // A command may have made a folder of this name; the agent's /renders is S3 all the same.
    await mkdir(join(workspaceDir, 'renders'));
    await writeFile(join(workspaceDir, 'renders/shadow.log'), 'needle in the shadow');

    expect(paths(await files.ls('/'))).toEqual(['/renders/', '/src/']);
    expect(paths(await files.ls('/renders'))).toEqual(['/renders/r1/']);
    expect(paths((await files.grep('needle')).matches).toSorted()).toEqual(['/renders/r1/out.log', '/src/a.py']);
    expect(paths((await files.grep('needle', { glob: 'renders/**/*.log' })).matches)).toEqual(['/renders/r1/out.log']);
    expect(await files.grep('needle', { maxCount: 1 })).toMatchObject({ matches: [{}], truncated: true });
    expect(paths(await files.glob('**/*.{log,py}'))).toEqual(['/renders/r1/out.log', '/src/a.py']);
    expect(paths(await files.glob('renders/*/*'))).toEqual(['/renders/r1/out.log']);
    expect(paths(await files.glob('*.log'))).toEqual([]);
    expect(paths(await files.glob('*.log', '/renders/r1'))).toEqual(['/renders/r1/out.log']);
  });

  it('asks the policy before every access', async () => {
    await mkdir(join(workspaceDir, 'private'));
    await writeFile(join(workspaceDir, 'private/key'), 'needle');
    await writeFile(join(workspaceDir, 'benchmark.yaml'), 'needle');
    await writeFile(join(workspaceDir, 'privateer'), 'needle');

    const attempts = [
      () => files.read('/private/key'),
      () => files.read('/x/../private/key'),
      () => files.readBytes('private/key'),
      () => files.readRange('/private/key', { start: 0 }),
      () => files.stat('/private/key'),
      () => files.ls('/private'),
      () => files.grep('needle', { path: '/private' }),
      () => files.glob('*', '/private'),
      () => files.write('/private/new', ''),
      () => files.write('/benchmark.yaml', ''),
      () => files.writeStream('/renders/locked/a.png', buffersOf('')),
      () => files.edit('/benchmark.yaml', { oldText: 'needle', newText: 'x' }),
    ];
    for (const attempt of attempts) await expect(attempt()).rejects.toThrow(refused('permission_denied'));
    expect(await readFile(join(workspaceDir, 'benchmark.yaml'), 'utf8')).toBe('needle');

    expect(paths((await files.grep('needle')).matches)).toEqual(['/benchmark.yaml', '/privateer']);
    expect(paths(await files.glob('**'))).toEqual(['/benchmark.yaml', '/privateer']);
    expect(paths(await files.ls('/'))).toEqual(['/benchmark.yaml', '/privateer', '/renders/']);
  });

  it('throws with the code that says who has to act', async () => {
    await expect(files.read('/absent')).rejects.toThrow(refused('not_found'));
    await expect(files.read('/renders/absent')).rejects.toThrow('There is no file /renders/absent.');
    await expect(files.ls('/absent')).rejects.toThrow(refused('not_found'));
    await expect(files.write('/../x', '')).rejects.toThrow(refused('invalid_argument'));
    await expect(files.write('/renders', '')).rejects.toThrow(refused('failed_precondition'));
    await expect(files.edit('/absent', { oldText: 'a', newText: 'b' })).rejects.toThrow(refused('not_found'));
    await files.write('/a.txt', 'x x');
    expect(await files.edit('/a.txt', { oldText: 'x', newText: 'y', replaceAll: true })).toEqual({ occurrences: 2 });
  });
});

async function* buffersOf(...texts: string[]) {
  for (const text of texts) yield Buffer.from(text);
}

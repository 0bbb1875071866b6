/**
 * What every backend of an agent's files must do, whatever lies behind it. A backend's test hands in a fresh, empty one for
 * each test; everything that is asserted here is therefore the same for S3 and for the sandbox.
 */
import { buffer } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import type { FileBackend } from '../../../src/storage/backends/file-backend.ts';

const PNG = Uint8Array.from([0x89, 0x50, 0x4e, 0x47, 0, 0xff, 0xfe]);
const refused = (code: string) => expect.objectContaining({ code });

async function* chunks(...parts: Uint8Array[]) {
  yield* parts;
}

/** Declares the suite for one kind of backend. */
export function describeFileBackend(name: string, create: () => Promise<FileBackend>): void {
  describe(`${name}: contents`, () => {
    contents(create);
  });
  describe(`${name}: listings and searches`, () => {
    searches(create);
  });
  describe(`${name}: what is refused`, () => {
    refusals(create);
  });
}

function contents(create: () => Promise<FileBackend>): void {
  it('reads back text as written, replaces it, and keeps the last newline', async () => {
    const files = await create();
    expect(await files.write('/a/plan.md', 'first\n')).not.toHaveProperty('error');
    await files.write('/a/plan.md', '# Größe\n\n部品\n');
    expect(await files.read('/a/plan.md')).toMatchObject({ content: '# Größe\n\n部品\n', totalLines: 3, startLine: 1 });
    expect(await files.readRaw('/a/plan.md')).toMatchObject({ data: { content: '# Größe\n\n部品\n' } });
  });

  it('pages text by lines and says where the next page begins', async () => {
    const files = await create();
    await files.write('/log.txt', 'l0\nl1\nl2\nl3\n');
    const first = await files.read('/log.txt', 0, 3);
    expect(first).toMatchObject({ content: 'l0\nl1\nl2', startLine: 1, endLine: 3, totalLines: 4, nextOffset: 3 });
    const rest = await files.read('/log.txt', 3, 3);
    expect(rest).toMatchObject({ content: 'l3\n', startLine: 4, endLine: 4 });
    expect(rest.nextOffset).toBeUndefined();
    expect(await files.read('/log.txt', 4)).toMatchObject({ code: 'out_of_range' });
  });

  it('reads an empty file as nothing', async () => {
    const files = await create();
    await files.write('/empty.txt', '');
    expect(await files.read('/empty.txt')).toMatchObject({ content: '', totalLines: 0 });
    expect(await files.readBytes('/empty.txt')).toHaveLength(0);
  });

  it('takes base64 for a binary ending and gives the bytes back whole', async () => {
    const files = await create();
    await files.write('/poster.png', Buffer.from(PNG).toString('base64'));
    const read = await files.read('/poster.png', 3, 1);
    expect(read.mimeType).toBe('image/png');
    expect(Buffer.from(read.content as Uint8Array)).toEqual(Buffer.from(PNG));
  });

  it('uploads and downloads bytes, answering for each file', async () => {
    const files = await create();
    expect(
      await files.uploadFiles([
        ['/x/a.bin', PNG],
        ['/../out', PNG],
      ]),
    ).toEqual([
      { path: '/x/a.bin', error: null },
      { path: '/../out', error: 'invalid_path' },
    ]);
    const [got, absent, folder] = await files.downloadFiles(['/x/a.bin', '/absent', '/x']);
    expect(Buffer.from(got?.content as Uint8Array)).toEqual(Buffer.from(PNG));
    expect([absent?.error, folder?.error]).toEqual(['file_not_found', 'is_directory']);
  });

  it('streams in and reads ranges out, both ends included', async () => {
    const files = await create();
    await files.writeStream('/run/sim.mp4', chunks(Buffer.from('0123'), Buffer.from('456789')));
    expect((await files.stat('/run/sim.mp4'))?.size_bytes).toBe(10);
    expect((await buffer(await files.readRange('/run/sim.mp4', { start: 2, end: 5 }))).toString()).toBe('2345');
    expect((await buffer(await files.readRange('/run/sim.mp4', { start: 8 }))).toString()).toBe('89');
    await expect(files.readRange('/run/sim.mp4', { start: 10 })).rejects.toThrow(refused('out_of_range'));
    await expect(files.readRange('/run/absent', { start: 0 })).rejects.toThrow(refused('not_found'));
  });

  it('edits one occurrence, or all when told, and counts them', async () => {
    const files = await create();
    await files.write('/script.mjs', 'const w = 88; // 88 $&\n');
    expect(await files.edit('/script.mjs', 'w = 88', 'w = 140$&')).toMatchObject({ occurrences: 1 });
    expect(await files.read('/script.mjs')).toMatchObject({ content: 'const w = 140$&; // 88 $&\n' });
    expect(await files.edit('/script.mjs', '$&', '', true)).toMatchObject({ occurrences: 2 });
    expect(await files.read('/script.mjs')).toMatchObject({ content: 'const w = 140; // 88 \n' });
  });

  it('leaves a file alone when an edit does not fit', async () => {
    const files = await create();
    await files.write('/a.txt', 'x x');
    await files.uploadFiles([['/b.txt', Uint8Array.from([0x78, 0xff])]]);
    expect(await files.edit('/a.txt', 'x', 'y')).toMatchObject({ code: 'failed_precondition' });
    expect(await files.edit('/a.txt', 'z', 'y')).toMatchObject({ code: 'failed_precondition' });
    expect(await files.edit('/a.txt', '', 'y')).toMatchObject({ code: 'invalid_argument' });
    expect(await files.edit('/b.txt', 'x', 'y')).toMatchObject({ code: 'failed_precondition' });
    expect(await files.read('/a.txt')).toMatchObject({ content: 'x x' });
    expect(await files.readBytes('/b.txt')).toHaveLength(2);
  });
}

function searches(create: () => Promise<FileBackend>): void {
  const filled = async () => {
    const files = await create();
    await files.write('/top.md', 'needle here\nnot there\n');
    await files.write('/src/a.py', 'x = "needle"\n');
    await files.write('/src/deep/.hidden.py', 'needle\nneedle\n');
    await files.write('/src-other/b.py', 'none\n');
    await files.write('/src/poster.png', Buffer.from('needle').toString('base64'));
    return files;
  };
  const paths = (result: { files?: { path: string }[] }) => result.files?.map((file) => file.path);

  it('lists the direct children of a folder, sorted, folders with a slash', async () => {
    const files = await filled();
    expect(paths(await files.ls('/'))).toEqual(['/src-other/', '/src/', '/top.md']);
    expect(paths(await files.ls('/src'))).toEqual(['/src/a.py', '/src/deep/', '/src/poster.png']);
    expect(paths(await files.ls('/src/'))).toEqual(['/src/a.py', '/src/deep/', '/src/poster.png']);
    expect(paths(await files.ls('/top.md'))).toEqual(['/top.md']);
    expect(await files.ls('/absent')).toMatchObject({ code: 'not_found' });
  });

  it('tells files from folders from nothing', async () => {
    const files = await filled();
    expect(await files.stat('/')).toMatchObject({ kind: 'directory' });
    expect(await files.stat('/src/deep')).toMatchObject({ kind: 'directory' });
    expect(await files.stat('/top.md')).toMatchObject({ kind: 'file', size_bytes: 22 });
    expect(await files.stat('/sr')).toBeUndefined();
    expect(await files.stat('/top.md/x')).toBeUndefined();
  });

  it('finds text literally, in text files only, below the folder only', async () => {
    const files = await filled();
    const { matches } = await files.grep('needle', '/src');
    expect(matches).toEqual([
      { path: '/src/a.py', line: 1, text: 'x = "needle"' },
      { path: '/src/deep/.hidden.py', line: 1, text: 'needle' },
      { path: '/src/deep/.hidden.py', line: 2, text: 'needle' },
    ]);
    expect((await files.grep('n.edle')).matches).toEqual([]);
    expect((await files.grep('needle', '/absent')).matches).toEqual([]);
  });

  it('narrows a search by name or path, and says when it stopped early', async () => {
    const files = await filled();
    expect((await files.grep('needle', '/', '*.md')).matches).toHaveLength(1);
    expect((await files.grep('needle', '/', 'src/*.py')).matches).toHaveLength(1);
    expect((await files.grep('needle', '/', 'src/**/*.py')).matches).toHaveLength(3);
    expect(await files.grep('needle', '/', null, 2)).toMatchObject({ matches: [{}, {}], truncated: true });
    expect(await files.grep('needle', '/', null, 4)).toMatchObject({ truncated: false });
  });

  it('matches globs against the path below the folder', async () => {
    const files = await filled();
    expect(paths(await files.glob('**/*.py'))).toEqual(['/src-other/b.py', '/src/a.py', '/src/deep/.hidden.py']);
    expect(paths(await files.glob('*.py', '/src'))).toEqual(['/src/a.py']);
    expect(paths(await files.glob('/top.*'))).toEqual(['/top.md']);
    expect(paths(await files.glob('*.py'))).toEqual([]);
    expect(paths(await files.glob('**', '/absent'))).toEqual([]);
  });
}

function refusals(create: () => Promise<FileBackend>): void {
  it('answers for what is not there', async () => {
    const files = await create();
    expect(await files.read('/absent')).toMatchObject({ code: 'not_found' });
    expect(await files.readRaw('/absent')).toMatchObject({ code: 'not_found' });
    expect(await files.edit('/absent', 'a', 'b')).toMatchObject({ code: 'not_found' });
    await expect(files.readBytes('/absent')).rejects.toThrow(refused('not_found'));
  });

  it('refuses paths that leave its root, in every method', async () => {
    const files = await create();
    expect(await files.read('/../etc/passwd')).toMatchObject({ code: 'invalid_argument' });
    expect(await files.write('../x', '')).toMatchObject({ code: 'invalid_argument' });
    expect(await files.ls('/..')).toMatchObject({ code: 'invalid_argument' });
    expect(await files.glob('../*')).toMatchObject({ code: 'invalid_argument' });
    expect(await files.glob('{.,x}{.,x}/*')).toMatchObject({ code: 'invalid_argument' });
    expect(await files.grep('root', '/../etc')).toMatchObject({ code: 'invalid_argument' });
    await expect(files.writeStream('/../x', chunks())).rejects.toThrow(refused('invalid_argument'));
  });

  it('keeps files and folders apart', async () => {
    const files = await create();
    await files.write('/a/b.txt', 'x');
    expect(await files.write('/a', 'x')).toMatchObject({ code: 'failed_precondition' });
    expect(await files.write('/', 'x')).toMatchObject({ code: 'failed_precondition' });
    expect(await files.write('/a/b.txt/c/d', 'x')).toMatchObject({ code: 'failed_precondition' });
    expect(await files.read('/a')).toMatchObject({ code: 'failed_precondition' });
  });

  it('refuses text where bytes are expected, and searching for nothing', async () => {
    const files = await create();
    expect(await files.write('/sim.mp4', 'not base64!')).toMatchObject({ code: 'invalid_argument' });
    expect(await files.stat('/sim.mp4')).toBeUndefined();
    expect(await files.grep('')).toMatchObject({ code: 'invalid_argument' });
  });

  it('refuses text too large to page, yet gives ranges of it', async () => {
    const files = await create();
    const line = Buffer.alloc(1024 ** 2, 'a');
    await files.writeStream('/big.log', chunks(...Array.from({ length: 11 }, () => line)));
    expect(await files.read('/big.log')).toMatchObject({ code: 'resource_exhausted' });
    expect(await buffer(await files.readRange('/big.log', { start: 11 * 1024 ** 2 - 2 }))).toHaveLength(2);
    expect(await files.grep('aa')).toMatchObject({ matches: [], truncated: true });
  });
}

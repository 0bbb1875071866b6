import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32, deflateRawSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { unzip } from '../../../src/embedded/unzip.ts';

let folder: string;
let archives: string;
beforeEach(() => {
  archives = mkdtempSync(join(tmpdir(), 'zip-'));
  folder = mkdtempSync(join(tmpdir(), 'unzip-'));
});
afterEach(() => {
  for (const each of [folder, archives]) rmSync(each, { recursive: true });
});

type File = { name: string; contents: string; mode?: number; stored?: boolean };

/** A zip archive as APPNOTE 6.3 describes it, made independently of the reader. */
function zip(files: File[], comment = ''): Buffer {
  const bodies: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const { name, contents, mode = 0o100644, stored = false } of files) {
    const plain = Buffer.from(contents);
    const packed = stored ? plain : deflateRawSync(plain);
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt16LE(stored ? 0 : 8, 4);
    common.writeUInt32LE(crc32(plain), 10);
    common.writeUInt32LE(packed.length, 14);
    common.writeUInt32LE(plain.length, 18);
    common.writeUInt16LE(Buffer.byteLength(name), 22);
    const local = Buffer.concat([Buffer.from('PK\x03\x04'), common, Buffer.from(name), packed]);
    const rest = Buffer.alloc(14);
    rest.writeUInt32LE(mode * 0x1_0000, 6);
    rest.writeUInt32LE(offset, 10);
    directory.push(Buffer.concat([Buffer.from('PK\x01\x02\x14\x03'), common, rest, Buffer.from(name)]));
    bodies.push(local);
    offset += local.length;
  }
  const central = Buffer.concat(directory);
  const end = Buffer.alloc(18);
  end.writeUInt16LE(files.length, 4);
  end.writeUInt16LE(files.length, 6);
  end.writeUInt32LE(central.length, 8);
  end.writeUInt32LE(offset, 12);
  end.writeUInt16LE(Buffer.byteLength(comment), 16);
  return Buffer.concat([...bodies, central, Buffer.from('PK\x05\x06'), end, Buffer.from(comment)]);
}

/** Unpacks these bytes as a file of their own. */
async function unzipped(bytes: Buffer, ...where: [string, ((name: string) => string | undefined)?]): Promise<number> {
  const archive = join(archives, 'archive.zip');
  writeFileSync(archive, bytes);
  return unzip(archive, ...where);
}

describe('unzip', () => {
  test('writes stored and deflated files with their contents and execute bits', async () => {
    const long = 'binary '.repeat(10_000);
    const archive = zip([
      { name: 'x.data/scripts/weed', contents: long, mode: 0o100755 },
      { name: 'x.dist-info/RECORD', contents: 'stored', stored: true },
      { name: 'empty', contents: '' },
    ]);
    expect(await unzipped(archive, folder)).toBe(3);
    expect(readFileSync(join(folder, 'x.data/scripts/weed'), 'utf8')).toBe(long);
    expect(readFileSync(join(folder, 'x.dist-info/RECORD'), 'utf8')).toBe('stored');
    expect(readFileSync(join(folder, 'empty'), 'utf8')).toBe('');
    expect(statSync(join(folder, 'x.data/scripts/weed')).mode & 0o777).toBe(0o755);
    expect(statSync(join(folder, 'x.dist-info/RECORD')).mode & 0o777).toBe(0o644);
  });

  test('puts files where it is told and leaves out what is not wanted', async () => {
    const archive = zip(['a/keep', 'b/drop'].map((name) => ({ name, contents: name })));
    expect(await unzipped(archive, folder, (name) => (name === 'a/keep' ? 'kept' : undefined))).toBe(1);
    expect(readdirSync(folder)).toEqual(['kept']);
  });

  test('finds the directory behind a comment', async () => {
    expect(await unzipped(zip([{ name: 'a', contents: 'a' }], 'a comment that follows'), folder)).toBe(1);
  });

  test.each(['../outside', 'a/../../outside', '/outside', 'C:\\outside'])(
    'writes nothing outside: %s',
    async (name) => {
      const archive = zip([{ name, contents: 'x' }]);
      await expect(unzipped(archive, folder)).rejects.toMatchObject({ code: 'data_loss' });
      expect(readdirSync(folder)).toEqual([]);
    },
  );

  test.each([
    ['a flipped byte of the contents', (bytes: Buffer) => bytes.writeUInt8(bytes.readUInt8(32) ^ 0xff, 32)],
    ['another checksum in the directory', (bytes: Buffer) => bytes.writeUInt8(1, bytes.indexOf('PK\x01\x02') + 17)],
    ['an unknown method', (bytes: Buffer) => bytes.writeUInt8(12, bytes.indexOf('PK\x01\x02') + 10)],
    ['a directory elsewhere', (bytes: Buffer) => bytes.writeUInt32LE(3, bytes.length - 6)],
    ['more bytes than declared', (bytes: Buffer) => bytes.writeUInt32LE(2, bytes.indexOf('PK\x01\x02') + 24)],
  ])('refuses %s', async (_, damage) => {
    const archive = zip([{ name: 'a', contents: 'the contents of a file' }]);
    damage(archive);
    await expect(unzipped(archive, folder)).rejects.toMatchObject({ code: 'data_loss' });
  });

  test('holds little in memory, however large a file is', async () => {
    const size = 48 * 1024 * 1024;
    writeFileSync(join(archives, 'archive.zip'), zip([{ name: 'large', contents: 'x'.repeat(size) }]));
    const program = `
      import { unzip } from ${JSON.stringify(new URL('../../../src/embedded/unzip.ts', import.meta.url).href)};
      const before = process.resourceUsage().maxRSS;
      await unzip(${JSON.stringify(join(archives, 'archive.zip'))}, ${JSON.stringify(folder)});
      console.log(process.resourceUsage().maxRSS - before);`;
    const out = execFileSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8', env: {} });
    expect(statSync(join(folder, 'large')).size).toBe(size);
    // Kilobytes. What streams need is far below the file; a whole file in memory would be above it.
    expect(Number(out)).toBeLessThan(0.8 * (size / 1024));
  });

  test('refuses an archive that is cut off', async () => {
    const archive = zip([{ name: 'a', contents: 'the contents of a file' }]);
    await expect(unzipped(archive.subarray(0, -30), folder)).rejects.toMatchObject({ code: 'data_loss' });
    await expect(unzipped(Buffer.alloc(0), folder)).rejects.toMatchObject({ code: 'data_loss' });
  });
});

import { createReadStream, createWriteStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { AppError } from '../errors.ts';

/** An object that a point must hold. */
export type Reference = { sha256: string; size_bytes: number };

/** Writes references, which come sorted, one line each; returns their sums. */
export async function writeReferences(
  references: AsyncIterable<Reference>,
  path: string,
): Promise<{ count: number; bytes: number }> {
  const sums = { count: 0, bytes: 0 };
  async function* lines() {
    for await (const { sha256, size_bytes } of references) {
      sums.count++;
      sums.bytes += size_bytes;
      yield `${sha256} ${size_bytes}\n`;
    }
  }
  await pipeline(Readable.from(lines()), createWriteStream(path, { mode: 0o600 }));
  return sums;
}

/** Up to this many objects are worked on by the first digit of their hash, more by the first two, which is the folder that they lie in. */
const OBJECTS_BY_ONE_DIGIT_MAX = 100_000;

/** The references of a file, by the first digits of their hash: those that one listing shows together. */
export async function* readReferences(
  path: string,
  digits: 1 | 2 = 2,
): AsyncGenerator<{ folder: string; references: Reference[] }> {
  let folder = '';
  let references: Reference[] = [];
  for await (const line of createInterface(createReadStream(path))) {
    const reference = parseLine(line);
    if (references.length > 0 && !reference.sha256.startsWith(folder)) {
      yield { folder, references };
      references = [];
    }
    folder = reference.sha256.slice(0, digits);
    references.push(reference);
  }
  if (references.length > 0) yield { folder, references };
}

/** Folders worked on side by side: in a small mirror each holds an object or two. */
const FOLDERS_AT_ONCE = 8;

/** Runs `work` over the references of a file, which are `count`, folder by folder, some at a time. The first failure is thrown. */
export async function forEachFolder(
  { path, count }: { path: string; count: number },
  work: (folder: string, references: Reference[]) => Promise<void>,
): Promise<void> {
  const folders = readReferences(path, count > OBJECTS_BY_ONE_DIGIT_MAX ? 2 : 1);
  const lane = async () => {
    for (;;) {
      const next = await folders.next();
      if (next.done === true) return;
      await work(next.value.folder, next.value.references).catch(async (error: unknown) => {
        // The other lanes find nothing more to begin.
        await folders.return(undefined);
        throw error;
      });
    }
  };
  const lanes = await Promise.allSettled(Array.from({ length: FOLDERS_AT_ONCE }, lane));
  const broken = lanes.find((result) => result.status === 'rejected');
  if (broken) throw broken.reason;
}

function parseLine(line: string): Reference {
  const [sha256 = '', size = ''] = line.split(' ');
  if (!/^[0-9a-f]{64}$/.test(sha256) || !/^\d+$/.test(size))
    throw new AppError('data_loss', 'The reference list of the restore point is damaged.');
  return { sha256, size_bytes: Number(size) };
}

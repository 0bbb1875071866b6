import { AppError } from '../../errors.ts';

// Zip as PKWARE's APPNOTE 6.3.10 describes it, as far as bundles use it: stored or deflated, below 4 GiB.

/** A file within an archive. `open` gives its bytes, unpacked. */
export type ZipEntry = { size_bytes: number; open: () => Promise<Blob> };

const [END, DIRECTORY] = [0x06054b50, 0x02014b50];
const [END_BYTES, DIRECTORY_BYTES, LOCAL_BYTES] = [22, 46, 30];
/** The end of an archive lies before a comment of at most so many bytes. */
const COMMENT_BYTES_MAX = 65_535;
const [STORED, DEFLATED] = [0, 8];
/** Stands where the number is in a record of archives above 4 GiB. */
const ELSEWHERE = 0xffffffff;

/** The files of an archive by their paths. What is not looked at is not unpacked. Throws `data_loss` where it is none. */
export async function readZip(archive: Blob): Promise<Map<string, ZipEntry>> {
  const tail = await viewOf(archive.slice(Math.max(0, archive.size - END_BYTES - COMMENT_BYTES_MAX)));
  let end = tail.byteLength - END_BYTES;
  while (end >= 0 && tail.getUint32(end, true) !== END) end--;
  if (end < 0) throw new AppError('data_loss', 'It is no bundle, or its end is missing.');
  const [count, size, from] = [
    tail.getUint16(end + 10, true),
    tail.getUint32(end + 12, true),
    tail.getUint32(end + 16, true),
  ];
  if (from === ELSEWHERE || count === 0xffff)
    throw new AppError(
      'unimplemented',
      'It is larger than 4 GiB: `observatory bundle verify` reads it, a browser does not.',
    );
  const directory = await viewOf(archive.slice(from, from + size));
  const entries = new Map<string, ZipEntry>();
  for (let at = 0; at + DIRECTORY_BYTES <= directory.byteLength && directory.getUint32(at, true) === DIRECTORY;) {
    const numberAt = (offset: number) => directory.getUint32(at + offset, true);
    const [name, extra, comment] = [28, 30, 32].map((offset) => directory.getUint16(at + offset, true)) as [
      number,
      number,
      number,
    ];
    const path = new TextDecoder().decode(
      new Uint8Array(directory.buffer, directory.byteOffset + at + DIRECTORY_BYTES, name),
    );
    const packed = { method: directory.getUint16(at + 10, true), packed_bytes: numberAt(20), from: numberAt(42) };
    entries.set(path, { size_bytes: numberAt(24), open: () => unpack(archive, packed) });
    at += DIRECTORY_BYTES + name + extra + comment;
  }
  if (entries.size !== count) throw new AppError('data_loss', 'The directory of the bundle is damaged.');
  return entries;
}

async function unpack(
  archive: Blob,
  { method, packed_bytes, from }: { method: number; packed_bytes: number; from: number },
): Promise<Blob> {
  const head = await viewOf(archive.slice(from, from + LOCAL_BYTES));
  const start = from + LOCAL_BYTES + head.getUint16(26, true) + head.getUint16(28, true);
  const bytes = archive.slice(start, start + packed_bytes);
  if (method === STORED) return bytes;
  if (method !== DEFLATED)
    throw new AppError('data_loss', `A file of the bundle is packed in an unknown way (${method}).`);
  return new Response(bytes.stream().pipeThrough(new DecompressionStream('deflate-raw'))).blob();
}

const viewOf = async (part: Blob): Promise<DataView> => new DataView(await part.arrayBuffer());

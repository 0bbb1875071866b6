import { AppError } from '../../errors.ts';

/** An image's size in pixels, and what its bytes say it is. */
export type ImageSize = { width: number; height: number; mime_type: string };

const PNG_SIGNATURE = '89504e470d0a1a0a';
/** JPEG markers of frame headers, which hold the size: SOF0 to SOF15 without DHT (c4), JPG (c8) and DAC (cc). */
const isFrameHeader = (marker: number) => marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);

/** The size of a PNG, JPEG or GIF from its header; nothing is decoded. Throws `invalid_argument` for anything else. */
export function imageSize(bytes: Uint8Array): ImageSize {
  const image = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const size = pngSize(image) ?? gifSize(image) ?? jpegSize(image);
  if (size && size.width > 0 && size.height > 0) return size;
  throw new AppError('invalid_argument', 'it is no PNG, JPEG or GIF image');
}

function pngSize(image: Buffer): ImageSize | undefined {
  if (image.length < 24 || image.toString('hex', 0, 8) !== PNG_SIGNATURE) return undefined;
  return { width: image.readUInt32BE(16), height: image.readUInt32BE(20), mime_type: 'image/png' };
}

function gifSize(image: Buffer): ImageSize | undefined {
  if (image.length < 10 || !/^GIF8[79]a$/.test(image.toString('latin1', 0, 6))) return undefined;
  return { width: image.readUInt16LE(6), height: image.readUInt16LE(8), mime_type: 'image/gif' };
}

function jpegSize(image: Buffer): ImageSize | undefined {
  if (image.length < 4 || image.readUInt16BE(0) !== 0xffd8) return undefined;
  // Each segment: 0xff, marker, length (2 bytes, itself included), contents.
  for (let at = 2; at + 9 <= image.length;) {
    if (image[at] !== 0xff) return undefined;
    const marker = image.readUInt8(at + 1);
    if (isFrameHeader(marker))
      return { width: image.readUInt16BE(at + 7), height: image.readUInt16BE(at + 5), mime_type: 'image/jpeg' };
    at += 2 + Math.max(2, image.readUInt16BE(at + 2));
  }
  return undefined;
}

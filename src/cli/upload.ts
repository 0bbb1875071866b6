import type { EpisodeInput } from '../schemas/episode.ts';
import { progressOf } from './progress.ts';
import { bodyOf } from '../client/client.ts';
import type { Client } from '../client/client.ts';
import { sha256Of } from '../identity.ts';

/** A file for an episode's workspace. */
export type InputFile = { path: string; content: Uint8Array };

/** So much of a file is handed over at once: its progress is told by that. */
const PIECE_BYTES = 256 * 1024;

/** Stores the files, one after another, and returns the inputs that name them; on a terminal one sees how far it is. */
export async function uploadInputs(client: Client, files: InputFile[]): Promise<EpisodeInput[]> {
  const inputs: EpisodeInput[] = [];
  const of = files.reduce((sum, { content }) => sum + content.length, 0);
  const progress = progressOf(process.stderr, { what: 'Sending', of });
  try {
    for (const { path, content } of files) {
      const sha256 = sha256Of(content);
      const body = ReadableStream.from(piecesOf(content, (bytes) => progress.add(bytes)));
      const init = { body, duplex: 'half' as const, headers: { 'content-type': 'application/octet-stream' } };
      await bodyOf(client.v1.artifacts[':sha256'].$put({ param: { sha256 } }, { init }));
      inputs.push({ path, sha256 });
    }
  } finally {
    progress.end();
  }
  return inputs;
}

/** The content piece by piece; what was taken is told. */
function* piecesOf(content: Uint8Array, taken: (bytes: number) => void): Generator<Uint8Array> {
  for (let at = 0; at < content.length; at += PIECE_BYTES) {
    const piece = content.subarray(at, at + PIECE_BYTES);
    yield piece;
    taken(piece.length);
  }
}

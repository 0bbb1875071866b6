import type { EpisodeInput } from '../schemas/episode.ts';
import { bodyOf } from '../client/client.ts';
import type { Client } from '../client/client.ts';
import { sha256Of } from '../identity.ts';

/** A file for an episode's workspace. */
export type InputFile = { path: string; content: Uint8Array };

/** Stores the files, one after another, and returns the inputs that name them. */
export async function uploadInputs(client: Client, files: InputFile[]): Promise<EpisodeInput[]> {
  const inputs: EpisodeInput[] = [];
  for (const { path, content } of files) {
    const sha256 = sha256Of(content);
    const init = { body: content, headers: { 'content-type': 'application/octet-stream' } };
    await bodyOf(client.v1.artifacts[':sha256'].$put({ param: { sha256 } }, { init }));
    inputs.push({ path, sha256 });
  }
  return inputs;
}

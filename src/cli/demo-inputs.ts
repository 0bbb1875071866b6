import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { AppError } from '../errors.ts';
import { StartEpisode } from '../schemas/episode.ts';

const EXAMPLES = join(import.meta.dirname, '../../examples');

/** An example's `request.json`: the body that starts an episode, its inputs named by files beside it. */
const ExampleRequest = StartEpisode.extend({
  inputs: z.array(z.strictObject({ path: z.string(), file: z.string() })),
});

/** The examples that are an episode: those with a request. */
async function listExamples(): Promise<string[]> {
  const folders = await readdir(EXAMPLES);
  return folders.filter((name) => existsSync(join(EXAMPLES, name, 'request.json')));
}

/** What starts an example's episode, without its inputs, and the files that it begins with. Throws not_found for an unknown name. */
export async function demoRequest(name = 'sideways-transfer'): Promise<{
  request: Omit<StartEpisode, 'inputs'>;
  files: { path: string; content: Uint8Array }[];
}> {
  const folder = join(EXAMPLES, name);
  const text = await readFile(join(folder, 'request.json'), 'utf8').catch(async (cause: unknown) => {
    const names = (await listExamples()).join(', ');
    throw new AppError('not_found', `There is no example ${name}: there is ${names}.`, { cause });
  });
  const { inputs, ...request } = ExampleRequest.parse(JSON.parse(text));
  const files = inputs.map(async ({ path, file }) => ({ path, content: await readFile(join(folder, file)) }));
  return { request, files: await Promise.all(files) };
}

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

const EXAMPLE = join(import.meta.dirname, '../../examples/sideways-transfer');

/** The demo episode: what is asked for, and the files that it begins with. */
export async function demoRequest(): Promise<{
  request: { task: string; agent: string; model: string; seed: number; tags: string[] };
  files: { path: string; content: Uint8Array }[];
}> {
  const read = (name: string) => readFile(join(EXAMPLE, name));
  return {
    request: {
      task: (await read('task.md')).toString('utf8').trim(),
      agent: 'mechanism_engineer',
      model: 'scripted',
      seed: 0,
      tags: ['demo'],
    },
    files: [{ path: '/benchmark_definition.yaml', content: await read('benchmark_definition.yaml') }],
  };
}

import type { Episode } from '../../src/schemas/episode.ts';
import { call } from '../support/deployment.ts';
import type { Deployment } from '../support/deployment.ts';

/** An episode of about eight seconds that has a bit of everything: slow thoughts, parallel reads, commands, files, a scene. */
export function eightSeconds(deployment: Deployment, seed: number): Promise<Episode> {
  return deployment.play([
    {
      text: 'I look around.',
      thinking_ms: 400,
      calls: [call('list_files', {}), call('read_file', { path: '/transcript.json' })],
    },
    {
      text: 'I write.',
      thinking_ms: 300,
      calls: [call('write_file', { path: '/notes.md', content: `seed ${seed}\n` })],
    },
    {
      text: 'I run something.',
      thinking_ms: 300,
      calls: [
        call('execute_command', {
          command: 'for i in 1 2 3 4 5 6; do echo line $i; sleep 0.3; done; echo made > made.txt',
        }),
      ],
    },
    {
      text: 'I read side by side.',
      thinking_ms: 500,
      calls: [
        call('read_file', { path: '/notes.md' }),
        call('read_file', { path: '/made.txt' }),
        call('grep', { pattern: 'seed' }),
      ],
    },
    {
      text: 'I mend.',
      thinking_ms: 300,
      calls: [call('edit_file', { path: '/notes.md', old_string: 'seed', new_string: 'the seed' })],
    },
    {
      text: 'And again.',
      thinking_ms: 400,
      calls: [call('execute_command', { command: 'cat notes.md; sleep 1.5; wc -l notes.md' })],
    },
    { text: 'I check.', thinking_ms: 300, calls: [call('list_files', {}), call('fly', {})] },
  ]);
}

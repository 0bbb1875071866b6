import type { Episode } from '../../src/schemas/episode.ts';
import { call } from '../support/deployment.ts';
import type { Deployment } from '../support/deployment.ts';
import { BENCHMARK_YAML, SCENE } from '../support/synthetic.ts';

/** An episode of about eight seconds that has a bit of everything: slow thoughts, parallel reads, commands, files, a simulation. */
export function eightSeconds(deployment: Deployment, seed: number): Promise<Episode> {
  const lines = [
    {
      text: 'I look around.',
      thinking_ms: 400,
      calls: [call('list_files', {}), call('read_file', { path: '/transcript.json' })],
    },
    {
      text: 'I write.',
      thinking_ms: 300,
      calls: [
        call('write_file', { path: '/notes.md', content: `seed ${seed}\n` }),
        call('write_file', { path: '/scene.xml', content: SCENE }),
      ],
    },
    {
      text: 'I run something.',
      thinking_ms: 300,
      calls: [
        call('execute_command', {
          command: 'for i in 1 2 3 4 5 6; do echo line $i; sleep 0.2; done; echo made > made.txt',
        }),
      ],
    },
    {
      text: 'I simulate, and read side by side.',
      thinking_ms: 300,
      calls: [
        call('simulate', { scene_path: '/scene.xml' }),
        call('read_file', { path: '/notes.md' }),
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
      calls: [call('execute_command', { command: 'cat notes.md; sleep 1; wc -l notes.md' })],
    },
    { text: 'I check.', thinking_ms: 300, calls: [call('list_files', {}), call('fly', {})] },
  ];
  return deployment.play(lines, {}, { '/benchmark_definition.yaml': BENCHMARK_YAML });
}

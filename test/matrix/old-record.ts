import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BENCHMARK_YAML, SCENE } from '../support/synthetic.ts';
import type { Home, Shown } from './home.ts';

/** One episode of each kind in a home, by what it is for: each as its build showed it before it stopped. */
export type OldRecord = {
  demo: Shown;
  /** Its reviewer rejected it. */
  rejected: Shown;
  /** It asked a person, heard another word from them, simulated, and was rewound to step `REWOUND_TO`. */
  rewound: Shown;
  /** It went on after step `FORKED_AT` of the rewound one, before that was rewound. */
  forked: Shown;
  /** It ran the rewound one again with its recorded answers, the last steps live. */
  rerun: Shown;
  /** It waits for a person's answer; a call that it makes afterwards needs a person's approval. */
  waiting: Shown;
};

/** The last step that the fork and its parent both have: the thought before the review is written. */
export const FORKED_AT = 10;
/** The last step that the rewound episode kept: the review is written, the thought that ends the turn is to come. */
export const REWOUND_TO = 12;
const RERUN_UNTIL = 9;

const call = (name: string, args: Record<string, unknown>) => ({ name, args });
/** Steps 1 2 · 3 4 (asks) · 5 (a word, in the one that is told one) · 6 7 (simulates) · 8 9 10 · 11 12 · 13 14 (approved). */
const LINES = [
  { text: 'I lay the scene out.', calls: [call('write_file', { path: '/scene.xml', content: SCENE })] },
  { text: '', calls: [call('ask_person', { question: 'Which seed?' })] },
  { text: 'Seed 3 it is.', calls: [call('simulate', { scene_path: '/scene.xml', seed: 3 })] },
  { text: '', calls: [call('list_files', { path: '/' }), call('read_file', { path: '/scene.xml' })] },
  { text: '', calls: [call('write_file', { path: '/review.md', content: 'checked' })] },
  { text: '', calls: [call('finish', { decision: 'APPROVED', reason: 'it is done', review_path: '/review.md' })] },
];

/** Has the build that runs in a home record an episode of each kind, and a restore point of them all. */
export async function recordEpisodes(home: Home): Promise<OldRecord> {
  const dir = join(home.path, 'given');
  await mkdir(dir);
  const given = { transcript: join(dir, 'transcript.json'), benchmark: join(dir, 'benchmark_definition.yaml') };
  await writeFile(given.transcript, JSON.stringify({ lines: { engineer: LINES } }));
  await writeFile(given.benchmark, BENCHMARK_YAML);
  const start = (...more: string[]) => home.episode('episodes', 'start', ...more);
  const dropped = [
    '--task=Drop the ball into the box',
    `--transcript=${given.transcript}`,
    `--input=/benchmark_definition.yaml=${given.benchmark}`,
  ];
  const play = (...more: string[]) => start('--agent', 'single_engineer', ...dropped, ...more);

  // The long ones run while the others are recorded.
  const example = join(import.meta.dirname, '../../examples/sideways-transfer/benchmark_definition.yaml');
  const transfer = [
    '--task',
    'Move the ball sideways into the tray',
    '--input',
    `/benchmark_definition.yaml=${example}`,
  ];
  const demo = await start(...transfer, '--agent', 'mechanism_engineer', '--model', 'scripted');
  const rejected = await start(...transfer, '--agent', 'mechanism_engineer', '--model', 'scripted:narrow-funnel');

  const rewound = await play();
  const waiting = await play('--approval', 'simulate=ask');
  await home.waiting(rewound);
  await home.command('episodes', 'say', rewound, 'mind the box');
  await home.command('episodes', 'answer', rewound, 'three');
  await home.ended(rewound);
  const fork = ['--step', String(FORKED_AT), '--message', 'look again'];
  const forked = await home.episode('episodes', 'fork', rewound, ...fork);
  await home.ended(forked);
  await home.rewound(rewound, REWOUND_TO);
  const rerun = await home.episode('episodes', 'rerun', rewound, '--recorded-until', String(RERUN_UNTIL));
  await home.ended(rerun);
  await home.waiting(waiting);
  await Promise.all([home.ended(demo), home.ended(rejected)]);
  await home.command('backup', 'run');

  return {
    demo: await home.show(demo),
    rejected: await home.show(rejected),
    rewound: await home.show(rewound),
    forked: await home.show(forked),
    rerun: await home.show(rerun),
    waiting: await home.show(waiting),
  };
}

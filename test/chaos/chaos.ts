// Kills and stops real processes at random moments of an eight-second episode, round after round, and holds the record against
// its invariants after each. A round follows from its seed alone: `--seed S --rounds 1` runs the round that failed with S again.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { cacheFolder, processEnvironment } from '../../src/config/config.ts';
import { startServers } from '../../src/embedded/stack.ts';
import { outageOf } from './faults.ts';
import { playRound } from './round.ts';
import type { Round } from './round.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '10' },
    seed: { type: 'string', default: '1' },
    away: { type: 'string' },
    at: { type: 'string', default: '3' },
    outage: { type: 'string', default: '20' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) {
  console.log(
    [
      'npm run chaos -- [--rounds 10] [--seed 1] [--json]',
      '  Round i has the seed S + i - 1, and what goes wrong in it follows from that. Exit code 1 when any failed.',
      'npm run chaos -- --away postgres|seaweedfs|temporal [--at 3] [--outage 20]',
      '  One round in which that server is killed at a chosen second, and started again after so many.',
    ].join('\n'),
  );
  process.exit(0);
}
const say = (line: string) => (values.json ? console.error(line) : console.log(line));
const home = await mkdtemp(join(tmpdir(), 'observatory-chaos-'));
const cache = cacheFolder(processEnvironment());
const servers = await startServers({ home, env: {}, log: say, cache, ports: 'any' });
const chosen = (['postgres', 'seaweedfs', 'temporal'] as const).find((name) => name === values.away);
const fixed = chosen && [
  { fault: outageOf(chosen, Number(values.outage)), at_ms: Number(values.at) * 1000, random: Math.random },
];
const rounds: Round[] = [];
try {
  for (let index = 0; index < (fixed ? 1 : Number(values.rounds)); index += 1) {
    const round = await playRound(servers, Number(values.seed) + index, fixed);
    rounds.push(round);
    const { seed, faults, error, seconds } = round;
    say(`seed ${seed}: ${error ? `FAILED: ${error}` : 'passed'} in ${seconds} s (${faults.join('; ')})`);
  }
} finally {
  await servers.stop();
  await rm(home, { recursive: true, force: true });
}
const failed = rounds.filter(({ error }) => error !== undefined);
const summary = { rounds: rounds.length, passed: rounds.length - failed.length, failed };
say(`${summary.passed} passed, ${failed.length} failed`);
if (values.json) console.log(JSON.stringify(summary));
process.exitCode = failed.length > 0 ? 1 : 0;

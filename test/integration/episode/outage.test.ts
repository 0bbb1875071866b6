// Temporal, Postgres and S3 killed at once in the middle of an episode, and started again: a round of the chaos that
// `npm run chaos` plays by the hundred, on servers of its own.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { cacheFolder, processEnvironment } from '../../../src/config/config.ts';
import { startServers } from '../../../src/embedded/stack.ts';
import { outageOf } from '../../chaos/faults.ts';
import { playRound } from '../../chaos/round.ts';

test('an episode ends approved, with a true record, although every server was killed in the middle of it', async () => {
  const home = await mkdtemp(join(tmpdir(), 'observatory-test-'));
  const cache = cacheFolder(processEnvironment());
  try {
    await using servers = await startServers({ home, env: {}, log: () => {}, cache, ports: 'any' });
    const plan = (['temporal', 'postgres', 'seaweedfs'] as const).map((name) => ({
      fault: outageOf(name, 1),
      at_ms: 2_500,
      random: Math.random,
    }));
    expect(await playRound(servers, 1, plan)).not.toHaveProperty('error');
  } finally {
    await rm(home, { recursive: true, force: true });
  }
});

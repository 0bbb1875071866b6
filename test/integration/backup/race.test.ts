/**
 * Goal: points that are made while people write and delete refer to nothing that is absent, and count what they dumped.
 * Method: writers and deleters as fast as they can, for two points; RACE_ROUNDS=20 makes the long set.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { insertArtifact } from '../../../src/db/append/artifacts.ts';
import { insertEpisode } from '../../../src/db/append/episodes.ts';
import { tombstoneArtifacts } from '../../../src/db/write/artifacts.ts';
import { deleteEpisode } from '../../../src/db/write/deletion.ts';
import { endEpisode } from '../../../src/db/write/episodes.ts';
import { openArtifactStore } from '../../../src/runtime/artifact-store.ts';
import { processEnvironment } from '../../../src/config/config.ts';
import { StartEpisode } from '../../../src/schemas/episode.ts';
import { createRecoveryDeployment } from './recovery-deployment.ts';
import type { RecoveryDeployment } from './recovery-deployment.ts';

const ROUNDS = Number(processEnvironment()['RACE_ROUNDS'] ?? 2);
let deployment: RecoveryDeployment;
beforeAll(async () => {
  deployment = await createRecoveryDeployment();
  await deployment.startWorker();
});
afterAll(() => deployment?.[Symbol.asyncDispose]());

/** Contents there are: each comes again and again, perhaps given up meanwhile. */
const CONTENTS = 300;
/** Episodes left alone; of more than these the oldest are deleted. */
const EPISODES_KEPT = 100;

/** Stores objects and starts episodes with them. */
async function write(race: { going: boolean; episodes: string[] }): Promise<void> {
  const { db } = deployment.backups;
  await using store = openArtifactStore(deployment.config, db);
  for (let n = 0; race.going; n++) {
    const content = Buffer.from(`racing ${n % CONTENTS}`);
    const put = await store.put(content, { contentType: 'text/plain' });
    await insertArtifact(db, put);
    const request = StartEpisode.parse({ task: 'racing', inputs: [{ path: '/in.txt', sha256: put.sha256 }] });
    // Somebody may have given the file up since: then it is refused, as the API would.
    const accepted = await insertEpisode(db, {
      request,
      namespace: 'test',
      idempotency_key: null,
      code_version: null,
    }).catch((error: { code?: string }) => {
      if (error.code !== 'failed_precondition') throw error;
    });
    if (!accepted) continue;
    const { id } = accepted.episode;
    await endEpisode(db, id, { status: 'stopped', terminal_reason: 'TIMEOUT', failure_class: null, failure: null });
    race.episodes.push(id);
  }
}

/** Deletes the oldest episodes, and gives up whatever nothing refers to, however young. */
async function giveUp(race: { going: boolean; episodes: string[] }): Promise<number> {
  let deleted = 0;
  while (race.going) {
    const id = race.episodes.length > EPISODES_KEPT ? race.episodes.shift() : undefined;
    if (id !== undefined) await deleteEpisode(deployment.backups.db, { id, reason: 'asked' });
    deleted += (await tombstoneArtifacts(deployment.backups.db, { after: '', hours: 0, limit: 1_000 })).deleted;
  }
  return deleted;
}

test(
  'what is written and given up while points are made leaves no reference dangling',
  { timeout: 120_000 + ROUNDS * 30_000 },
  async () => {
    const race = { going: true, episodes: [] as string[] };
    const racing = Promise.all([write(race), giveUp(race)]);
    try {
      for (let round = 0; round < ROUNDS; round++) {
        const { id, status, checks } = await deployment.makePoint();
        expect({ status, checks }).toMatchObject({ status: 'complete' });
        expect(await deployment.verify(id)).toMatchObject({ status: 'passed' });
        // Every row and link of the dump, counted in a restored database.
        expect(await deployment.drill(id)).toMatchObject({ status: 'passed' });
      }
    } finally {
      race.going = false;
    }
    const [, deleted] = await racing;
    expect(deleted).toBeGreaterThan(10);
  },
);

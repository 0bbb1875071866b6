import { createDatabase } from '../../db/client.ts';
import { listStuck } from '../../db/read/outside.ts';
import { stuckSentence } from '../../schemas/workflow-state.ts';
import type { Config } from '../../config/config.ts';
import { found } from './finding.ts';
import type { Check } from './finding.ts';

/** The most stuck episodes that are named. */
const NAMED_MAX = 20;

/** Open episodes that do not get on, as the API last saw them from outside. */
export function checkEpisodes(config: Config): Check {
  return {
    name: 'episodes',
    mend: 'Start PostgreSQL, or mend DATABASE_URL.',
    async look() {
      await using database = createDatabase(config.database_url.reveal(), { connections: 1 });
      const stuck = await listStuck(database.db, NAMED_MAX);
      if (stuck.length === 0) return [found('episodes', 'ok', { detail: 'none is stuck' })];
      return stuck.map((one) =>
        found(`episode ${one.id}`, 'fail', {
          detail: stuckSentence(one.stuck),
          mend: 'Mend what it names; the episode then goes on by itself.',
        }),
      );
    },
  };
}

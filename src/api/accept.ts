import { insertEpisode } from '../db/append/episodes.ts';
import type { Acceptance } from '../db/append/episodes.ts';
import { AppError } from '../errors.ts';
import type { ApiDeps } from './deps.ts';
import { withLinks } from './links.ts';
import type { EpisodeResource } from './resources.ts';
import { REPLAYED } from './route-parts.ts';

/** An accepted episode, and whether its acceptance is an earlier one's repeat. */
export type Accepted = { resource: EpisodeResource; replayed: boolean };

/** Accepts an episode, or finds it accepted. The row is the acceptance: what cannot be started now the sweeper starts. */
export async function acceptEpisode(
  { db, startEpisode, links, logger }: Pick<ApiDeps, 'db' | 'startEpisode' | 'links' | 'logger'>,
  accepted: Acceptance,
): Promise<Accepted> {
  const { episode, replayed } = await insertEpisode(db, accepted);
  if (episode.status === 'queued')
    try {
      await startEpisode(episode);
    } catch (error) {
      const { code, message } = AppError.from(error);
      logger.warn({ episode_id: episode.id, code, message }, 'episode left to the sweeper');
    }
  return { resource: withLinks(episode, links), replayed };
}

/** The head of the answer that accepts it. */
export const headOf = ({ resource, replayed }: Accepted): Record<string, string> => ({
  location: resource.links.self,
  ...(replayed && REPLAYED),
});

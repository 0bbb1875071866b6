import { insertEpisode } from '../db/append/episodes.ts';
import type { Acceptance } from '../db/append/episodes.ts';
import { AppError } from '../errors.ts';
import type { ApiDeps } from './deps.ts';
import { withLinks } from './links.ts';
import type { EpisodeResource } from './resources.ts';

/** Accepts an episode, or finds it accepted. The row is the acceptance: what cannot be started now the sweeper starts. */
export async function acceptEpisode(
  { db, startEpisode, links, logger }: Pick<ApiDeps, 'db' | 'startEpisode' | 'links' | 'logger'>,
  accepted: Acceptance,
): Promise<EpisodeResource> {
  const { episode } = await insertEpisode(db, accepted);
  if (episode.status === 'queued')
    try {
      await startEpisode(episode);
    } catch (error) {
      const { code, message } = AppError.from(error);
      logger.warn({ episode_id: episode.id, code, message }, 'episode left to the sweeper');
    }
  return withLinks(episode, links);
}
